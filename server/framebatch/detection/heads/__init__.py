"""The table of detector families: the one place that knows them all. A family is one small file beside this one.

What belongs in a family's file: how its arrays become boxes in network pixels, written of the operations in `ops` and
so readable on the host and on the device alike. Thresholds, suppression, source pixels and labels are not its business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from framebatch.detection.heads import end_to_end, yolov5, yolov8, yolox
from framebatch.detection.heads.arranging import first
from framebatch.detection.heads.candidates import Candidates, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from framebatch.detection.heads.ops import Read
    from framebatch.device.model_file import Tensor

__all__ = ["FAMILIES", "Candidates", "Head", "Layout"]


class Head(NamedTuple):
    """One family of detectors."""

    read: Read
    """From the outputs of a batch to its boxes."""
    needs_suppression: bool
    """Whether overlapping candidates of one object must still be removed."""
    description: str
    """For people: the output that it reads."""
    arrange: Callable[[Sequence[Tensor]], tuple[int, ...]] = first
    """Which of a model's outputs `read` wants, in its order; ValueError where they cannot be this family's."""
    input_defaults: Mapping[str, Any] = {}
    """What its networks want as input where nobody says otherwise: fields of `ModelSpec`; none where those fit."""


FAMILIES: Final[Mapping[str, Head]] = {
    "yolov8": Head(yolov8.read, True, "YOLOv8, 9, 11, 12: (B, 4 + classes, N)"),  # noqa: FBT003 - named by the tuple
    "yolov5": Head(yolov5.read, True, "YOLOv5, 7: (B, N, 5 + classes)"),  # noqa: FBT003 - as above
    "yolox": Head(yolox.read, True, "YOLOX grid: (B, N, 5 + classes)", input_defaults=yolox.INPUT),  # noqa: FBT003 - as above
    "yolox_decoded": Head(
        yolov5.read,
        True,  # noqa: FBT003 - as above
        "YOLOX, boxes decoded: (B, N, 5 + classes)",
        input_defaults=yolox.INPUT,
    ),
    "end_to_end": Head(end_to_end.read, False, "YOLOv10, YOLO26, NMS inside: (B, K, 6)"),  # noqa: FBT003 - as above
}
"""Family name, as in a manifest's `family`, to its head."""
