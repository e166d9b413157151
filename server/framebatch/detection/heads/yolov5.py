"""YOLOv5 (and v7 in the same export): one array, one row per anchor with an objectness before the classes.

Output: float32 (B, N, 5 + classes): centre x, centre y, width, height in network pixels, objectness, then one score
per class. The score of a box is objectness times its best class. Source: the Detect layer of the YOLOv5 export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.detection.heads.ops import Boxes, Ops, Rows, T, corners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.detection.heads.candidates import Layout

__all__ = ["best_rows", "read"]


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:  # noqa: ARG001 - as every family
    """Score every anchor by objectness times best class."""
    rows, chosen = best_rows(ops, outputs[0])
    boxes = corners(ops, ops.part(chosen, 0, 2), ops.part(chosen, 2, 4))
    return Boxes(boxes, rows.scores, ops.argmax(ops.part(chosen, 5)))


def best_rows(ops: Ops[T], output: T) -> tuple[Rows[T], T]:
    """Choose among the rows of (B, N, 5 + classes), and answer the chosen ones (..., 5 + classes) too.

    Objectness alone sorts out nearly all rows, because no class score exceeds 1.
    """

    def score(some: T) -> T:
        product: T = ops.column(some, 4) * ops.max(ops.part(some, 5))
        return product

    rows = ops.choose(ops.column(output, 4), lambda take: score(take(output)))
    return rows, rows.take(output)
