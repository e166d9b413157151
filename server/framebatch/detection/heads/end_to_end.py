"""Detectors whose output is final (YOLOv10, YOLO26, exports with NMS inside): nothing is left to suppress.

Output: float32 (B, K, 6): corners x1, y1, x2, y2 in network pixels, score, class; unused rows have score 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.detection.heads.ops import Boxes, Ops, T

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.detection.heads.candidates import Layout

__all__ = ["read"]


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:  # noqa: ARG001 - as every family
    """Every row is a box."""
    rows = ops.choose(ops.column(outputs[0], 4))
    chosen = rows.take(outputs[0])
    return Boxes(ops.part(chosen, 0, 4), rows.scores, ops.column(chosen, 5))
