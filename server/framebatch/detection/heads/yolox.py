"""YOLOX as exported without its decoding: one row per grid cell, positions still relative to the cell.

Output: float32 (B, N, 5 + classes) over the grids of strides 8, 16 and 32, rows top to bottom, left to right: x and y
in cells from the cell's corner, log width and log height in cells, objectness, class scores. Source: the decoding in
YOLOX's own demo (Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021"), written anew.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.boxes import corners_from_centres
from framebatch.detection.heads.candidates import Candidates, Layout
from framebatch.detection.heads.yolov5 import best_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["STRIDES", "cells", "parse"]

STRIDES: Final = (8, 16, 32)


def parse(outputs: Sequence[npt.NDArray[np.float32]], layout: Layout) -> Candidates:
    """Answer every cell whose objectness times best class is above the threshold.

    Args:
        outputs: One array, float32 (B, N, 5 + classes), N = `cells(width, height)`.
        layout: Size of the network's picture and the threshold.

    """
    frames, anchors, rows, scores, class_ids = best_rows(outputs[0], layout.confidence)
    if not len(frames):
        return Candidates.none()
    grid = _grid(layout.width, layout.height)[anchors]
    corner, stride = grid[:, :2], grid[:, 2:]
    boxes = np.concatenate(((rows[:, :2] + corner) * stride, np.exp(rows[:, 2:4]) * stride), axis=1)
    return Candidates(frames, corners_from_centres(boxes), scores, class_ids)


def cells(width: int, height: int) -> int:
    """Answer how many grid cells a network picture of this size has."""
    return sum((width // stride) * (height // stride) for stride in STRIDES)


@lru_cache(maxsize=8)
def _grid(width: int, height: int) -> npt.NDArray[np.float32]:
    """Column, row and stride of every cell, float32 (N, 3)."""
    levels = []
    for stride in STRIDES:
        columns, rows = np.meshgrid(np.arange(width // stride), np.arange(height // stride))
        levels.append(np.stack((columns.ravel(), rows.ravel(), np.full(rows.size, stride)), axis=1))
    grid = np.concatenate(levels).astype(np.float32)
    grid.flags.writeable = False
    return grid
