"""How two answers to the same picture differ: what was lost and gained, and how far the rest has moved. Pure.

Whether that is good enough is decided by whoever asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from framebatch.detection.boxes import iou_matrix

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from framebatch.frame import Detections

__all__ = ["SAME_IOU", "Difference", "compare", "together"]

SAME_IOU: Final = 0.5
"""Two boxes of a class that overlap at least so much are taken for the same object."""


class Difference(NamedTuple):
    """How a second answer differs from a first."""

    box_px: npt.NDArray[np.float64]
    """For each pair, how far its boxes' corners lie apart at most along one axis, in pixels of the picture: (n,)."""
    score: npt.NDArray[np.float64]
    """For each pair, the absolute difference of scores: (n,)."""
    lost: int
    """Boxes of the first answer without a partner."""
    gained: int
    """Boxes of the second without one."""


def compare(first: Detections, second: Detections, *, iou: float = SAME_IOU) -> Difference:
    """Pair the boxes of two answers, within a class, the best overlap first, each box once.

    Args:
        first: The answer to go by.
        second: The other.
        iou: The least overlap of a pair, 0 to 1.

    """
    overlap = iou_matrix(first.boxes, second.boxes)
    overlap[first.class_ids[:, None] != second.class_ids[None, :]] = 0.0
    pairs: list[tuple[int, int]] = []
    free, free_ = np.ones(len(first.boxes), bool), np.ones(len(second.boxes), bool)
    for place in np.argsort(-overlap, axis=None, kind="stable"):
        row, column = divmod(int(place), overlap.shape[1])
        if overlap[row, column] < iou:
            break
        if free[row] and free_[column]:
            free[row] = free_[column] = False
            pairs.append((row, column))
    rows, columns = np.array(pairs, np.intp).reshape(-1, 2).T
    moved = np.abs(first.boxes[rows].astype(np.float64) - second.boxes[columns])
    return Difference(
        moved.max(axis=1, initial=0.0),
        np.abs(first.scores[rows].astype(np.float64) - second.scores[columns]),
        int(free.sum()),
        int(free_.sum()),
    )


def together(parts: Iterable[Difference]) -> Difference:
    """Join what was found of several pictures."""
    all_parts = list(parts)
    nothing = [np.empty(0)]
    return Difference(
        np.concatenate([part.box_px for part in all_parts] or nothing),
        np.concatenate([part.score for part in all_parts] or nothing),
        sum(part.lost for part in all_parts),
        sum(part.gained for part in all_parts),
    )
