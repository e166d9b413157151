"""From the bytes of a picture to the network's picture: decode, turn upright, crop, resize. The one door to OpenCV.

Pixels belong here and nothing else: what a header says is in `headers`, where a picture lands and how small it may be
decoded is in `geometry`, how it is cut is in `tiling`. Every function is safe in many threads at once; OpenCV releases
the interpreter lock while it works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from framebatch.detection.geometry import Geometry, Resize, check_region, plan_resize, reduction
from framebatch.detection.headers import FIRST_TURNED, FileHeader, parse_file_header
from framebatch.detection.tiling import plan_tiles
from framebatch.errors import InvalidFrame
from framebatch.frame import Picture, RawPicture, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.tiling import Tiles

    Pixels = npt.NDArray[np.uint8]

__all__ = ["Prepared", "decode", "prepare", "prepare_rows", "preview", "use_one_thread_per_picture"]

_READ: Final = {"rgb": cv2.IMREAD_COLOR_RGB, "bgr": cv2.IMREAD_COLOR}
_REDUCED: Final = {  # the scale alone: there are names for "reduced and BGR", and none for "reduced and RGB"
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_RAW_TO: Final = {
    ("gray", "rgb"): cv2.COLOR_GRAY2RGB,
    ("gray", "bgr"): cv2.COLOR_GRAY2BGR,
    ("bgr", "rgb"): cv2.COLOR_BGR2RGB,
    ("rgb", "bgr"): cv2.COLOR_RGB2BGR,
}
PREVIEW_QUALITY: Final = 80
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
    return prepare_rows(picture, region, resize=resize, color=color, outs=None if out is None else [out])[0]


def prepare_rows(
    picture: Picture,
    region: Region | None,
    *,
    resize: Resize,
    color: str,
    tiles: Tiles | None = None,
    outs: Sequence[Pixels] | None = None,
) -> list[Prepared]:
    """Decode `picture` once, and fit each part that the network looks at into a network's picture of its own.

    A JPEG much larger than the network needs is decoded smaller, which takes less time: see `geometry.reduction`.

    Args:
        picture: As for `prepare`.
        region: As for `prepare`; it is what is cut into tiles.
        resize: How each part is fitted in.
        color: `rgb` or `bgr`, the channel order of the results.
        tiles: How a large picture is cut; None: never, so that there is one row.
        outs: uint8 (H, W, 3) each, where the results go, as many as `plan_tiles` gives parts; None: into fresh memory.

    Returns:
        One for each part, in the order of `plan_tiles`.

    Raises:
        InvalidFrame: the picture cannot be decoded, the region does not lie inside it, or there are too many tiles.

    """
    if isinstance(picture, RawPicture):
        file, width, height = None, picture.width, picture.height
    else:
        file = parse_file_header(picture.data)
        width, height = file.header[:2]
    if region is not None:
        check_region(region, width, height)
    parts = [region] if tiles is None else plan_tiles(tiles, width, height, region)
    places = [plan_resize(resize, width, height, part) for part in parts]
    factor = 1 if file is None or file.header.format != "jpeg" else reduction(width, height, places)
    pixels = decode(picture, color) if file is None else _from_file(picture.data, file, color, factor)
    return [
        Prepared(_fit(_cut(pixels, place, factor), resize, place, out), place)
        for place, out in zip(places, [None] * len(places) if outs is None else outs, strict=True)
    ]


def decode(picture: Picture, color: str) -> Pixels:
    """Answer the upright picture as uint8 (height, width, 3) in `color` order (`rgb` or `bgr`).

    Grey, transparent and 16-bit pictures become three channels of 8 bits; transparency is dropped. The result may
    share the memory of raw samples that already have the right order.

    Raises:
        InvalidFrame: truncated, broken, or not of the size that the header promised.

    """
    if isinstance(picture, RawPicture):
        return _from_raw(picture, color)
    return _from_file(picture.data, parse_file_header(picture.data), color, 1)


def preview(picture: Picture, *, longest: int) -> bytes:
    """A JPEG of the upright picture for people, scaled down to at most `longest` pixels wide or high.

    Raises:
        InvalidFrame: the picture cannot be decoded.

    """
    if isinstance(picture, RawPicture):
        pixels = _from_raw(picture, "bgr")
    else:
        file = parse_file_header(picture.data)
        width, height, name = file.header
        fits = (
            factor
            for factor in (8, 4, 2)
            if name == "jpeg" and not width % factor and not height % factor and max(width, height) >= longest * factor
        )
        pixels = _from_file(picture.data, file, "bgr", next(fits, 1))
    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = _as_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    _, encoded = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY))
    return encoded.tobytes()


def _from_file(data: bytes, file: FileHeader, color: str, factor: int) -> Pixels:
    """Decode a file, `factor` times smaller on each axis; a factor other than 1 is for a JPEG whose size it divides."""
    (width, height, name), orientation, body = file
    end = _END_MARKS.get(name)
    if end is not None and data.rfind(end, body) < 0:
        raise InvalidFrame(f"encoded is a truncated {name}: it stops after {len(data)} bytes without its end mark")
    try:
        pixels = cv2.imdecode(
            np.frombuffer(data, np.uint8), _READ[color] | _REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error as error:
        raise _undecodable(name, len(data)) from error
    if pixels is None:
        raise _undecodable(name, len(data))
    upright = _upright(_as_pixels(pixels), orientation)
    high, wide = upright.shape[0] * factor, upright.shape[1] * factor
    if (wide, high) != (width, height):
        raise InvalidFrame(
            f"the {name} header says {width} x {height} pixels, its data hold {wide} x {high}; send an intact file"
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


def _cut(pixels: Pixels, place: Geometry, factor: int) -> Pixels:
    """The part of the picture, decoded `factor` times smaller, that lands in `place`; nothing is copied."""
    x, y, width, height = (length // factor for length in place[6:])
    return pixels[y : y + height, x : x + width]


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
