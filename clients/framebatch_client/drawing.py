"""Boxes on pictures, for people to look at. Draws; decides nothing."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from framebatch_client.errors import InvalidRequest

if TYPE_CHECKING:
    from framebatch_client.answer import Answer

__all__ = ["annotate"]

_COLOURS: Final = (
    (180, 119, 31),
    (14, 127, 255),
    (44, 160, 44),
    (40, 39, 214),
    (189, 103, 148),
    (75, 86, 140),
    (194, 119, 227),
    (34, 189, 188),
    (207, 190, 23),
)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_QUALITY: Final = 92


def annotate(picture: bytes, answer: Answer) -> bytes:
    """The picture with the answer's boxes, labels and scores drawn in, as JPEG.

    Args:
        picture: encoded, as it was sent.
        answer: to that picture; boxes in its pixels.

    Raises:
        InvalidRequest: the picture cannot be decoded.
    """
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InvalidRequest(f"the picture ({len(picture)} bytes) cannot be decoded, so nothing can be drawn on it")
    for detection in reversed(answer.detections):
        x1, y1, x2, y2 = (round(value) for value in detection.box)
        colour = _COLOURS[zlib.crc32(detection.label.encode()) % len(_COLOURS)]
        cv2.rectangle(pixels, (x1, y1), (x2, y2), colour, 2)
        text = f"{detection.label} {detection.score:.2f}"
        (width, height), below = cv2.getTextSize(text, _FONT, 0.45, 1)
        left = max(0, min(x1, pixels.shape[1] - width - 4))
        top = y1 - height - below - 2 if y1 > height + below + 2 else y2
        cv2.rectangle(pixels, (left, top), (left + width + 4, top + height + below + 2), colour, -1)
        cv2.putText(pixels, text, (left + 2, top + height + 1), _FONT, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))[1].tobytes()
