"""DETR and its descendants, in two exports; a query answers one object, so nothing is left to suppress.

With `orig_target_sizes` as second input (RT-DETR's own export, D-FINE, DEIM): labels (B, K) whole numbers, boxes float32
(B, K, 4) corners in pixels of the size that is fed there, which is the network's, scores float32 (B, K).
Raw (Hugging Face, RF-DETR): logits (B, K, classes), each class under its own sigmoid, and boxes (B, K, 4): centre x,
centre y, width, height as shares of the picture. Source: Carion et al. 2020, "End-to-End Object Detection with
Transformers", section 3; Zhu et al. 2021, "Deformable DETR", for the sigmoid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.heads.arranging import boxes_and_scores, listed
from framebatch.detection.heads.ops import Boxes, Ops, T, corners

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.detection.heads.candidates import Layout
    from framebatch.device.model_file import Tensor

__all__ = ["INPUT", "arrange", "arrange_raw", "boxes_of_shares", "read", "read_raw"]

INPUT: Final[Mapping[str, object]] = {"resize": "stretch"}

arrange_raw = boxes_and_scores


def arrange(outputs: Sequence[Tensor]) -> tuple[int, ...]:
    """Choose labels, boxes and scores: labels are whole numbers or named so, boxes have an axis of 4."""
    boxes = [place for place, output in enumerate(outputs) if output.shape[2:] in {(4,), (None,)}]
    others = [place for place, output in enumerate(outputs) if len(output.shape) == 2]  # noqa: PLR2004 - (B, K)
    labels = [place for place in others if "int" in outputs[place].dtype or "label" in outputs[place].name]
    scores = [place for place in others if place not in labels]
    if not len(boxes) == len(labels) == len(scores) == 1:
        raise ValueError(f"it must have labels (?, K), boxes (?, K, 4) and scores (?, K): {listed(outputs)}")
    return (*labels, *boxes, *scores)


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:  # noqa: ARG001 - as every family
    """Every row is a box."""
    labels, boxes, scores = outputs
    rows = ops.choose(scores)
    return Boxes(rows.take(boxes), rows.scores, rows.take(labels))


def read_raw(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
    """Score every query by its best class."""
    boxes, logits = outputs
    rows = ops.choose(ops.sigmoid(ops.max(logits)))
    return Boxes(boxes_of_shares(ops, rows.take(boxes), layout), rows.scores, ops.argmax(rows.take(logits)))


def boxes_of_shares(ops: Ops[T], boxes: T, layout: Layout) -> T:
    """Turn centre x, centre y, width, height (..., 4), shares of the picture, into corners in network pixels."""
    pixels: T = boxes * np.array([layout.width, layout.height] * 2, np.float32)
    return corners(ops, ops.part(pixels, 0, 2), ops.part(pixels, 2, 4))
