"""SSD as exported with its boxes decoded (UltraFace and others): class scores beside boxes.

Outputs: float32 (B, N, 4) corners x1, y1, x2, y2 as shares of the network's picture; float32 (B, N, 1 + classes)
scores, of which the first is the background's. Source: Liu et al. 2016, "SSD: Single Shot MultiBox Detector",
section 2.2, for what the scores are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.heads.arranging import boxes_and_scores
from framebatch.detection.heads.ops import Boxes, Ops, T

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.detection.heads.candidates import Layout

__all__ = ["INPUT", "arrange", "read"]

INPUT: Final[Mapping[str, object]] = {
    "resize": "stretch",
    "scale": 1.0,
    "mean": (127.0, 127.0, 127.0),
    "std": (128.0, 128.0, 128.0),
}

arrange = boxes_and_scores


def read(ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
    """Score every box by its best class that is not the background."""
    boxes, scores = outputs
    classes = ops.part(scores, 1)
    rows = ops.choose(ops.max(classes))
    scale = np.array([layout.width, layout.height] * 2, np.float32)
    return Boxes(rows.take(boxes) * scale, rows.scores, ops.argmax(rows.take(classes)))
