"""Where a picture lands inside the network's picture, and how boxes come back. Arithmetic only: no pixels, no OpenCV.

A source pixel x lands at `x * scale_x + left`, each axis with its own scale, computed from the size that was really
used after rounding: one common ratio is off by more than a pixel on odd shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from framebatch.errors import InvalidFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.frame import Region

__all__ = ["RESIZE_MODES", "Geometry", "Resize", "check_region", "plan_resize", "reduction", "to_source"]

RESIZE_MODES: Final = ("letterbox", "letterbox_topleft", "stretch")
REDUCTIONS: Final = (8, 4, 2)
"""How many times smaller a JPEG can be decoded on each axis, instead of in full."""
LEFT: Final = 3.0
"""Source pixels that are left for each network pixel when a picture is decoded smaller. docs/decisions/0025 has why."""

_WHITE: Final = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Resize:
    """How a picture of any size becomes the network's picture.

    Attributes:
        width: Of the network's picture, in pixels.
        height: Of the network's picture, in pixels.
        mode: `letterbox` keeps the shape and centres the picture; `letterbox_topleft` keeps the shape and puts it at
            (0, 0); `stretch` fills the network's picture and does not keep the shape.
        pad: Value of each sample around the picture, 0 to 255.
    """

    width: int
    height: int
    mode: str = "letterbox"
    pad: int = 114

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"the network's picture is {self.width} x {self.height}; both must be at least 1")
        if self.mode not in RESIZE_MODES:
            raise ValueError(f"mode is {self.mode!r}; it must be one of {', '.join(RESIZE_MODES)}")
        if not 0 <= self.pad <= _WHITE:
            raise ValueError(f"pad is {self.pad}; it must be 0 to 255")


class Geometry(NamedTuple):
    """Where one picture landed. Lengths in pixels: of the network's picture first, of the source at the end."""

    inner_width: int
    inner_height: int
    left: int
    top: int
    scale_x: float
    """Network pixels per source pixel."""
    scale_y: float
    x: int
    """The part of the source that the network saw: the region, or the whole picture."""
    y: int
    width: int
    height: int


def plan_resize(resize: Resize, width: int, height: int, region: Region | None = None) -> Geometry:
    """Answer where a picture of `width` x `height` (or its `region`) lands; rounding as Ultralytics' LetterBox does.

    A side never shrinks below one pixel, however long the other one is. Boxes are scaled by the sizes that were really
    used, on each axis; at the top left by the one ratio, although the lengths are cut to whole pixels there: the authors of
    YOLOX and YuNet scale boxes so, in training and after, and networks answer what they were trained with.
    """
    x, y, width, height = (0, 0, width, height) if region is None else region
    left = top = 0
    if resize.mode == "stretch":
        inner_width, inner_height = resize.width, resize.height
    else:
        ratio = min(resize.width / width, resize.height / height)
        if resize.mode == "letterbox":
            inner_width, inner_height = max(round(width * ratio), 1), max(round(height * ratio), 1)
            left = max(round((resize.width - inner_width) / 2 - 0.1), 0)
            top = max(round((resize.height - inner_height) / 2 - 0.1), 0)
        else:
            inner_width, inner_height = max(int(width * ratio), 1), max(int(height * ratio), 1)
            return Geometry(inner_width, inner_height, left, top, ratio, ratio, x, y, width, height)
    return Geometry(
        inner_width, inner_height, left, top, inner_width / width, inner_height / height, x, y, width, height
    )


def check_region(region: Region, width: int, height: int) -> None:
    """Refuse a region that does not lie inside a picture of `width` x `height`, or is empty.

    Raises:
        InvalidFrame: it does not, or it is.

    """
    x, y, wide, high = region
    if x < 0 or y < 0 or wide < 1 or high < 1 or x + wide > width or y + high > height:
        raise InvalidFrame(
            f"region is x={x} y={y} width={wide} height={high}; it must lie inside the picture of {width} x {height} "
            "pixels and hold at least one"
        )


def reduction(width: int, height: int, places: Sequence[Geometry]) -> int:
    """Answer how many times smaller a picture may be decoded: 1, 2, 4 or 8.

    More only where at least `LEFT` pixels remain for each one of the network's, on each axis and for each of `places`,
    so that the detections stay those of the full picture; and only where it divides every length, so that each
    reduced pixel stands for whole pixels of the source and of what is cut out, and no box moves.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        places: Where it, or each part that is looked at, lands.

    """
    finest = max(max(place.scale_x, place.scale_y) for place in places)
    for factor in REDUCTIONS:
        if LEFT * factor * finest <= 1.0:
            lengths = (width, height, *(length for place in places for length in place[6:]))
            if all(length % factor == 0 for length in lengths):
                return factor
    return 1


def to_source(
    boxes: npt.NDArray[np.float32], frames: npt.NDArray[np.intp], geometries: Sequence[Geometry]
) -> npt.NDArray[np.float32]:
    """Bring boxes from network pixels back to source pixels, and clip them to what the network saw.

    Args:
        boxes: float32 (n, 4), corners x1, y1, x2, y2 in network pixels, from all frames of a batch.
        frames: (n,) index into `geometries` for each box.
        geometries: One for each frame of the batch.

    Returns:
        float32 (n, 4), corners in source pixels.

    """
    table = np.array(geometries, np.float64)[frames]
    shift, scale, start, size = table[:, 2:4], table[:, 4:6], table[:, 6:8], table[:, 8:10]
    corners = (boxes.reshape(-1, 2, 2) - shift[:, None]) / scale[:, None]
    np.minimum(np.maximum(corners, 0.0, out=corners), size[:, None], out=corners)
    corners += start[:, None]
    return corners.reshape(-1, 4).astype(np.float32)
