"""NanoDet and NanoDet-Plus: every cell of the grids has class scores and four distances, each a distribution.

Outputs of NanoDet: for each of the strides 8, 16 and 32 class scores (B, n, classes), and 4 x 8 logits (B, n, 32).
Output of NanoDet-Plus: one array (B, N, classes + 32) over the strides 8, 16, 32 and 64. Scores are 0 to 1 already.
A distance (left, top, right, bottom, in strides) is the mean of 0 to 7 under the softmax of its 8 logits (Li et al.
2020, "Generalized Focal Loss", section 3.2); it is measured from the middle of the cell's pixels, (stride - 1) / 2 from
its corner, in NanoDet, and from the corner in NanoDet-Plus, as in their repository's heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.heads.arranging import by_level, listed
from framebatch.detection.heads.grid import STRIDES, grid
from framebatch.detection.heads.ops import Boxes, Ops, T

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.detection.heads.candidates import Layout
    from framebatch.device.model_file import Tensor

__all__ = ["INPUT", "PLUS_STRIDES", "arrange", "read"]

INPUT: Final[Mapping[str, object]] = {
    "resize": "stretch",
    "color": "bgr",
    "scale": 1.0,
    "mean": (103.53, 116.28, 123.675),
    "std": (57.375, 57.12, 58.395),
}
PLUS_STRIDES: Final = (8, 16, 32, 64)
_BINS: Final = 8
_LOGITS: Final = 4 * _BINS
_STEPS: Final = np.arange(_BINS, dtype=np.float32)


def arrange(outputs: Sequence[Tensor]) -> tuple[int, ...]:
    """Choose the one output of NanoDet-Plus, or of NanoDet the scores, then the distances, from the finest grid on."""
    if len(outputs) == 1:
        return (0,)
    distances = by_level(outputs, _LOGITS)
    if len(distances) == len(outputs):  # 32 classes: scores come first
        distances = by_level(outputs, None)[1::2]
    scores = [place for place in by_level(outputs, None) if place not in distances]
    if len(scores) != len(STRIDES) or len(distances) != len(STRIDES):
        raise ValueError(f"NanoDet has scores and distances (?, n, {_LOGITS}) for three grids: {listed(outputs)}")
    return (*scores, *distances)


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
    """Score every cell by its best class."""
    if len(outputs) == 1:
        classes, logits = ops.part(outputs[0], 0, -_LOGITS), ops.part(outputs[0], -_LOGITS)
        cells = grid(layout.width, layout.height, PLUS_STRIDES)
        points = cells[:, :2] * cells[:, 2:]
    else:
        half = len(outputs) // 2
        classes, logits = ops.join(outputs[:half], axis=1), ops.join(outputs[half:], axis=1)
        cells = grid(layout.width, layout.height, STRIDES)
        points = cells[:, :2] * cells[:, 2:] + (cells[:, 2:] - 1) / 2
    rows = ops.choose(ops.max(classes))
    cell = ops.lookup(np.concatenate((points, cells[:, 2:]), axis=1), rows.anchors)
    point, stride = ops.part(cell, 0, 2), ops.part(cell, 2)
    chosen = rows.take(logits)
    sides = [
        ops.sum(ops.softmax(ops.part(chosen, side, side + _BINS)) * _STEPS) * stride
        for side in range(0, _LOGITS, _BINS)
    ]
    boxes = ops.join([point - ops.join(sides[:2]), point + ops.join(sides[2:])])
    return Boxes(boxes, rows.scores, ops.argmax(rows.take(classes)))
