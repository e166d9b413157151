"""`NAME.toml` beside `NAME.onnx`: what a person says about a model, checked key by key. It outweighs all that is guessed.

Only reading and checking belongs here; what follows from it is in `recognition`.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from framebatch.detection.geometry import RESIZE_MODES
from framebatch.detection.heads import FAMILIES
from framebatch.detection.labels import KNOWN
from framebatch.detection.tiling import Tiles
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["KEYS", "Manifest", "read_manifest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a manifest says; None where it says nothing.

    Attributes:
        family: How the output is read: a key of `heads.FAMILIES`.
        labels: Class names in the order of the class ids, or the name of a known list (`coco`).
        resize: `letterbox`, `letterbox_topleft` or `stretch`.
        color: `rgb` or `bgr`.
        scale: Each sample is multiplied by it before mean and std.
        mean: Subtracted from each scaled channel, in the model's colour order; one number stands for all three.
        std: Divides each channel at last; one number stands for all three.
        pad: Value of the samples around the picture, 0 to 255.
        confidence: Default threshold, 0 to 1.
        iou: Default overlap above which the weaker box goes, 0 to 1.
        max_detections: Default number of boxes kept in a picture.
        accept_dynamic_quantisation: Run a dynamically quantised model in batches all the same.
        tiles: How large pictures are cut.
        version: For people.
        description: For people.
        license: For people.
        input: Width and height of the network's picture, for a model that leaves them open.
    """

    family: str | None = None
    labels: tuple[str, ...] | None = None
    resize: str | None = None
    color: str | None = None
    scale: float | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    pad: int | None = None
    confidence: float | None = None
    iou: float | None = None
    max_detections: int | None = None
    accept_dynamic_quantisation: bool | None = None
    tiles: Tiles | None = None
    version: str | None = None
    description: str | None = None
    license: str | None = None
    input: tuple[int, int] | None = None


def read_manifest(model_path: Path) -> Manifest:
    """Read the manifest beside a model; an empty one where there is none.

    Raises:
        ModelError: no TOML, a key that does not exist, or a value that it cannot have.

    """
    path = model_path.with_suffix(".toml")
    if not path.exists():
        return Manifest()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"manifest {path} cannot be read: {error}; correct it or remove it") from error
    values = {}
    for key, value in entries.items():
        check = _CHECKS.get(key)
        if check is None:
            raise ModelError(f"manifest {path}: there is no key {key!r}; {_suggestion(key, KEYS)}")
        try:
            values[key] = check(value)
        except (TypeError, ValueError) as error:
            raise ModelError(f"manifest {path}: {key} is {value!r}; it must be {error}") from error
    return Manifest(**values)


def _suggestion(key: str, keys: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(_SYNONYMS.get(key, key), keys, n=1)
    return f"did you mean {near[0]}?" if near else f"the keys are {', '.join(keys)}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return str(value)

    return check


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) and value in KNOWN:
        return KNOWN[value]
    if not isinstance(value, list) or not value or not all(isinstance(label, str) and label for label in value):
        raise ValueError(f"a list of names, or one of {', '.join(KNOWN)}")
    return tuple(value)


def _number(low: float, high: float, wording: str) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(wording)
        return float(value)

    return check


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def _channels(low: float, wording: str) -> Callable[[Any], tuple[float, float, float]]:
    one = _number(low, 1e6, wording)

    def check(value: Any) -> tuple[float, float, float]:
        if not isinstance(value, list):
            value = [value] * 3
        try:
            first, second, third = (one(item) for item in value)
        except ValueError:
            raise ValueError(wording) from None
        return first, second, third

    return check


def _size(value: Any) -> tuple[int, int]:
    try:
        width, height = (_whole(1, 16384)(item) for item in value)
    except (TypeError, ValueError):
        raise ValueError("a list of two whole numbers, width and height, from 1 to 16384") from None
    return width, height


def _tiles(value: Any) -> Tiles:
    """A side, or a table of width, height and overlap."""
    wanted = (
        "the side of a tile in pixels of the picture, or a table of width, height and, if need be, overlap (0 to 0.9)"
    )
    entries = value if isinstance(value, dict) else {"width": value, "height": value}
    if not {"width", "height"} <= entries.keys() <= {"width", "height", "overlap"}:
        raise ValueError(wanted)
    try:
        return Tiles(**entries)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}: {error}") from None


_SYNONYMS: Final = {"names": "labels", "classes": "labels", "head": "family", "size": "input", "imgsz": "input"}
_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "family": _one_of(*FAMILIES),
    "labels": _labels,
    "resize": _one_of(*RESIZE_MODES),
    "color": _one_of("rgb", "bgr"),
    "scale": _number(1e-9, 1e6, "a number above 0"),
    "mean": _channels(-1e6, "one number, or three"),
    "std": _channels(1e-9, "one number above 0, or three"),
    "pad": _whole(0, 255),
    "confidence": _number(0.0, 1.0, "a number from 0 to 1"),
    "iou": _number(0.0, 1.0, "a number from 0 to 1"),
    "max_detections": _whole(1, 100_000),
    "accept_dynamic_quantisation": _flag,
    "tiles": _tiles,
    "version": _text,
    "description": _text,
    "license": _text,
    "input": _size,
}

KEYS: Final = tuple(_CHECKS)
"""Every key that a manifest may hold."""
