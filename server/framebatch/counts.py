"""What is counted of frames and batches: plain numbers, and a few additions for each. Knows no metrics library."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from framebatch.clock import ns_to_seconds
from framebatch.frame import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framebatch.frame import Frame, Priority

__all__ = ["MISSED", "Distribution", "ModelMetrics"]

LATENCY_BOUNDS: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.033, 0.05, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0),
)
BATCH_BOUNDS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
BUDGET_BOUNDS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.2)
MISSED: Final = (Outcome.EXPIRED, Outcome.REJECTED)
"""Told of every camera from its first frame on, if only as 0: what appears with its first value has no rate."""


class Distribution:
    """A histogram of plain numbers. Invariant: count = sum of `counts`, which are per interval, not cumulated."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def __repr__(self) -> str:
        return f"Distribution(count={sum(self.counts)}, total={self.total:g})"

    def observe(self, value: float) -> None:
        """Count one value. O(log bounds)."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Prometheus' form: upper bound and how many values are at most that."""
        below = 0
        rows = []
        for bound, number in zip((*map(str, map(float, self.bounds)), "+Inf"), self.counts, strict=True):
            below += number
            rows.append((bound, float(below)))
        return rows


class ModelMetrics:
    """What is counted of one model, whatever its version. Recording happens on the event loop only."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, Outcome], int] = {}
        self.by_priority: dict[tuple[Priority, Outcome], int] = {}
        self.latency = Distribution(LATENCY_BOUNDS)
        self.slack = Distribution(LATENCY_BOUNDS)
        self.budget_used = Distribution(BUDGET_BOUNDS)
        self.stages = {stage: Distribution(LATENCY_BOUNDS) for stage in ("decode", "queue", "device", "post")}
        self.batches = Distribution(BATCH_BOUNDS)
        self.padding = 0
        self.device_ns = 0
        self.released: dict[str, int] = {}
        self.runs: dict[int, list[int]] = {}
        """By bucket: how many there were, and their device time in nanoseconds."""

    def __repr__(self) -> str:
        return f"ModelMetrics(answered={sum(self.answers.values())}, batches={sum(self.batches.counts)})"

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
        key = (camera, outcome)
        self.answers[key] = self.answers.get(key, 0) + 1
        kind = (frame.priority, outcome)
        self.by_priority[kind] = self.by_priority.get(kind, 0) + 1
        if frame.parsed_ns:
            stages = self.stages
            taken_ns = frame.answered_ns - frame.arrival_ns
            self.latency.observe(ns_to_seconds(taken_ns))
            self.slack.observe(ns_to_seconds(frame.deadline_ns - frame.answered_ns))
            self.budget_used.observe(taken_ns / max(1, frame.deadline_ns - frame.arrival_ns))
            stages["decode"].observe(ns_to_seconds(frame.ready_ns - frame.arrival_ns))
            stages["queue"].observe(ns_to_seconds(frame.started_ns - frame.ready_ns))
            stages["device"].observe(ns_to_seconds(frame.finished_ns - frame.started_ns))
            stages["post"].observe(ns_to_seconds(frame.parsed_ns - frame.finished_ns))

    def by_camera(self) -> dict[tuple[str, Outcome], int]:
        """Answered frames by camera and outcome, those of `MISSED` also where there were none."""
        return {(camera, outcome): 0 for camera, _ in self.answers for outcome in MISSED} | self.answers

    def by_class(self) -> dict[tuple[Priority, Outcome], int]:
        """Answered frames by class and outcome, all outcomes of every class that was seen."""
        return {(priority, outcome): 0 for priority, _ in self.by_priority for outcome in Outcome} | self.by_priority
