"""What classes are called: by the manifest, by the model itself, or by a list that everybody uses."""

from __future__ import annotations

from typing import Final

__all__ = ["COCO", "KNOWN", "name_classes"]

# fmt: off
COCO: Final = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on
"""The 80 classes of COCO, in the order in which detectors are trained."""

KNOWN: Final = {"coco": COCO}
"""What a manifest may name instead of a list."""

_FACES: Final = frozenset({"ssd", "yunet"})


def name_classes(
    family: str, count: int, *, manifest: tuple[str, ...] | None, metadata: tuple[str, ...]
) -> tuple[tuple[str, ...], str]:
    """Answer the names of a model's classes, by class id, and where they come from, as a phrase for people.

    Args:
        family: How the model is read; families that only ever find faces name their class.
        count: How many classes its outputs have; 0 where they do not tell.
        manifest: The names that a person gives, or None.
        metadata: The names that the exporter left; may be empty.

    """
    if manifest is not None:
        return manifest, f"{len(manifest)} from the manifest"
    if metadata:
        return metadata, f"{len(metadata)} from the metadata"
    if family in _FACES and count == 1:
        return ("face",), "none given; a single class of this family is taken for faces"
    if not count:
        return COCO, "none given, and the outputs do not tell how many; taken for the 80 of COCO"
    if count == len(COCO):
        return COCO, "none given; 80 classes are taken for those of COCO"
    return tuple(map(str, range(count))), f"none given; the {count} class ids stand for themselves"
