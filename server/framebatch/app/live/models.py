"""The part of the state document that tells of a model. Converts; times in milliseconds leave here, nanoseconds come in."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from framebatch.app.figures import derate_of
from framebatch.app.live.alerts import ModelFigures
from framebatch.app.live.cameras import OUTCOMES
from framebatch.app.live.sources import BUSY, MEMORY
from framebatch.app.live.windows import LONG_NS, SHORT_NS, Counts
from framebatch.clock import SECOND_NS, ns_to_ms, ns_to_seconds
from framebatch.frame import MISSED, Outcome

if TYPE_CHECKING:
    from framebatch.app.basis import Basis
    from framebatch.app.live.watch import ModelWatch
    from framebatch.app.live.windows import Looks
    from framebatch.app.served import Served

__all__ = ["FEWEST_NS", "figures_of_model", "model_state", "to_ms"]

FEWEST_NS = SECOND_NS // 2
"""Over less than this nothing is said of rates."""
_OK = OUTCOMES.index(Outcome.OK)
_MISSED = [OUTCOMES.index(outcome) for outcome in MISSED]


def to_ms(nanoseconds: float | None) -> float | None:
    """Rounded to a hundredth; None stays None."""
    return None if nanoseconds is None else round(ns_to_ms(nanoseconds), 2)


def model_state(
    served: Served, watch: ModelWatch, totals: tuple[int, ...], *, looks: Looks, now_ns: int
) -> dict[str, Any]:
    """Of a model that is served.

    Args:
        served: the version.
        watch: what was seen of it.
        totals: its counts now, see `Sources.of_model`.
        looks: when was looked at the counts.
        now_ns: by `clock.now_ns`.
    """
    counts = watch.counts or Counts(totals)
    reach = counts.reach(looks.back(SHORT_NS, now_ns))
    grown, elapsed_ns = counts.since(reach, totals), looks.elapsed_ns(reach, now_ns)
    known = elapsed_ns >= FEWEST_NS
    batcher, policy, spec = served.batcher, served.policy, served.detector.spec
    return {
        "name": served.model.name,
        "version": served.model.version,
        "family": spec.family,
        "input": [spec.input_width, spec.input_height],
        "up": not served.down,
        "why_down": served.down,
        "frames_per_second": round(grown[_OK] * SECOND_NS / elapsed_ns, 1) if known else None,
        "outcomes": dict(zip(OUTCOMES, grown, strict=False)),
        "totals": dict(zip(OUTCOMES, totals, strict=False)),
        **_durations(watch),
        "waiting": batcher.waiting,
        "load": round(policy.load_at(now_ns), 3),
        "busy": round(min(1.0, grown[BUSY] / elapsed_ns), 3) if known else None,
        "drift": round(policy.estimate.factor, 3),
        "derate": round(derate_of(policy), 3),
        "batch_limit": batcher.recovery.cap,
        "recalibration_due": bool(served.recalibration.due),
        "one_by_one": bool(served.detector.report.why_not_batched),
        "batches": [
            [round(ns_to_seconds(now_ns - each.finished_ns), 2), each.rows, each.bucket, to_ms(each.device_ns)]
            for each in watch.batches
            if now_ns - each.finished_ns <= LONG_NS
        ],
        "throughput": _throughput(counts, totals, looks, now_ns),
        "profile": _profile(served.basis),
    }


def figures_of_model(
    served: Served, watch: ModelWatch, totals: tuple[int, ...], *, looks: Looks, now_ns: int
) -> ModelFigures:
    """What its alerts are judged by; arguments as for `model_state`."""
    batcher = served.batcher
    counts = watch.counts or Counts(totals)
    return ModelFigures(
        name=served.model.name,
        why_down=served.down,
        not_fitting=batcher.cameras_not_fitting,
        derate=derate_of(served.policy),
        recalibration_due=served.recalibration.due,
        fill=batcher.unanswered_bytes / batcher.max_waiting_bytes,
        out_of_memory=counts.since(looks.back(LONG_NS, now_ns), totals)[MEMORY],
    )


def _durations(watch: ModelWatch) -> dict[str, Any]:
    """Percentiles of the OK answers; none of none."""
    found = watch.samples.percentiles((50, 95, 99), (1, 50), (50,), (50,), (50,), (50,)) or [()] * 6
    names = (("p50", "p95", "p99"), ("p1", "p50"))
    stages = ("decode", "queue", "device", "post")
    latency, slack = (
        dict(zip(each, map(to_ms, values), strict=True)) if values else dict.fromkeys(each)
        for each, values in zip(names, found, strict=False)
    )
    medians = {stage: to_ms(values[0]) if values else None for stage, values in zip(stages, found[2:], strict=True)}
    return {"latency_ms": latency, "slack_ms": slack, "stages_ms": medians}


def _throughput(counts: Counts, totals: tuple[int, ...], looks: Looks, now_ns: int) -> list[list[float]]:
    """From look to look, up to now: how long ago, and what was answered OK and what was missed, a second."""
    rows = [*counts.before, totals]
    times = [*looks.times, now_ns][-len(rows) :]
    steps = []
    for (begin_ns, end_ns), (old, new) in zip(pairwise(times), pairwise(rows), strict=True):
        elapsed_ns = end_ns - begin_ns
        if elapsed_ns < FEWEST_NS or now_ns - begin_ns > LONG_NS + FEWEST_NS:
            continue
        missed = sum(new[at] - old[at] for at in _MISSED)
        rates = [round(each * SECOND_NS / elapsed_ns, 1) for each in (new[_OK] - old[_OK], missed)]
        steps.append([round(ns_to_seconds(now_ns - end_ns), 1), *rates])
    return steps


def _profile(basis: Basis) -> dict[str, Any]:
    """What the batches cost, and where that is known from."""
    table, profile = basis.table, basis.profile
    measured = {} if profile is None else {each.batch: each for each in profile.buckets}
    age_seconds = basis.age_seconds(time.time())
    curve = []
    for batch, service_ns in zip(table.buckets, table.service_ns, strict=True):
        bucket = measured.get(batch)
        p95_ns = None if bucket is None or bucket.measured is None else bucket.measured.p95_ns
        curve.append([batch, to_ms(service_ns), to_ms(p95_ns), round(batch * SECOND_NS / service_ns, 1)])
    return {
        "source": basis.source,
        "created": None if profile is None else profile.run.created,
        "age_seconds": None if age_seconds is None else round(age_seconds),
        "max_batch": table.max_batch,
        "bound_by": None if profile is None else profile.choice.bound_by,
        "curve": curve,
    }
