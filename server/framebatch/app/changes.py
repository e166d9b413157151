"""Tells the log of what begins and what ends: cameras, misses, overload, drift, models that fail. Looks once a second.

When something has begun is decided in `states`; nothing here is done for a frame.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from framebatch.app.states import (
    DRIFT_FROM,
    DRIFT_UNTIL,
    OVERLOAD_FROM,
    OVERLOAD_UNTIL,
    Misses,
    Switch,
    drifting,
    overloaded,
)
from framebatch.clock import now_ns, ns_to_seconds
from framebatch.frame import DUE, MISSED
from framebatch.logs import event

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from framebatch.app.served import Served
    from framebatch.frame import Model, Outcome

    Counts = Mapping[Outcome, int]

__all__ = ["Changes"]

log = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 1.0


class _Stream(NamedTuple):
    camera: str
    began_ns: int
    counts: Counts
    """Of the camera, when the stream began."""


class _OfModel:
    def __init__(self) -> None:
        self.overload: Switch = overloaded()
        self.drift: Switch = drifting()
        self.down = ""


class Changes:
    """Of one server, on its event loop, from `start` to `stop`."""

    def __init__(
        self,
        *,
        streams: Callable[[], Mapping[Any, str]],
        counts: Callable[[], Mapping[str, Counts]],
        serving: Callable[[], Mapping[str, Served]],
    ) -> None:
        """Look at nothing yet.

        Args:
            streams: the open ones, with their cameras' names.
            counts: answered frames by camera and outcome.
            serving: the models, by name.
        """
        self._read_streams = streams
        self._read_counts = counts
        self._read_serving = serving
        self._streams: dict[object, _Stream] = {}
        self._counts: Mapping[str, Counts] = {}
        self._misses: dict[str, Misses] = {}
        self._models: dict[Model, _OfModel] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"Changes(streams={len(self._streams)}, cameras={len(self._misses)}, models={len(self._models)})"

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look every second."""
        self._timer = loop.call_later(PERIOD_SECONDS, self.start, loop)
        self.look(now_ns())

    def stop(self) -> None:
        """Look for the last time: what still has begun has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.look(now_ns())

    def look(self, now: int) -> None:
        """Tell what has changed since the last time."""
        counts = self._read_counts()
        self._look_at_streams(self._read_streams(), counts, now)
        for camera, outcomes in counts.items():
            self._look_at_misses(camera, outcomes)
        self._counts = counts
        serving = {served.model: served for served in self._read_serving().values()}
        self._models = {model: self._models.get(model) or _OfModel() for model in serving}
        for model, served in serving.items():
            self._look_at_model(self._models[model], served, now)

    def _look_at_streams(self, streams: Mapping[object, str], counts: Mapping[str, Counts], now: int) -> None:
        for stream in self._streams.keys() - streams.keys():
            camera, began_ns, before = self._streams.pop(stream)
            seconds = ns_to_seconds(now - began_ns)
            answered = {
                outcome.value: count - before.get(outcome, 0)
                for outcome, count in counts.get(camera, {}).items()
                if count > before.get(outcome, 0)
            }
            told = ", ".join(f"{count} {outcome}" for outcome, count in answered.items()) or "no frame answered"
            log.info(
                "camera %s ended after %.0f s: %s",
                camera,
                seconds,
                told,
                extra=event("camera.ended", camera=camera, seconds=round(seconds, 3), answered=answered),
            )
        for stream in streams.keys() - self._streams.keys():
            camera = streams[stream]
            self._streams[stream] = _Stream(camera, now, dict(self._counts.get(camera, {})))
            log.info("camera %s began", camera, extra=event("camera.began", camera=camera))

    def _look_at_misses(self, camera: str, outcomes: Counts) -> None:
        missed = sum(outcomes.get(outcome, 0) for outcome in MISSED)
        watched = self._misses.get(camera)
        if watched is None:
            watched = self._misses[camera] = Misses()
        change = watched.look(sum(outcomes.get(outcome, 0) for outcome in DUE), missed)
        if change.began:
            log.warning(
                "camera %s: %d of its last %d frames were missed",
                camera,
                watched.missed,
                watched.frames,
                extra=event("camera.missing", camera=camera, missed=watched.missed, frames=watched.frames),
            )
        elif change.ended:
            log.info(
                "camera %s: its frames are answered again",
                camera,
                extra=event("camera.recovered", camera=camera, missed=watched.missed, frames=watched.frames),
            )

    def _look_at_model(self, known: _OfModel, served: Served, now: int) -> None:
        name = served.model.name
        if served.down != known.down:
            known.down = served.down
            if known.down:
                log.error("%s is down: %s", name, known.down, extra=event("model.down", model=name, reason=known.down))
            else:
                log.info("%s is up again", name, extra=event("model.up", model=name))
        load, losing = served.policy.load_at(now), served.batcher.cameras_not_fitting
        overload = known.overload.look(enter=load >= OVERLOAD_FROM, leave=load <= OVERLOAD_UNTIL and not losing)
        if overload.began:
            log.warning(
                "%s is overloaded: it is asked for %.2f times what the device carries",
                name,
                load,
                extra=event("overload.began", model=name, load_ratio=round(load, 3), cameras_not_fitting=losing),
            )
        elif overload.ended:
            log.info(
                "%s is overloaded no longer", name, extra=event("overload.ended", model=name, load_ratio=round(load, 3))
            )
        factor = served.policy.estimate.factor
        drift = known.drift.look(enter=factor >= DRIFT_FROM, leave=factor <= DRIFT_UNTIL)
        if drift.began:
            log.warning(
                "%s: batches take %.2f times what was measured",
                name,
                factor,
                extra=event("drift.began", model=name, ratio=round(factor, 3)),
            )
        elif drift.ended:
            log.info(
                "%s: batches take what was measured again",
                name,
                extra=event("drift.ended", model=name, ratio=round(factor, 3)),
            )
