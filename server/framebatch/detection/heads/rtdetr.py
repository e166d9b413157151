"""RT-DETR in Ultralytics' export: one array of few rows, nothing left to suppress.

Output: float32 (B, K, 4 + classes): centre x, centre y, width, height as shares of the network's picture, then one
score per class, already between 0 and 1. Source: Zhao et al. 2024, "DETRs Beat YOLOs on Real-time Object Detection".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.detection.heads.detr import boxes_of_shares
from framebatch.detection.heads.ops import Boxes, Ops, T

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.detection.heads.candidates import Layout

__all__ = ["read"]


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
    """Score every row by its best class."""
    rows = ops.choose(ops.max(ops.part(outputs[0], 4)))
    chosen = rows.take(outputs[0])
    boxes = boxes_of_shares(ops, ops.part(chosen, 0, 4), layout)
    return Boxes(boxes, rows.scores, ops.argmax(ops.part(chosen, 4)))
