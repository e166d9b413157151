"""YuNet: faces, from the grids of three strides, each with two scores and a box.

Outputs for each of the strides 8, 16 and 32: class score and objectness (B, n, 1), box (B, n, 4): centre in cells from
the cell's corner, log width and log height in cells; landmarks (B, n, 10) are not read. The score of a box is the
geometric mean of both. Source: Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector", and the decoding in
OpenCV's FaceDetectorYN, written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.detection.heads.arranging import by_level, listed
from framebatch.detection.heads.grid import STRIDES, grid
from framebatch.detection.heads.ops import Boxes, Ops, T, corners

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.detection.heads.candidates import Layout
    from framebatch.device.model_file import Tensor

__all__ = ["INPUT", "arrange", "read"]

INPUT: Final[Mapping[str, object]] = {"resize": "letterbox_topleft", "color": "bgr", "scale": 1.0, "pad": 0}


def arrange(outputs: Sequence[Tensor]) -> tuple[int, ...]:
    """Choose both scores of every grid, then the boxes, from the finest grid on; which score is which does not matter."""
    scores, boxes = by_level(outputs, 1), by_level(outputs, 4)
    if len(scores) != 2 * len(STRIDES) or len(boxes) != len(STRIDES):
        raise ValueError(
            f"YuNet has two scores (?, n, 1) and a box (?, n, 4) for each of three grids: {listed(outputs)}"
        )
    return (*scores[::2], *scores[1::2], *boxes)


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
    """Score every cell by the geometric mean of its two scores."""
    one, other, boxes = (ops.join(outputs[start : start + 3], axis=1) for start in (0, 3, 6))
    product = ops.clip(ops.column(one, 0), 0.0, 1.0) * ops.clip(ops.column(other, 0), 0.0, 1.0)
    rows = ops.choose(ops.power(product, 0.5))
    cell = ops.lookup(grid(layout.width, layout.height), rows.anchors)
    chosen, stride = rows.take(boxes), ops.part(cell, 2)
    centre = (ops.part(chosen, 0, 2) + ops.part(cell, 0, 2)) * stride
    size = ops.exp(ops.part(chosen, 2, 4)) * stride
    return Boxes(corners(ops, centre, size), rows.scores, ops.argmax(ops.part(chosen, 0, 1)))
