"""YOLOv8 and its relatives (v9, v10 one-to-many, 11, 12, RT-shaped exports without NMS): one array, classes in rows.

Output: float32 (B, 4 + classes, N): centre x, centre y, width, height in network pixels, then one score per class,
already between 0 and 1. Source: the detection head of Ultralytics' export, whose columns this describes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.detection.heads.ops import Boxes, Ops, T, corners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.detection.heads.candidates import Layout

__all__ = ["read"]


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:  # noqa: ARG001 - as every family
    """Score every anchor by its best class."""
    output = ops.rows(outputs[0])
    rows = ops.choose(ops.max(ops.part(output, 4)))
    chosen = rows.take(output)
    boxes = corners(ops, ops.part(chosen, 0, 2), ops.part(chosen, 2, 4))
    return Boxes(boxes, rows.scores, ops.argmax(ops.part(chosen, 4)))
