"""What became of a simulation's frames, in a few figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from framebatch.clock import ns_to_ms, ns_to_seconds
from framebatch.frame import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Sized

    from framebatch.planning.fleet import SimulatedFrame

__all__ = ["Figures", "figures", "quantile"]


class Ran(Protocol):
    """A batch that the device ran."""

    @property
    def frames(self) -> Sized:
        """What was in it."""

    @property
    def started_ns(self) -> int:
        """When the device began with it."""

    @property
    def finished_ns(self) -> int:
        """When it had finished."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of the frames that were captured in a stretch of time.

    Attributes:
        seconds: how long it was.
        sent: frames.
        good: those answered with detections by their deadline.
        outcomes: frames by how they ended.
        p50_ms: latency of the good ones from capture to answer; 0 where there are none.
        p99_ms: likewise.
        mean_batch: of the batches, in frames; 0 where there is none.
        device_busy: share of the time that the device ran.
        worst_camera: share of its frames answered in time, of the camera that has least.
    """

    seconds: float
    sent: int
    good: int
    outcomes: dict[str, int]
    p50_ms: float
    p99_ms: float
    mean_batch: float
    device_busy: float
    worst_camera: float

    @property
    def miss_rate(self) -> float:
        """Share of the frames that had no detections in time; 0 where none was sent."""
        return (self.sent - self.good) / self.sent if self.sent else 0.0

    @property
    def goodput_fps(self) -> float:
        """Frames answered in time a second."""
        return self.good / self.seconds


def figures(frames: Iterable[SimulatedFrame], batches: Iterable[Ran], *, from_ns: int, until_ns: int) -> Figures:
    """Sum up what was captured, and what the device ran, from one moment up to another."""
    counted = [frame for frame in frames if from_ns <= frame.captured_ns < until_ns]
    good = [frame for frame in counted if frame.outcome is Outcome.OK]
    sent_by = Counter(frame.camera for frame in counted)
    good_by = Counter(frame.camera for frame in good)
    latencies_ns = sorted(frame.answered_ns - frame.captured_ns for frame in good)
    run = [batch for batch in batches if from_ns <= batch.started_ns < until_ns]
    busy_ns = sum(min(batch.finished_ns, until_ns) - batch.started_ns for batch in run)
    return Figures(
        seconds=ns_to_seconds(until_ns - from_ns),
        sent=len(counted),
        good=len(good),
        outcomes={
            outcome.value: number for outcome, number in Counter(each.outcome for each in counted).items() if outcome
        },
        p50_ms=ns_to_ms(quantile(latencies_ns, 0.5)),
        p99_ms=ns_to_ms(quantile(latencies_ns, 0.99)),
        mean_batch=sum(len(batch.frames) for batch in run) / len(run) if run else 0.0,
        device_busy=busy_ns / (until_ns - from_ns),
        worst_camera=min((good_by[camera] / sent for camera, sent in sent_by.items()), default=1.0),
    )


def quantile(ordered: Sequence[int], share: float) -> int:
    """Of ascending values; 0 where there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0
