"""Detections against the simulated scene's own truth. Counting only: no pictures, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch_client import Detection
    from framebatch_models.conveyor import Truth

__all__ = ["Score", "iou"]

MATCH_IOU: Final = 0.5

Box = tuple[float, float, float, float]


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


class Score:
    """Counts of one-to-one matches of the same class at IoU 0.5.

    As in Pascal VOC, an object marked difficult counts neither as missed nor, when it is found, as a false alarm.
    """

    def __init__(self) -> None:
        self.hits = 0
        self.false_alarms = 0
        self.missed = 0

    def __repr__(self) -> str:
        return f"Score(hits={self.hits}, false_alarms={self.false_alarms}, missed={self.missed})"

    @property
    def precision(self) -> float | None:
        """Share of the detections that are right; None before the first."""
        found = self.hits + self.false_alarms
        return self.hits / found if found else None

    @property
    def recall(self) -> float | None:
        """Share of the objects that were found; None before the first."""
        wanted = self.hits + self.missed
        return self.hits / wanted if wanted else None

    def add(self, detections: Sequence[Detection], truth: Sequence[Truth]) -> None:
        """Count one picture; the best detection of an object takes it."""
        free = list(truth)
        for detection in sorted(detections, key=lambda each: -each.score):
            best = max(
                (each for each in free if each.label == detection.label),
                key=lambda each: iou(detection.box, each.box),
                default=None,
            )
            if best is None or iou(detection.box, best.box) < MATCH_IOU:
                self.false_alarms += 1
                continue
            free.remove(best)
            self.hits += not best.difficult
        self.missed += sum(not each.difficult for each in free)
