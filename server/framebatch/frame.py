"""The values that travel through every room: outcomes, detections, geometry. No behaviour beyond construction.

Whoever needs a field of a frame reads it here; whoever wants to change a frame's fate returns a decision instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Detections", "EncodedPicture", "Header", "Outcome", "Picture", "RawPicture", "Region"]


class Outcome(StrEnum):
    """The closed set of ways in which a frame ends; the values are the names on the wire and in metrics."""

    OK = "OK"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    REJECTED = "REJECTED"
    INVALID = "INVALID"
    FAILED = "FAILED"


class Region(NamedTuple):
    """A rectangle in pixels of the source picture (after EXIF rotation), origin top left."""

    x: int
    y: int
    width: int
    height: int


class Header(NamedTuple):
    """What a picture's header says before anything is decoded; size in pixels after EXIF rotation."""

    width: int
    height: int
    format: str
    """`jpeg`, `png`, `webp`, `bmp` or `raw`."""


class EncodedPicture(NamedTuple):
    """The bytes of a JPEG, PNG, WebP or BMP file, as received."""

    data: bytes


class RawPicture(NamedTuple):
    """Plain samples, rows top to bottom, one byte a sample."""

    data: bytes
    width: int
    height: int
    layout: str
    """`bgr`, `rgb` (height x width x 3) or `gray` (height x width)."""


Picture = EncodedPicture | RawPicture


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found in one picture, best score first; n may be 0.

    Attributes:
        boxes: float32 (n, 4), corners x1, y1, x2, y2 in source pixels, inside the picture.
        scores: float32 (n,), 0 to 1, not increasing.
        class_ids: int32 (n,), index into the model's labels.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scores)
