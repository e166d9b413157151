"""THE table of how families are told apart: one row a family. A new family adds its row here, and nothing else changes.

What the three questions of a row mean stands at `Rule`; who asks them, and what follows, is in `decision`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.detection.recognition import one_output as one
from framebatch.detection.recognition import several_outputs as several

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from framebatch.detection.recognition.evidence import Evidence

__all__ = ["RULES", "Rule"]


class Rule(NamedTuple):
    """How one family is known. Each question is a function of the evidence alone, and answers in a sentence."""

    classes: Callable[[Evidence], int | None]
    """How many classes the outputs have if they are this family's; 0: they do not tell; None: they cannot be."""
    signs: Callable[[Evidence], str | None]
    """What in names and shapes speaks for it, or None. Asked only where `classes` is not None."""
    against: Callable[[Evidence], str | None]
    """What in the values speaks against it, or None. Costs a run of the model; asked only where `classes` is not None."""


RULES: Final[Mapping[str, Rule]] = {
    "yolov8": Rule(one.yolov8_classes, one.yolov8_signs, one.yolov8_against),
    "yolov5": Rule(one.yolov5_classes, one.yolov5_signs, one.yolov5_against),
    "yolox": Rule(one.yolov5_classes, one.yolox_signs, one.yolox_against),
    "yolox_decoded": Rule(one.yolov5_classes, one.yolox_signs, one.yolox_decoded_against),
    "end_to_end": Rule(one.end_to_end_classes, one.end_to_end_signs, one.end_to_end_against),
    "rtdetr": Rule(one.rtdetr_classes, one.rtdetr_signs, one.rtdetr_against),
    "fastestdet": Rule(one.fastestdet_classes, one.fastestdet_signs, one.fastestdet_against),
    "detr": Rule(several.detr_classes, several.detr_signs, several.detr_against),
    "detr_raw": Rule(several.detr_raw_classes, several.detr_raw_signs, several.detr_raw_against),
    "ssd": Rule(several.ssd_classes, several.ssd_signs, several.ssd_against),
    "nanodet": Rule(several.nanodet_classes, several.nanodet_signs, several.nanodet_against),
    "yunet": Rule(several.yunet_classes, several.yunet_signs, lambda _: None),
}
"""Family name, as in `heads.FAMILIES`, to how it is known."""
