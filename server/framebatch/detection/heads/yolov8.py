"""YOLOv8 and its relatives (v9, v10 one-to-many, 11, 12, RT-shaped exports without NMS): one array, classes in rows.

Output: float32 (B, 4 + classes, N): centre x, centre y, width, height in network pixels, then one score per class,
already between 0 and 1. Source: the detection head of Ultralytics' export, whose columns this describes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from framebatch.detection.boxes import corners_from_centres
from framebatch.detection.heads.candidates import Candidates, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["parse"]


def parse(outputs: Sequence[npt.NDArray[np.float32]], layout: Layout) -> Candidates:
    """Answer every anchor whose best class scores above the threshold.

    Args:
        outputs: One array, float32 (B, 4 + classes, N).
        layout: The threshold counts.

    """
    output = outputs[0]
    best = output[:, 4:].max(axis=1)
    frames, anchors = np.nonzero(best > layout.confidence)
    if not len(frames):
        return Candidates.none()
    rows = output[frames, :, anchors]
    return Candidates(
        frames, corners_from_centres(rows[:, :4]), best[frames, anchors], rows[:, 4:].argmax(axis=1).astype(np.int32)
    )
