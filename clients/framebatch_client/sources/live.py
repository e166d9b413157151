"""Real cameras, by USB or RTSP: only the newest picture counts, so a thread keeps reading and drops the rest."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

import cv2

from framebatch_client.errors import ClientClosed, SourceError
from framebatch_client.sources.base import JPEG_QUALITY, Source, SourceFrame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SILENCE_SECONDS = 10.0


class LiveSource(Source):
    """The newest picture of a camera, never the same one twice.

    Owns one thread, which reads the device; it shares only ``_newest`` and ``_error``, guarded by ``_changed``.
    """

    live: ClassVar[bool] = True

    def __init__(self, video: cv2.VideoCapture, *, name: str) -> None:
        """Take over an opened capture; raises SourceError when it is not open."""
        if not video.isOpened():
            raise SourceError("the camera cannot be opened")
        self._video = video
        self._name = name
        self._index = 0
        self._newest: npt.NDArray[np.uint8] | None = None
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name=f"framebatch camera {name}", daemon=True)
        self._reader.start()

    @classmethod
    def parse(cls, text: str) -> LiveSource:
        """Open ``usb:N`` or ``rtsp://...``."""
        if not text.startswith("usb:"):
            return cls(cv2.VideoCapture(text), name=text)
        number = text.removeprefix("usb:")
        if not (number.isascii() and number.isdigit()):
            raise SourceError("usb: needs the number of the camera, for example usb:0")
        return cls(cv2.VideoCapture(int(number)), name=text)

    def __repr__(self) -> str:
        """Show the camera, how far, and whether it has ended."""
        return f"<LiveSource {self._name}, {self._index} given{f', {self._error}' if self._error else ''}>"

    def __next__(self) -> SourceFrame:
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._error is not None, _SILENCE_SECONDS)
            if self._newest is None:
                raise self._error or SourceError(f"{self._name}: no picture for {_SILENCE_SECONDS:g} s")
            pixels, self._newest = self._newest, None
        _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
        frame = SourceFrame(data.tobytes(), None, self._index)
        self._index += 1
        return frame

    def close(self) -> None:
        """Stop reading and let go of the camera."""
        self._end(ClientClosed(f"{self._name} is closed"))
        self._reader.join(_SILENCE_SECONDS)

    def _read(self) -> None:
        while self._error is None:
            there, pixels = self._video.read()
            if not there:
                self._end(SourceError(f"{self._name}: the camera gives no more pictures"))
                break
            self._offer(pixels)
        self._video.release()

    def _offer(self, pixels: Any) -> None:
        with self._changed:
            self._newest = pixels
            self._changed.notify_all()

    def _end(self, error: Exception) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
