"""Models whose family is certain, but whose authors prepare the picture otherwise than the family's other authors do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framebatch.detection.recognition.evidence import Evidence

__all__ = ["Variant", "variant"]

_OBJECTNESS: Final = 4


class Variant(NamedTuple):
    """How the picture is prepared, where that differs."""

    options: Mapping[str, Any]
    """Fields of `ModelSpec`, in place of the family's defaults."""
    why: str
    """What gave it away, as a sentence for people."""


_YOLOV6: Final = Variant(
    {"color": "rgb", "scale": 1 / 255, "resize": "letterbox"},
    "its objectness is 1 everywhere, as YOLOv6 exports it: pictures are prepared as for YOLOv6",
)
_RF_DETR: Final = Variant(
    {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    "its outputs are called dets and labels, as RF-DETR exports them: ImageNet's mean and std",
)


def variant(family: str, evidence: Evidence) -> Variant | None:
    """Answer how this model differs from its family, or None.

    Sources: the inference scripts of YOLOv6 (meituan/YOLOv6) and RF-DETR (roboflow/rf-detr).
    """
    if family == "yolox_decoded" and (evidence.frame(0)[:, _OBJECTNESS] == 1).all():
        return _YOLOV6
    if family == "detr_raw" and {output.name for output in evidence.outputs} == {"dets", "labels"}:
        return _RF_DETR
    return None
