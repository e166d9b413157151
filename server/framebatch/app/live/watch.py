"""Everything that is kept while somebody looks at the page, and the observers that fill it. Made anew each time.

A frame costs two to three microseconds here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.app.live.cameras import Cameras
from framebatch.app.live.pictures import Pictures
from framebatch.app.live.windows import LONG_NS, Counts, Looks, Samples
from framebatch.frame import Outcome

if TYPE_CHECKING:
    from framebatch.app.router import Router
    from framebatch.app.served import Served
    from framebatch.batching import Batcher
    from framebatch.frame import Frame
    from framebatch.scheduling import Decision

__all__ = ["Batch", "ModelWatch", "Watch"]

MAX_BATCHES: Final = 300
COLUMNS: Final = 6
"""Of the samples: latency, slack, and the stages decode, queue, device and post."""


class Batch(NamedTuple):
    """A device run."""

    finished_ns: int
    rows: int
    bucket: int
    device_ns: int


class ModelWatch:
    """What is seen of one model, whatever its version; see `batching.interfaces.Observer`."""

    def __init__(self, cameras: Cameras, pictures: Pictures | None) -> None:
        self._cameras = cameras
        self._pictures = pictures
        self.samples = Samples(COLUMNS)
        self.batches: deque[Batch] = deque(maxlen=MAX_BATCHES)
        self.counts: Counts | None = None
        """Frames by outcome, and the device's time in nanoseconds; None before the first look."""

    def __repr__(self) -> str:
        return f"ModelWatch({self.samples!r}, {len(self.batches)} batches)"

    def received(self, frame: Frame) -> None:
        """Follow its picture, if pictures are shown and its camera is."""
        name = frame.camera
        if name not in self._cameras.shown and self._cameras.admit(name, frame.model.name, frame.arrival_ns) is None:
            return
        if self._pictures is not None:
            self._pictures.follow(frame)

    def answered(self, frame: Frame) -> None:
        """Count it for its camera, keep its durations, and its picture."""
        outcome = frame.outcome
        if outcome is None:
            return
        if outcome is Outcome.OK:
            arrival_ns, ready_ns, answered_ns = frame.arrival_ns, frame.ready_ns, frame.answered_ns
            started_ns, finished_ns = frame.started_ns, frame.finished_ns
            self.samples.add(
                (
                    answered_ns - arrival_ns,
                    frame.deadline_ns - answered_ns,
                    ready_ns - arrival_ns,
                    started_ns - ready_ns,
                    finished_ns - started_ns,
                    frame.parsed_ns - finished_ns,
                )
            )
        camera = self._cameras.shown.get(frame.camera)
        if camera is None:
            camera = self._cameras.admit(frame.camera, frame.model.name, frame.arrival_ns)
        if camera is not None:
            camera.answered(frame, outcome)
        if self._pictures is not None:
            self._pictures.answered(frame)

    def ran(
        self, *, rows: int, bucket: int, dispatched_ns: int, started_ns: int, finished_ns: int, submitted_ns: int
    ) -> None:
        """Keep the batch."""
        del dispatched_ns, submitted_ns
        self.batches.append(Batch(finished_ns, rows, bucket, finished_ns - started_ns))

    def decided(self, decision: Decision, *, time_ns: int, start_ns: int, waiting: int, preparing: int) -> None:
        """Nothing: the page does not show decisions."""

    def tidy(self, now_ns: int) -> None:
        """Another second begins; let go what is too old to be shown."""
        self.samples.turn()
        while self.batches and now_ns - self.batches[0].finished_ns > LONG_NS:
            self.batches.popleft()


class Watch:
    """From the first viewer's coming to the last one's leaving; on the event loop.

    Invariant: exactly the batchers in `_observed`, and the router, have an observer that is known here.
    """

    def __init__(self, router: Router, server: Counts, *, pictures: bool, now_ns: int) -> None:
        """Observe the router; the batchers follow with `observe`.

        Args:
            router: of the server.
            server: counts of the server, see `Sources.of_server`.
            pictures: whether pictures are kept.
            now_ns: by `clock.now_ns`.
        """
        self._router = router
        self.server = server
        self.looks = Looks(now_ns)
        self.cameras = Cameras()
        self.pictures = Pictures() if pictures else None
        self.models: dict[str, ModelWatch] = {}
        self._observed: dict[Batcher, ModelWatch] = {}
        self._homeless = ModelWatch(self.cameras, None)
        router.observe(self._homeless)

    def __repr__(self) -> str:
        return f"Watch({len(self._observed)} batchers, {self.cameras!r}, {self.pictures!r})"

    def observe(self, alive: list[Served]) -> None:
        """Observe those that are there now; what is gone is forgotten."""
        names = {served.batcher: served.model.name for served in alive}
        for batcher in self._observed.keys() - names.keys():
            batcher.unobserve(self._observed.pop(batcher))
        for batcher, name in names.items():
            if batcher not in self._observed:
                self._observed[batcher] = self.model(name)
                batcher.observe(self._observed[batcher])

    def model(self, name: str) -> ModelWatch:
        """What is seen of the model of this name."""
        watch = self.models.get(name)
        if watch is None:
            watch = self.models[name] = ModelWatch(self.cameras, self.pictures)
        return watch

    def look(self, now_ns: int) -> None:
        """End a second: remember the counts of the cameras, and let go what is too old."""
        for watch in self.models.values():
            watch.tidy(now_ns)
        for name in self.cameras.tidy(now_ns):
            if self.pictures is not None:
                self.pictures.forget(name)
        for camera in self.cameras.shown.values():
            camera.counts.look(tuple(camera.ended.values()))
        self.looks.add(now_ns)

    def close(self) -> None:
        """Observe nothing any more."""
        self._router.unobserve(self._homeless)
        for batcher, watch in self._observed.items():
            batcher.unobserve(watch)
        self._observed.clear()
