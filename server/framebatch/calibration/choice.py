"""The largest batch worth using: what memory, the deadline and throughput would allow, and why.

The rules of the deadline and of throughput belong here, each with its sentence, and taking the least of all. What
memory allows is `memory_rule`'s, the curve `fit`'s, how the whole reads `reasons`'; what ran is the sweep's to know.
"""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Final

from framebatch.calibration.memory_rule import allowed_by_memory
from framebatch.calibration.reasons import Rule, explain, failure
from framebatch.calibration.wording import apart, duration, percent
from framebatch.clock import MILLISECOND_NS
from framebatch.profile import Allowed, Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.calibration.fit import Curve
    from framebatch.profile import Bucket, Ceiling, Memory

__all__ = ["choose"]

KNEE: Final = 0.03
"""What a doubling of the batch has to add to the throughput to be worth its latency."""
ERRORS: Final = 3.0
LEAST_TOLD: Final = 0.0005
"""Smaller gains are none, in words."""
BATCHES_IN_DEADLINE: Final = 2
"""A frame that just missed a batch waits for that one, and then for its own."""


def choose(curve: Curve, *, deadline_ns: int, limit: int, memory: Memory | None, ceiling: Ceiling) -> Choice:
    """The largest size that every rule allows, or the smallest that ran where one allows none.

    Args:
        curve: fitted service times; its sizes are what there is to choose from.
        deadline_ns: two batches have to fit into it.
        limit: the largest size that was to be tried.
        memory: what there is; None where nobody can tell, then only what ran counts.
        ceiling: what ran.
    """
    buckets = [bucket for bucket in curve.buckets if bucket.batch <= limit] or list(curve.buckets[:1])
    by_memory = allowed_by_memory(buckets, memory, ceiling, limit=limit)
    by_deadline = _by_deadline(buckets, deadline_ns)
    by_throughput = _by_throughput(buckets)
    rules: dict[Rule, Allowed] = {"memory": by_memory, "deadline": by_deadline, "throughput": by_throughput}
    if ceiling.smallest_failed is not None and ceiling.failure not in {"", "memory"}:
        rules["failure"] = _by_failure(buckets, ceiling.smallest_failed, ceiling.why)
    least = min(rule.max_batch for rule in rules.values())
    binding: list[Rule] = [name for name, rule in rules.items() if rule.max_batch == least and not rule.at_least]
    bound_by = binding[0] if binding else "limit"
    chosen = max(least, buckets[0].batch)
    return Choice(
        max_batch=chosen,
        bound_by=bound_by,
        deadline_ns=deadline_ns,
        memory=by_memory,
        deadline=by_deadline,
        throughput=by_throughput,
        text=explain(chosen, bound_by, rules, only=len(curve.buckets) == 1),
    )


def _by_deadline(buckets: Sequence[Bucket], deadline_ns: int) -> Allowed:
    """Sizes of which two batches in a row fit into the deadline."""
    meeting = [bucket for bucket in buckets if BATCHES_IN_DEADLINE * bucket.service_ns <= deadline_ns]
    if len(meeting) == len(buckets):
        last = buckets[-1]
        took = duration(BATCHES_IN_DEADLINE * last.service_ns)
        why = f"Two batches of {last.batch} take {took}, and {duration(deadline_ns)} are allowed."
        return Allowed(max_batch=last.batch, at_least=True, why=why)
    first = buckets[len(meeting)]
    took_ns = BATCHES_IN_DEADLINE * first.service_ns
    took, allowed = apart(took_ns, deadline_ns, duration)
    why = f"Two batches of {first.batch} take {took}, which is more than {allowed}"
    if meeting:
        return Allowed(max_batch=meeting[-1].batch, why=f"{why}.")
    return Allowed(max_batch=0, why=f"{why}; a deadline of {-(-took_ns // MILLISECOND_NS)} ms would do.")


def _by_throughput(buckets: Sequence[Bucket]) -> Allowed:
    """Sizes up to the knee: the smallest from which every doubling brings less than 3 %.

    After one that brings less, a later one that brings more counts when it does so by more than 3 standard errors:
    else a few noisy batches of the largest sizes, which are timed least, would move the knee.
    """
    by_batch = {bucket.batch: bucket for bucket in buckets}
    doublings = [(bucket, by_batch[2 * bucket.batch]) for bucket in buckets if 2 * bucket.batch in by_batch]
    last = buckets[-1]
    if not doublings:
        why = f"No size ran that is twice another, so it is not known what more than {last.batch} would bring."
        return Allowed(max_batch=last.batch, at_least=True, why=why)
    errors = _errors(buckets)
    worth = 0
    for number, (one, double) in enumerate(doublings):
        doubt = 0.0 if number == worth else ERRORS * hypot(errors[one.batch], errors[double.batch])
        if _gain(one, double) - doubt >= KNEE:
            worth = number + 1
    if worth == len(doublings):
        return Allowed(max_batch=last.batch, at_least=True, why=f"{_doubling(*doublings[-1])}.")
    knee = doublings[worth]
    surely = "surely " if any(_gain(*later) >= KNEE for later in doublings[worth:]) else ""
    why = f"{_doubling(*knee)}, and no further doubling {surely}brings {percent(KNEE)}."
    return Allowed(max_batch=knee[0].batch, why=why)


def _errors(buckets: Sequence[Bucket]) -> dict[int, float]:
    """Standard errors of what was measured, as shares, by the width of the medians' 95 % intervals.

    A size between measured ones is known no better than the worst of them.
    """
    known = {
        bucket.batch: (bucket.measured.median_high_ns - bucket.measured.median_low_ns) / (2 * 1.96 * bucket.service_ns)
        for bucket in buckets
        if bucket.measured
    }
    worst = max(known.values(), default=0.0)
    return {bucket.batch: known.get(bucket.batch, worst) for bucket in buckets}


def _gain(one: Bucket, double: Bucket) -> float:
    """What twice the batch adds to the throughput, as a share."""
    return double.throughput_fps / one.throughput_fps - 1


def _doubling(one: Bucket, double: Bucket) -> str:
    gain = _gain(one, double)
    change, _ = apart(abs(gain), KNEE, percent, 2)
    more = f"{change} {'more' if gain > 0 else 'fewer'}" if abs(gain) >= LEAST_TOLD else "no more"
    return f"Batches of {double.batch} bring {more} frames a second than batches of {one.batch}"


def _by_failure(buckets: Sequence[Bucket], failed: int, why: str) -> Allowed:
    """Sizes below one that failed for another reason than want of memory."""
    ran = [bucket.batch for bucket in buckets if bucket.batch < failed]
    return Allowed(max_batch=ran[-1] if ran else 0, why=failure(failed, why))
