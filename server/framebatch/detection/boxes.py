"""Arithmetic on boxes: corners, overlap, non-maximum suppression. NumPy in, NumPy out.

No model family, no picture and no label is known here. Boxes are (n, 4) float32 corners x1, y1, x2, y2 unless a name
says otherwise. Overlaps are computed in float64, so that areas of very large boxes lose nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.intp]

__all__ = ["iou_matrix", "suppress"]

_BLOCK: Final = 256
"""How many boxes are compared with one another at once: bounds memory, and the work on boxes that cannot be kept."""


def iou_matrix(first: npt.NDArray[np.floating[Any]], second: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Answer intersection over union of each of `first` (n, 4) with each of `second` (m, 4): float64 (n, m).

    Boxes without area overlap nothing, themselves included.
    """
    left, top, right, bottom = first.astype(np.float64).T[:, :, None]
    left_, top_, right_, bottom_ = second.astype(np.float64).T[:, None, :]
    overlap: npt.NDArray[np.float64] = np.maximum(np.minimum(right, right_) - np.maximum(left, left_), 0.0)
    overlap *= np.maximum(np.minimum(bottom, bottom_) - np.maximum(top, top_), 0.0)
    union = np.maximum(right - left, 0.0) * np.maximum(bottom - top, 0.0) - overlap
    union += np.maximum(right_ - left_, 0.0) * np.maximum(bottom_ - top_, 0.0)
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
    order = np.argsort(-scores, kind="stable")
    kept = order[:0]
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        if len(kept):
            conflicts = _conflicts(boxes, class_ids, kept, block, iou)
            block = block[~conflicts.any(axis=0)]
        kept = np.concatenate((kept, _survivors(boxes, class_ids, block, iou)))
        if len(kept) >= limit:
            break
    return kept[:limit]


def _survivors(boxes: Floats, class_ids: npt.NDArray[np.integer[Any]], block: Indices, iou: float) -> Indices:
    """The boxes of one block, best first, that no better box of it removes."""
    if len(block) <= 1:
        return block
    conflicts = np.triu(_conflicts(boxes, class_ids, block, block, iou), 1)  # row i: the weaker ones that i removes
    if not conflicts.any():
        return block
    alive = np.ones(len(block), bool)
    for index in np.flatnonzero(conflicts.any(axis=1)):
        if alive[index]:
            alive[conflicts[index]] = False
    return block[alive]


def _conflicts(
    boxes: Floats, class_ids: npt.NDArray[np.integer[Any]], first: Indices, second: Indices, iou: float
) -> npt.NDArray[np.bool_]:
    """Whether each of `first` and each of `second` are of one class and overlap too much: (n, m)."""
    overlapping = iou_matrix(boxes[first], boxes[second]) > iou
    overlapping &= class_ids[first][:, None] == class_ids[second]
    return overlapping
