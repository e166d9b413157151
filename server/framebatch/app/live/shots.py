"""A camera's picture with its boxes, as the page gets it: made in threads, a few at a time, once for all who ask.

A JPEG that is small enough goes out as it was received; everything else is drawn smaller first. Boxes are in pixels of
the source picture, upright, whatever the size of what is sent.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from framebatch.clock import SECOND_NS
from framebatch.detection.headers import parse_file_header
from framebatch.detection.imaging import preview
from framebatch.errors import InvalidFrame
from framebatch.frame import RawPicture

if TYPE_CHECKING:
    from framebatch.app.live.pictures import Kept

__all__ = ["NOBODY", "Shots"]

AT_A_TIME: Final = 2
NOBODY: Final = "pictures are kept only while somebody looks at the page"
CACHE_BYTES: Final = 32 << 20
MAX_DETECTIONS: Final = 200


class _Size(NamedTuple):
    """How large a picture may be."""

    pixels: int
    """Of one that is drawn anew, wide and high."""
    received_pixels: int
    """Of a JPEG that goes out as it came, wide and high."""
    received_bytes: int


SMALL: Final = _Size(640, 1280, 256 << 10)
LARGE: Final = _Size(1920, 1920, 1 << 20)


class Shots:
    """Of all cameras, from `__init__` to `close`; on the event loop.

    Invariant: of each camera and size one shot at most is being made or kept.
    """

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._cache_bytes = cache_bytes
        self._threads = ThreadPoolExecutor(AT_A_TIME, "page")
        self._made: dict[tuple[str, bool], tuple[int, bytes]] = {}
        self._making: dict[tuple[str, bool], asyncio.Task[bytes]] = {}
        self._bytes = 0

    def __repr__(self) -> str:
        return f"Shots({len(self._made)} made, {self._bytes} bytes, {len(self._making)} being made)"

    async def get(self, kept: Kept, *, large: bool, now_ns: int) -> bytes:
        """The shot document of a picture, or of the one before it where that is still being made.

        Raises:
            InvalidFrame: the picture cannot be decoded, or no decoder has got through it before.
            LookupError: this was closed meanwhile.
        """
        key = (kept.camera, large)
        number, body = self._made.get(key, (0, b""))
        if number != kept.number:
            task = self._making.get(key)
            if task is None:
                task = self._making[key] = asyncio.create_task(self._make(key, kept))
            try:
                body = await asyncio.shield(task)
            except asyncio.CancelledError:
                if task.cancelled():
                    raise LookupError(NOBODY) from None
                raise
        age_seconds = max(0.0, (now_ns - kept.arrival_ns) / SECOND_NS)
        return b'{"age_seconds":%.2f,' % age_seconds + body[1:]

    def close(self) -> None:
        """Make no more; those who wait are told that there is none."""
        for task in self._making.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._made.clear()

    async def _make(self, key: tuple[str, bool], kept: Kept) -> bytes:
        try:
            body = await asyncio.get_running_loop().run_in_executor(
                self._threads, _shot, kept, LARGE if key[1] else SMALL
            )
        finally:
            del self._making[key]
        self._forget(key)
        self._made[key] = (kept.number, body)
        self._bytes += len(body)
        while self._bytes > self._cache_bytes:
            self._forget(next(iter(self._made)))
        return body

    def _forget(self, key: tuple[str, bool]) -> None:
        _, body = self._made.pop(key, (0, b""))
        self._bytes -= len(body)


def _shot(kept: Kept, size: _Size) -> bytes:
    """On a thread: everything but the age. A decoder may die of a picture, this process may not: it decodes what one got through."""
    if _goes_as_received(kept, size):
        jpeg = kept.picture.data
    elif kept.decoded:
        jpeg = preview(kept.picture, longest=size.pixels)
    else:
        raise InvalidFrame(f"the frame was answered {kept.outcome.value} before its picture was decoded")
    document = {
        "number": kept.number,
        "camera": kept.camera,
        "width": kept.header.width,
        "height": kept.header.height,
        "outcome": kept.outcome,
        "reason": kept.reason,
        "detections": _detections(kept),
    }
    picture = b',"picture":"data:image/jpeg;base64,' + b64encode(jpeg) + b'"}'
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()[:-1] + picture


def _goes_as_received(kept: Kept, size: _Size) -> bool:
    header = kept.header
    if isinstance(kept.picture, RawPicture) or header.format != "jpeg":
        return False
    small = max(header.width, header.height) <= size.received_pixels and kept.size <= size.received_bytes
    try:
        return small and parse_file_header(kept.picture.data).orientation == 1
    except InvalidFrame:
        return False


def _detections(kept: Kept) -> list[dict[str, Any]]:
    found, labels = kept.detections, kept.model.labels
    if found is None:
        return []
    best = slice(MAX_DETECTIONS)
    return [
        {
            "box": [round(corner, 1) for corner in box],
            "score": round(score, 3),
            "label": labels[class_id] if class_id < len(labels) else str(class_id),
            "class_id": class_id,
        }
        for box, score, class_id in zip(
            found.boxes[best].tolist(), found.scores[best].tolist(), found.class_ids[best].tolist(), strict=True
        )
    ]
