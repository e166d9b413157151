"""The table of detector families: the one place that knows them all. A family is one small file beside this one.

What belongs in a family's file: how its arrays become boxes in network pixels, written of the operations in `ops` and
so readable on the host and on the device alike. Thresholds, suppression, source pixels and labels are not its business.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from framebatch.detection.heads import (
    detr,
    end_to_end,
    fastestdet,
    nanodet,
    rtdetr,
    ssd,
    yolov5,
    yolov8,
    yolox,
    yunet,
)
from framebatch.detection.heads.arranging import first
from framebatch.detection.heads.candidates import Candidates, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from framebatch.detection.heads.ops import Read
    from framebatch.device.model_file import Tensor

__all__ = ["FAMILIES", "Candidates", "Head", "Layout"]


class Head(NamedTuple):
    """One family of detectors."""

    description: str
    """For people: the output that it reads."""
    read: Read
    """From the outputs of a batch to its boxes."""
    arrange: Callable[[Sequence[Tensor]], tuple[int, ...]] = first
    """Which of a model's outputs `read` wants, in its order; ValueError where they cannot be this family's."""
    input_defaults: Mapping[str, Any] = MappingProxyType({})
    """What its networks want as input where nobody says otherwise: fields of `ModelSpec` that differ from its defaults."""
    needs_suppression: bool = True
    """Whether overlapping candidates of one object must still be removed."""


FAMILIES: Final[Mapping[str, Head]] = {
    "yolov8": Head("YOLOv8, 9, 11, 12: (B, 4 + classes, N)", yolov8.read),
    "yolov5": Head("YOLOv5, 7: (B, N, 5 + classes)", yolov5.read),
    "yolox": Head("YOLOX grid: (B, N, 5 + classes)", yolox.read, input_defaults=yolox.INPUT),
    "yolox_decoded": Head("YOLOX, boxes decoded: (B, N, 5 + classes)", yolov5.read, input_defaults=yolox.INPUT),
    "end_to_end": Head("YOLOv10, YOLO26, NMS inside: (B, K, 6)", end_to_end.read, needs_suppression=False),
    "rtdetr": Head("RT-DETR: (B, K, 4 + classes)", rtdetr.read, input_defaults=detr.INPUT, needs_suppression=False),
    "detr": Head(
        "D-FINE, DEIM, RT-DETR with orig_target_sizes: labels (B, K), boxes (B, K, 4), scores (B, K)",
        detr.read,
        detr.arrange,
        detr.INPUT,
        needs_suppression=False,
    ),
    "detr_raw": Head(
        "DETR, raw: logits (B, K, classes), boxes (B, K, 4)",
        detr.read_raw,
        detr.arrange_raw,
        detr.INPUT,
        needs_suppression=False,
    ),
    "nanodet": Head(
        "NanoDet: scores and distances (B, n, 32) of three grids; NanoDet-Plus: (B, N, classes + 32)",
        nanodet.read,
        nanodet.arrange,
        nanodet.INPUT,
    ),
    "fastestdet": Head("FastestDet: (B, 5 + classes, H, W)", fastestdet.read, input_defaults=fastestdet.INPUT),
    "ssd": Head("SSD, UltraFace: boxes (B, N, 4), scores (B, N, 1 + classes)", ssd.read, ssd.arrange, ssd.INPUT),
    "yunet": Head("YuNet: two scores and a box for each of three grids", yunet.read, yunet.arrange, yunet.INPUT),
}
"""Family name, as in a manifest's `family`, to its head."""
