"""YOLOv5 (and v7 in the same export): one array, one row per anchor with an objectness before the classes.

Output: float32 (B, N, 5 + classes): centre x, centre y, width, height in network pixels, objectness, then one score
per class. The score of a box is objectness times its best class. Source: the Detect layer of the YOLOv5 export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from framebatch.detection.boxes import corners_from_centres
from framebatch.detection.heads.candidates import Candidates, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["best_rows", "parse"]


def parse(outputs: Sequence[npt.NDArray[np.float32]], layout: Layout) -> Candidates:
    """Answer every anchor whose objectness times best class is above the threshold.

    Args:
        outputs: One array, float32 (B, N, 5 + classes).
        layout: The threshold counts.

    """
    frames, _, rows, scores, class_ids = best_rows(outputs[0], layout.confidence)
    return Candidates(frames, corners_from_centres(rows[:, :4]), scores, class_ids)


def best_rows(
    output: npt.NDArray[np.float32], confidence: float
) -> tuple[
    npt.NDArray[np.intp],
    npt.NDArray[np.intp],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
    npt.NDArray[np.int32],
]:
    """Select the rows of (B, N, 5 + classes) that count: their frames, anchors, values (n, 5 + classes), scores, classes.

    Objectness alone sorts out nearly all rows, because no class score exceeds 1.
    """
    frames, anchors = np.nonzero(output[:, :, 4] > confidence)
    rows = output[frames, anchors]
    class_ids = rows[:, 5:].argmax(axis=1).astype(np.int32)
    scores = rows[:, 4] * rows[np.arange(len(rows)), 5 + class_ids]
    passed = scores > confidence
    return frames[passed], anchors[passed], rows[passed], scores[passed], class_ids[passed]
