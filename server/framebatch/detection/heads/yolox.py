"""YOLOX as exported without its decoding: one row per grid cell, positions still relative to the cell.

Output: float32 (B, N, 5 + classes) over the grids of strides 8, 16 and 32, rows top to bottom, left to right: x and y
in cells from the cell's corner, log width and log height in cells, objectness, class scores. Source: the decoding in
YOLOX's own demo (Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021"), written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.detection.heads.grid import STRIDES, cells, grid
from framebatch.detection.heads.ops import Boxes, Ops, T, corners
from framebatch.detection.heads.yolov5 import best_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.detection.heads.candidates import Layout

__all__ = ["INPUT", "STRIDES", "cells", "read"]

INPUT: Final[Mapping[str, object]] = {"resize": "letterbox_topleft", "color": "bgr", "scale": 1.0}


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
    """Score every cell by objectness times best class."""
    rows, chosen = best_rows(ops, outputs[0])
    cell = ops.lookup(grid(layout.width, layout.height), rows.anchors)
    stride = ops.part(cell, 2)
    centre = (ops.part(chosen, 0, 2) + ops.part(cell, 0, 2)) * stride
    size = ops.exp(ops.part(chosen, 2, 4)) * stride
    return Boxes(corners(ops, centre, size), rows.scores, ops.argmax(ops.part(chosen, 5)))
