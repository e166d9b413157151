"""Arithmetic on boxes: corners, overlap, non-maximum suppression. NumPy in, NumPy out.

No model family, no picture and no label is known here. Boxes are (n, 4) float32 corners x1, y1, x2, y2 unless a name
says otherwise. Overlaps are computed in float64, so that areas of very large boxes lose nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.intp]
    Conflicts = Callable[[Indices, Indices], npt.NDArray[np.bool_]]
    """Which of the second boxes (m) go because of which of the first (n), which are better: (n, m)."""

__all__ = ["areas", "greedy", "intersections", "iou_matrix", "suppress"]

_BLOCK: Final = 256
"""How many boxes are compared with one another at once: bounds memory, and the work on boxes that cannot be kept."""


def areas(boxes: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Answer the area of each of `boxes` (n, 4): float64 (n,); 0 where a side is not positive."""
    sides = np.maximum(boxes[:, 2:].astype(np.float64) - boxes[:, :2], 0.0)
    found: npt.NDArray[np.float64] = sides[:, 0] * sides[:, 1]
    return found


def intersections(
    first: npt.NDArray[np.floating[Any]], second: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Answer the area that each of `first` (n, 4) shares with each of `second` (m, 4): float64 (n, m)."""
    left, top, right, bottom = first.astype(np.float64).T[:, :, None]
    left_, top_, right_, bottom_ = second.astype(np.float64).T[:, None, :]
    shared: npt.NDArray[np.float64] = np.maximum(np.minimum(right, right_) - np.maximum(left, left_), 0.0)
    shared *= np.maximum(np.minimum(bottom, bottom_) - np.maximum(top, top_), 0.0)
    return shared


def iou_matrix(first: npt.NDArray[np.floating[Any]], second: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Answer intersection over union of each of `first` (n, 4) with each of `second` (m, 4): float64 (n, m).

    Boxes without area overlap nothing, themselves included.
    """
    overlap = intersections(first, second)
    union = areas(first)[:, None] - overlap
    union += areas(second)
    union[union <= 0.0] = 1.0  # two boxes without area: their overlap is 0 as well
    overlap /= union
    return overlap


def suppress(
    boxes: Floats, scores: Floats, class_ids: npt.NDArray[np.integer[Any]], *, iou: float, limit: int
) -> Indices:
    """Greedy non-maximum suppression within each class.

    The best box is kept, those of its class that overlap it by more than `iou` go, and so on; of equal scores the
    earlier box is the better one.

    Args:
        boxes: float32 (n, 4) corners.
        scores: float32 (n,).
        class_ids: integers (n,).
        iou: Overlap above which the weaker box goes, 0 to 1.
        limit: Keep at most this many, the best of all classes.

    Returns:
        Indices of the kept boxes, best first; at most `limit`.

    """

    def conflicts(first: Indices, second: Indices) -> npt.NDArray[np.bool_]:
        overlapping = iou_matrix(boxes[first], boxes[second]) > iou
        overlapping &= class_ids[first][:, None] == class_ids[second]
        return overlapping

    return greedy(np.argsort(-scores, kind="stable"), conflicts, limit)


def greedy(order: Indices, conflicts: Conflicts, limit: int) -> Indices:
    """Keep the best box, drop those that are in conflict with it, and so on.

    Args:
        order: Indices of the boxes, best first.
        conflicts: Asked for some hundred boxes at a time.
        limit: Keep at most this many.

    Returns:
        The kept ones of `order`, in its order.

    """
    kept = order[:0]
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        if len(kept):
            block = block[~conflicts(kept, block).any(axis=0)]
        kept = np.concatenate((kept, _survivors(block, conflicts)))
        if len(kept) >= limit:
            break
    return kept[:limit]


def _survivors(block: Indices, conflicts: Conflicts) -> Indices:
    """The boxes of one block, best first, that no better box of it removes."""
    if len(block) <= 1:
        return block
    removed = np.triu(conflicts(block, block), 1)  # row i: the weaker ones that i removes
    if not removed.any():
        return block
    alive = np.ones(len(block), bool)
    for index in np.flatnonzero(removed.any(axis=1)):
        if alive[index]:
            alive[removed[index]] = False
    return block[alive]
