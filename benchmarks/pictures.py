"""Pictures to send: conveyor scenes, small ones made large on the wire, and photos enlarged to a camera's size."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from framebatch_models.conveyor import Conveyor

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["encode", "enlarged", "padded", "scenes"]

QUALITY: Final = 90
MAX_SEGMENT: Final = 65_533
NOISE: Final = 3.0
"""Standard deviation of what a sensor adds to each sample: without it an enlarged photo is smoother than any camera's."""


def scenes(count: int, *, width: int = 640, height: int = 480, quality: int = QUALITY) -> list[bytes]:
    """`count` different conveyor pictures as JPEG."""
    return [encode(pixels, quality) for pixels in _scenes(count, width=width, height=height)]


def _scenes(count: int, *, width: int = 640, height: int = 480) -> list[npt.NDArray[np.uint8]]:
    belt = Conveyor(1, width=width, height=height)
    return [belt.frame(9 * index).pixels for index in range(count)]


def encode(pixels: cv2.typing.MatLike, quality: int = QUALITY) -> bytes:
    """One picture as JPEG."""
    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()


def enlarged(photo: Path, *, width: int, height: int, quality: int = QUALITY) -> bytes:
    """A photo as a camera of `width` x `height` pixels would send it: cut to that shape, enlarged, noisy, as JPEG."""
    pixels = cv2.imread(str(photo))
    if pixels is None:
        raise ValueError(f"{photo} is no picture")
    high, wide = pixels.shape[:2]
    share = min(wide / width, high / height)
    cut = pixels[: round(height * share), : round(width * share)]
    large = cv2.resize(cut, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(1).standard_normal((height, width, 3), np.float32) * np.float32(NOISE)
    return encode(np.clip(large + noise, 0, 255).astype(np.uint8), quality)


def padded(count: int, *, side: int, total_bytes: int) -> list[bytes]:
    """`count` different pictures of side x side pixels whose files a comment segment fills up to `total_bytes`.

    They cost the network and the server's intake what a camera's picture costs, and next to nothing to decode.
    """
    pictures = []
    for large in _scenes(count):
        small = encode(cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA))
        missing = total_bytes - len(small)
        comments = b""
        while missing > 4:
            size = min(missing - 4, MAX_SEGMENT)
            comments += b"\xff\xfe" + struct.pack(">H", size + 2) + bytes(size)
            missing -= size + 4
        pictures.append(small[:2] + comments + small[2:])
    return pictures
