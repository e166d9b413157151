"""Pictures to send: conveyor scenes, and small ones made large on the wire."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import cv2

from framebatch_models.conveyor import Conveyor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["padded", "scenes"]

QUALITY: Final = 90
MAX_SEGMENT: Final = 65_533


def scenes(count: int, *, width: int = 640, height: int = 480) -> list[bytes]:
    """`count` different conveyor pictures as JPEG."""
    return [encode(pixels) for pixels in _scenes(count, width=width, height=height)]


def _scenes(count: int, *, width: int = 640, height: int = 480) -> list[npt.NDArray[np.uint8]]:
    belt = Conveyor(1, width=width, height=height)
    return [belt.frame(9 * index).pixels for index in range(count)]


def encode(pixels: cv2.typing.MatLike) -> bytes:
    """One picture as JPEG."""
    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


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
