"""Where a picture lands inside the network's picture, and how boxes come back. Arithmetic only: no pixels, no OpenCV.

A source pixel x lands at `x * scale_x + left`, each axis with its own scale, computed from the size that was really
used after rounding: one common ratio is off by more than a pixel on odd shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.frame import Region

_WHITE: Final = 255

__all__ = ["RESIZE_MODES", "Geometry", "Resize", "plan_resize", "to_source"]

RESIZE_MODES: Final = ("letterbox", "letterbox_topleft", "stretch")


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

    A side never shrinks below one pixel, however long the other one is.
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
    return Geometry(
        inner_width, inner_height, left, top, inner_width / width, inner_height / height, x, y, width, height
    )


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
