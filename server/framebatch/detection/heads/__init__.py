"""The table of detector families: the one place that knows them all. A family is one small file beside this one.

What belongs in a family's file: turning the arrays of one batch into candidates in network pixels, vectorised over the
batch. Suppression, source pixels and labels are the detector's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.detection.heads import end_to_end, yolov5, yolov8, yolox
from framebatch.detection.heads.candidates import Candidates, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

__all__ = ["FAMILIES", "Candidates", "Head", "Layout"]


class Head(NamedTuple):
    """One family of detectors."""

    parse: Callable[[Sequence[npt.NDArray[np.float32]], Layout], Candidates]
    """From the output arrays of a batch to its candidates."""
    needs_suppression: bool
    """Whether overlapping candidates of one object must still be removed."""
    description: str
    """For people: the output that it reads."""


FAMILIES: Final[Mapping[str, Head]] = {
    "yolov8": Head(yolov8.parse, True, "YOLOv8, 9, 11, 12: (B, 4 + classes, N)"),  # noqa: FBT003 - named by the tuple
    "yolov5": Head(yolov5.parse, True, "YOLOv5, 7: (B, N, 5 + classes)"),  # noqa: FBT003 - as above
    "yolox": Head(yolox.parse, True, "YOLOX grid: (B, N, 5 + classes)"),  # noqa: FBT003 - as above
    "yolox_decoded": Head(yolov5.parse, True, "YOLOX, boxes decoded: (B, N, 5 + classes)"),  # noqa: FBT003 - as above
    "end_to_end": Head(end_to_end.parse, False, "YOLOv10, YOLO26, NMS inside: (B, K, 6)"),  # noqa: FBT003 - as above
}
"""Family name, as in a manifest's `family`, to its head."""
