"""Video files, frame by frame and encoded as JPEG again. Real cameras belong to ``live``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from framebatch_client.errors import SourceError
from framebatch_client.sources.base import JPEG_QUALITY, Source, SourceFrame

if TYPE_CHECKING:
    from pathlib import Path


class VideoSource(Source):
    """Every frame of a file in order; its own frame rate is ignored, the caller's pace holds."""

    def __init__(self, path: Path, *, loop: bool) -> None:
        """Open the file; ``loop`` starts again at the end. Raises SourceError when it holds no readable video."""
        self._path = path
        self._loop = loop
        self._index = 0
        self._video = cv2.VideoCapture(str(path))
        if not self._video.isOpened():
            raise SourceError("neither a picture (JPEG, PNG, WebP, BMP) nor a video that can be read")

    def __repr__(self) -> str:
        """Show the file and how far."""
        return f"<VideoSource {self._path}, {self._index} given{', loops' if self._loop else ''}>"

    def __next__(self) -> SourceFrame:
        there, pixels = self._video.read()
        if not there and self._loop and self._index:
            self._video.release()
            self._video = cv2.VideoCapture(str(self._path))
            there, pixels = self._video.read()
        if not there:
            if self._index:
                raise StopIteration
            raise SourceError(f"the video {self._path} has no frame that can be read")
        _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
        frame = SourceFrame(data.tobytes(), None, self._index)
        self._index += 1
        return frame

    def close(self) -> None:
        """Close the file."""
        self._video.release()
