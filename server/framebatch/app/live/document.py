"""The state document of the page: docs/status-page.md describes it. Made once a second for all viewers together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from framebatch.app.live.alerts import CameraFigures, Figures
from framebatch.app.live.cameras import OUTCOMES
from framebatch.app.live.models import FEWEST_NS, figures_of_model, model_state, to_ms
from framebatch.app.live.windows import LONG_NS, SHORT_NS, Counts
from framebatch.clock import SECOND_NS, ns_to_ms, ns_to_seconds
from framebatch.frame import DUE, LATE, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.app.live.alerts import Alerts
    from framebatch.app.live.cameras import Camera
    from framebatch.app.live.sources import Sources
    from framebatch.app.live.watch import Watch

__all__ = ["look", "state"]

_OK: Final = OUTCOMES.index(Outcome.OK)
_LATE: Final = tuple(map(OUTCOMES.index, LATE))
_DUE: Final = tuple(map(OUTCOMES.index, DUE))


def look(sources: Sources, watch: Watch, now_ns: int) -> None:
    """End a second: what is counted now is what the next windows begin with."""
    for name, model in watch.models.items():
        totals = sources.of_model(name)
        if model.counts is None:
            model.counts = Counts(totals)
        model.counts.look(totals)
    watch.server.look(sources.of_server())
    watch.look(now_ns)


def state(sources: Sources, watch: Watch, alerts: Alerts, now_ns: int) -> dict[str, Any]:
    """Everything, as JSON has it. O(cameras log + models)."""
    unix_seconds = time.time()
    looks, serving = watch.looks, sources.repository.serving
    models, judged = [], []
    for name, served in serving.items():
        seen, totals = watch.model(name), sources.of_model(name)
        if seen.counts is None:
            seen.counts = Counts(totals)
        models.append(model_state(served, seen, totals, looks=looks, now_ns=now_ns))
        judged.append(figures_of_model(served, seen, totals, looks=looks, now_ns=now_ns))
    counted = sources.of_server()
    short, long = looks.back(SHORT_NS, now_ns), looks.back(LONG_NS, now_ns)
    late, timers, _, lost = watch.server.since(long, counted)
    figures = Figures(
        why_not_ready=sources.why_not_ready(),
        models=judged,
        cameras=[_figures(name, each, long, now_ns) for name, each in watch.cameras.shown.items()],
        late_share=late / timers if timers else 0.0,
        lost=lost,
        certificate_seconds=None if (end := sources.certificate_end()) is None else end - unix_seconds,
    )
    return {
        "time_unix_seconds": round(unix_seconds, 3),
        "pictures": watch.pictures is not None,
        "server": _server(sources, watch.server.since(short, counted), now_ns),
        "models": models,
        "cameras": _cameras(watch, now_ns),
        "cameras_left_out": watch.cameras.left_out,
        "alerts": [
            each._asdict() | {"since_unix_seconds": round(each.since_unix_seconds, 1)}
            for each in alerts.judge(figures, unix_seconds)
        ],
    }


def _server(sources: Sources, grown: Sequence[int], now_ns: int) -> dict[str, Any]:
    _, timers, late_ns, _ = grown
    why_not = sources.why_not_ready()
    return {
        "version": sources.version,
        "device": sources.device,
        "provider": sources.provider,
        "simulated": sources.simulated,
        "asks_who": sources.asks_who,
        "ready": not why_not,
        "why_not_ready": why_not,
        "uptime_seconds": round(ns_to_seconds(now_ns - sources.started_ns), 1),
        "streams": sources.streams(),
        "unanswered": sum(each.batcher.unanswered for each in sources.repository.alive),
        "loop_lag_ms": round(ns_to_ms(late_ns / timers), 2) if timers else None,
    }


def _figures(name: str, camera: Camera, back: int, now_ns: int) -> CameraFigures:
    grown = camera.counts.since(back, tuple(camera.ended.values()))
    late, due = (sum(grown[at] for at in each) for each in (_LATE, _DUE))
    return CameraFigures(name, camera.model, ns_to_seconds(now_ns - camera.arrival_ns), late, due)


def _cameras(watch: Watch, now_ns: int) -> list[dict[str, Any]]:
    looks, pictures, shown = watch.looks, watch.pictures, watch.cameras.shown
    back = looks.back(SHORT_NS, now_ns)
    elapsed = [max(1, looks.elapsed_ns(each, now_ns)) for each in range(1, back + 1)]
    rows = []
    for name in sorted(shown):
        camera = shown[name]
        counts = camera.counts
        reach = counts.reach(back)
        grown = counts.since(reach, tuple(camera.ended.values()))
        elapsed_ns = elapsed[reach - 1]
        priority, outcome = camera.priority, camera.outcome
        rows.append(
            {
                "id": name,
                "model": camera.model,
                "priority": None if priority is None else priority.word,
                "live": camera.live,
                "frames_per_second": round(sum(grown) * SECOND_NS / elapsed_ns, 1) if elapsed_ns >= FEWEST_NS else None,
                "outcomes": dict(zip(OUTCOMES, grown, strict=True)),
                "last_outcome": outcome,
                "last_reason": camera.reason,
                "last_age_seconds": round((now_ns - camera.arrival_ns) / SECOND_NS, 2),
                "latency_ms": to_ms(camera.latency_ns),
                "p95_ms": to_ms(camera.p95_ns(grown[_OK])),
                "deadline_ms": to_ms(camera.budget_ns),
                "detections": camera.found,
                "shot": None if pictures is None else pictures.number(name),
            }
        )
    return rows
