"""From the bytes of a picture to the network's picture: decode, turn upright, crop, resize. The one door to OpenCV.

Pixels belong here and nothing else: what a header says is in `headers`, where boxes go back is in `geometry`. Every
function is safe in many threads at once; OpenCV releases the interpreter lock while it works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from framebatch.detection.geometry import Geometry, Resize, plan_resize
from framebatch.detection.headers import FIRST_TURNED, parse_file_header
from framebatch.errors import InvalidFrame
from framebatch.frame import Picture, RawPicture, Region

if TYPE_CHECKING:
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

__all__ = ["Prepared", "decode", "prepare", "use_one_thread_per_picture"]

_READ: Final = {"rgb": cv2.IMREAD_COLOR_RGB, "bgr": cv2.IMREAD_COLOR}
_RAW_TO: Final = {
    ("gray", "rgb"): cv2.COLOR_GRAY2RGB,
    ("gray", "bgr"): cv2.COLOR_GRAY2BGR,
    ("bgr", "rgb"): cv2.COLOR_BGR2RGB,
    ("rgb", "bgr"): cv2.COLOR_RGB2BGR,
}
_END_MARKS: Final = {"jpeg": b"\xff\xd9", "png": b"IEND"}


class Prepared(NamedTuple):
    """One frame, ready for a batch."""

    pixels: Pixels
    """uint8 (H, W, 3), C-contiguous, in the colour order of the model. Owned by the frame."""
    geometry: Geometry
    """How to bring boxes back to the source picture."""
    slot: int = -1
    """Where in `store` the pixels lie; -1: nowhere."""
    store: npt.NDArray[np.uint8] | None = None
    """uint8 (slots, H, W, 3): the common memory of the pictures of a batch, which makes filling it one copy."""


def use_one_thread_per_picture() -> None:
    """Keep OpenCV from splitting one picture over threads, and from writing to stderr; call it once, at the start.

    Frames are decoded side by side, so threads inside one picture would only compete with its neighbours.
    """
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def prepare(
    picture: Picture, region: Region | None, *, resize: Resize, color: str, out: Pixels | None = None
) -> Prepared:
    """Decode `picture`, cut out `region` and fit it into the network's picture.

    Args:
        picture: Its header has passed `read_header`; size limits are not checked again.
        region: In pixels of the upright picture; None for all of it.
        resize: How the picture is fitted in.
        color: `rgb` or `bgr`, the channel order of the result.
        out: uint8 (H, W, 3), where the result goes; must not share memory with `picture`. None: into fresh memory.

    Raises:
        InvalidFrame: the picture cannot be decoded, or the region does not lie inside it.

    """
    pixels = decode(picture, color)
    height, width = pixels.shape[:2]
    if region is not None:
        pixels = _crop(pixels, region)
    geometry = plan_resize(resize, width, height, region)
    return Prepared(_fit(pixels, resize, geometry, out), geometry)


def decode(picture: Picture, color: str) -> Pixels:
    """Answer the upright picture as uint8 (height, width, 3) in `color` order (`rgb` or `bgr`).

    Grey, transparent and 16-bit pictures become three channels of 8 bits; transparency is dropped. The result may
    share the memory of raw samples that already have the right order.

    Raises:
        InvalidFrame: truncated, broken, or not of the size that the header promised.

    """
    if isinstance(picture, RawPicture):
        return _from_raw(picture, color)
    data = picture.data
    (width, height, name), orientation, body = parse_file_header(data)
    end = _END_MARKS.get(name)
    if end is not None and data.rfind(end, body) < 0:
        raise InvalidFrame(f"encoded is a truncated {name}: it stops after {len(data)} bytes without its end mark")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _READ[color] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _undecodable(name, len(data)) from error
    if pixels is None:
        raise _undecodable(name, len(data))
    upright = _upright(_as_pixels(pixels), orientation)
    if upright.shape != (height, width, 3):
        raise InvalidFrame(
            f"the {name} header says {width} x {height} pixels, its data hold {upright.shape[1]} x {upright.shape[0]}; "
            "send an intact file"
        )
    return upright


def _from_raw(picture: RawPicture, color: str) -> Pixels:
    samples = np.frombuffer(picture.data, np.uint8)
    channels = () if picture.layout == "gray" else (3,)
    pixels = samples.reshape(picture.height, picture.width, *channels)
    conversion = _RAW_TO.get((picture.layout, color))
    return pixels if conversion is None else _as_pixels(cv2.cvtColor(pixels, conversion))


def _undecodable(name: str, length: int) -> InvalidFrame:
    return InvalidFrame(f"encoded is a broken or truncated {name} ({length} bytes); send the whole, intact file")


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo the camera's position; the numbers are those of EXIF tag 0x0112."""
    if orientation == 1:
        return pixels
    if orientation >= FIRST_TURNED:
        pixels = _as_pixels(cv2.transpose(pixels))
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else _as_pixels(cv2.flip(pixels, flip))


def _crop(pixels: Pixels, region: Region) -> Pixels:
    height, width = pixels.shape[:2]
    x, y, wide, high = region
    if x < 0 or y < 0 or wide < 1 or high < 1 or x + wide > width or y + high > height:
        raise InvalidFrame(
            f"region is x={x} y={y} width={wide} height={high}; it must lie inside the picture of {width} x {height} "
            "pixels and hold at least one"
        )
    return pixels[y : y + high, x : x + wide]


def _fit(pixels: Pixels, resize: Resize, geometry: Geometry, out: Pixels | None) -> Pixels:
    """Resize into the network's picture, straight into its place, and fill what stays free."""
    width, height = resize.width, resize.height
    inner_width, inner_height, left, top = geometry.inner_width, geometry.inner_height, geometry.left, geometry.top
    same_size = pixels.shape[:2] == (inner_height, inner_width)
    if out is None and same_size and (inner_width, inner_height) == (width, height):
        return np.ascontiguousarray(pixels)
    canvas = np.empty((height, width, 3), np.uint8) if out is None else out
    right, bottom = left + inner_width, top + inner_height
    canvas[:top] = resize.pad
    canvas[bottom:] = resize.pad
    if inner_width < width:
        canvas[top:bottom, :left] = resize.pad
        canvas[top:bottom, right:] = resize.pad
    place = canvas[top:bottom, left:right]
    if same_size:
        np.copyto(place, pixels)
    else:
        written = cv2.resize(pixels, (inner_width, inner_height), dst=place, interpolation=cv2.INTER_LINEAR)
        if written is not place:
            np.copyto(place, written)
    return canvas


def _as_pixels(array: npt.NDArray[np.generic] | cv2.typing.MatLike) -> Pixels:
    """Narrow OpenCV's type; nothing is copied."""
    return array  # type: ignore[return-value]
