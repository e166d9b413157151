"""FastestDet: one small map over cells of one stride, each with a box, an objectness and class scores.

Output: float32 (B, 5 + classes, H, W): objectness, x and y of the box from the cell's corner (cells, under tanh), its
width and height (shares of the picture, under a sigmoid), class scores. The score of a box is objectness^0.6 times
its best class^0.4. Source: the decoding in FastestDet's own demo, written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.heads.grid import grid
from framebatch.detection.heads.ops import Boxes, Ops, T, corners

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.detection.heads.candidates import Layout

__all__ = ["INPUT", "STRIDE", "read"]

INPUT: Final[Mapping[str, object]] = {"resize": "stretch", "color": "bgr"}
STRIDE: Final = 16


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
    """Score every cell by objectness and best class."""
    output = ops.rows(outputs[0])
    objectness = ops.power(ops.clip(ops.column(output, 0), 0.0, 1.0), 0.6)
    rows = ops.choose(objectness * ops.power(ops.clip(ops.max(ops.part(output, 5)), 0.0, 1.0), 0.4))
    chosen = rows.take(output)
    corner = ops.lookup(grid(layout.width, layout.height, (STRIDE,))[:, :2], rows.anchors)
    centre = (ops.tanh(ops.part(chosen, 1, 3)) + corner) * float(STRIDE)
    size = ops.sigmoid(ops.part(chosen, 3, 5)) * np.array([layout.width, layout.height], np.float32)
    return Boxes(corners(ops, centre, size), rows.scores, ops.argmax(ops.part(chosen, 5)))
