"""What an exporter wrote into the file beside the graph, read once into plain values. What follows from it is in `rules`.

The keys are those of Ultralytics' exports, which YOLOv5 and others share in part. Every one may be missing, and none is
executed: values are read as Python literals.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Exporter", "read_metadata", "suppresses_inside"]

_SIDES: Final = 2
_DESCRIPTIVE: Final = ("version", "description", "license")
_TASK_OF_HEAD: Final = {"Segment": "segment", "Pose": "pose", "OBB": "obb", "Classify": "classify"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Exporter:
    """What the metadata say.

    Attributes:
        task: What the model was trained for; `detect` where nothing is said.
        names: Class names by class id; empty where none are given.
        size: Height and width of the network's picture, in pixels, or None.
        family: The family that the metadata alone make certain, or None.
        reason: Why, as a sentence for people; empty without a family.
        raw: The exporter states that boxes still overlap: no end-to-end head, no suppression inside.
        texts: `version`, `description` and `license`, as far as given.
    """

    task: str = "detect"
    names: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    family: str | None = None
    reason: str = ""
    raw: bool = False
    texts: tuple[tuple[str, str], ...] = ()


def read_metadata(where: str, metadata: Mapping[str, str]) -> Exporter:
    """Read the metadata of a model.

    Args:
        where: The model, as messages name it.
        metadata: Key-value pairs of the file.

    Raises:
        ModelError: the class names contradict themselves.

    """
    head = metadata.get("head", "")
    family, reason = _family(metadata, head)
    return Exporter(
        task=metadata.get("task")
        or next((task for end, task in _TASK_OF_HEAD.items() if head.startswith(end)), "detect"),
        names=_names(where, metadata),
        size=_size(metadata),
        family=family,
        reason=reason,
        raw=metadata.get("end2end", "").lower() == "false" and not suppresses_inside(metadata),
        texts=tuple((key, metadata[key]) for key in _DESCRIPTIVE if key in metadata),
    )


def suppresses_inside(metadata: Mapping[str, str]) -> bool:
    """Whether the exporter put non-maximum suppression into the graph, as far as it says."""
    arguments = _literal(metadata.get("args", ""))
    return isinstance(arguments, dict) and bool(arguments.get("nms"))


def _family(metadata: Mapping[str, str], head: str) -> tuple[str | None, str]:
    """What is certain before any shape is looked at, and why."""
    if head.startswith("RTDETR"):
        return "rtdetr", f"the metadata name the head {head}"
    if "rtdetr" in metadata.get("description", "").lower().replace("-", ""):
        return "rtdetr", f"the metadata describe it as {metadata['description']!r}"
    if suppresses_inside(metadata):
        return "end_to_end", "the metadata say that it was exported with NMS inside (args: nms)"
    if metadata.get("end2end", "").lower() == "true":
        return "end_to_end", "the metadata say end2end"
    return None, ""


def _names(where: str, metadata: Mapping[str, str]) -> tuple[str, ...]:
    names = _literal(metadata.get("names", ""))
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise ModelError(
                f"{where}: its class names are not numbered from 0 up; name them in the manifest key labels"
            )
        names = [names[number] for number in range(len(names))]
    return tuple(str(name) for name in names) if isinstance(names, list | tuple) else ()


def _size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    size = _literal(metadata.get("imgsz", ""))
    if isinstance(size, int):
        size = (size, size)
    if (
        isinstance(size, list | tuple)
        and len(size) == _SIDES
        and all(isinstance(side, int) and side > 0 for side in size)
    ):
        return size[0], size[1]
    return None


def _literal(text: str) -> Any:
    """Read a value as the exporter's `str()` wrote it; None where it is no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
