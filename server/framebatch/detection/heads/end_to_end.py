"""Detectors whose output is final (YOLOv10, YOLO26, exports with NMS inside): nothing is left to suppress.

Output: float32 (B, K, 6): corners x1, y1, x2, y2 in network pixels, score, class; unused rows have score 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from framebatch.detection.heads.candidates import Candidates, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["parse"]


def parse(outputs: Sequence[npt.NDArray[np.float32]], layout: Layout) -> Candidates:
    """Answer every row that scores above the threshold.

    Args:
        outputs: One array, float32 (B, K, 6).
        layout: The threshold counts.

    """
    output = outputs[0]
    frames, places = np.nonzero(output[:, :, 4] > layout.confidence)
    rows = output[frames, places]
    return Candidates(frames, rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int32))
