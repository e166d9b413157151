"""What is counted of frames and batches: plain numbers, and a few additions for each. Knows no metrics library."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import SECOND_NS
from framebatch.frame import LATE, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framebatch.frame import Frame, Priority

__all__ = ["Distribution", "ModelMetrics"]

LATENCY_BOUNDS: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.033, 0.05, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0),
)
BATCH_BOUNDS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
BUDGET_BOUNDS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.2)


class Distribution:
    """A histogram of plain numbers. Invariant: count = sum of `counts`, which are per interval, not cumulated.

    Attributes:
        bounds: of the intervals, as they are told.
        counts: one more than there are bounds.
    """

    __slots__ = ("_limits", "_sum", "_unit", "bounds", "counts")

    def __init__(self, bounds: tuple[float, ...], *, unit: int = 1) -> None:
        """Begin with nothing; `unit` of what is observed are one of what is told: `SECOND_NS` where durations in ns come in."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self._unit = unit
        self._limits = bounds if unit == 1 else tuple(round(bound * unit) for bound in bounds)
        self._sum: float = 0

    def __repr__(self) -> str:
        return f"Distribution(count={sum(self.counts)}, total={self.total:g})"

    @property
    def total(self) -> float:
        """Of all values together."""
        return self._sum / self._unit

    def observe(self, value: float) -> None:
        """Count one value. O(log bounds)."""
        self.counts[bisect_left(self._limits, value)] += 1
        self._sum += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Prometheus' form: upper bound and how many values are at most that."""
        below = 0
        rows = []
        for bound, number in zip((*map(str, map(float, self.bounds)), "+Inf"), self.counts, strict=True):
            below += number
            rows.append((bound, float(below)))
        return rows


class Stages(NamedTuple):
    """Where the time of frames went, in their order."""

    decode: Distribution
    queue: Distribution
    device: Distribution
    post: Distribution


class ModelMetrics:
    """What is counted of one model, whatever its version. Recording happens on the event loop only."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[Outcome, int]] = {}
        """By camera; outcomes that did not occur are missing, but for those of `LATE`: what appears with its first value has no rate."""
        self.by_priority: dict[Priority, dict[Outcome, int]] = {}
        """All outcomes of every class that was seen."""
        self.latency = _durations()
        self.slack = _durations()
        self.budget_used = Distribution(BUDGET_BOUNDS)
        self.stages = Stages(_durations(), _durations(), _durations(), _durations())
        self.batches = Distribution(BATCH_BOUNDS)
        self.padding = 0
        self.device_ns = 0
        self.released: dict[str, int] = {}
        self.runs: dict[int, list[int]] = {}
        """By bucket: how many there were, and their device time in nanoseconds."""

    def __repr__(self) -> str:
        answered = sum(sum(row.values()) for row in self.answers.values())
        return f"ModelMetrics(answered={answered}, batches={sum(self.batches.counts)})"

    def expect(self, *, reasons: Iterable[str], buckets: Iterable[int]) -> None:
        """Tell from now on, if only as 0, why batches are released and of which sizes they are."""
        for reason in reasons:
            self.released.setdefault(reason, 0)
        for bucket in buckets:
            self.runs.setdefault(bucket, [0, 0])

    def release(self, reason: str) -> None:
        """Count one batch that is handed to the device; the reason must be one that was expected."""
        self.released[reason] += 1

    def batch(self, *, frames: int, bucket: int, device_ns: int) -> None:
        """Count one device run."""
        run = self.runs.setdefault(bucket, [0, 0])
        run[0] += 1
        run[1] += device_ns
        self.batches.observe(frames)
        self.padding += bucket - frames
        self.device_ns += device_ns

    def answered(self, frame: Frame, camera: str) -> None:
        """Count one answered frame under that name of its camera, and where its time went."""
        outcome = frame.outcome
        if outcome is None:
            raise ValueError(f"{frame!r} has no outcome yet")
        row = self.answers.get(camera)
        if row is None:
            row = self.answers[camera] = dict.fromkeys(LATE, 0)
        row[outcome] = row.get(outcome, 0) + 1
        row = self.by_priority.get(frame.priority)
        if row is None:
            row = self.by_priority[frame.priority] = dict.fromkeys(Outcome, 0)
        row[outcome] += 1
        parsed_ns = frame.parsed_ns
        if parsed_ns:
            arrival_ns, ready_ns, started_ns = frame.arrival_ns, frame.ready_ns, frame.started_ns
            finished_ns, answered_ns, deadline_ns = frame.finished_ns, frame.answered_ns, frame.deadline_ns
            taken_ns = answered_ns - arrival_ns
            self.latency.observe(taken_ns)
            self.slack.observe(deadline_ns - answered_ns)
            self.budget_used.observe(taken_ns / max(1, deadline_ns - arrival_ns))
            decode, queue, device, post = self.stages
            decode.observe(ready_ns - arrival_ns)
            queue.observe(started_ns - ready_ns)
            device.observe(finished_ns - started_ns)
            post.observe(parsed_ns - finished_ns)


def _durations() -> Distribution:
    """Takes nanoseconds, tells seconds."""
    return Distribution(LATENCY_BOUNDS, unit=SECOND_NS)
