"""Where a camera's pictures come from: files, videos, real cameras, or a simulated conveyor belt.

Choosing the kind of source from its text belongs here; each kind has its own file. Pacing and sending do not.
"""

from __future__ import annotations

from pathlib import Path

from framebatch_client.errors import SourceError
from framebatch_client.sources.base import Source, SourceFrame
from framebatch_client.sources.conveyor import ConveyorSource
from framebatch_client.sources.live import LiveSource
from framebatch_client.sources.pictures import PictureSource, is_picture
from framebatch_client.sources.video import VideoSource

__all__ = [
    "FORMS",
    "ConveyorSource",
    "LiveSource",
    "PictureSource",
    "Source",
    "SourceFrame",
    "VideoSource",
    "open_source",
]

FORMS = "a picture, a directory of pictures, a video file, rtsp://..., usb:N or sim:conveyor[?seed=N]"


def open_source(text: str, *, fps: float = 10.0, camera: str = "", loop: bool = True) -> Source:
    """Open what ``text`` names.

    Args:
        text: one of the forms of ``FORMS``.
        fps: pictures per second of the simulated belt, which moves in its own time; other sources ignore it.
        camera: id of the camera; cameras with different ids see different simulated belts.
        loop: whether a video starts again at its end; directories and single pictures always repeat.

    Returns:
        An iterator of ``SourceFrame``, to be closed after use.

    Raises:
        SourceError: it cannot be opened; the message names ``text`` and the accepted forms.
    """
    try:
        if text.startswith("sim:"):
            return ConveyorSource.parse(text, fps=fps, camera=camera)
        if text.startswith(("rtsp:", "rtsps:", "usb:")):
            return LiveSource.parse(text)
        if "://" in text:
            raise SourceError("this kind of address is not supported")  # noqa: TRY301 - worded once, below
        path = Path(text)
        if path.is_dir():
            return PictureSource.of_directory(path)
        if is_picture(path):
            return PictureSource((path,))
        return VideoSource(path, loop=loop)
    except (SourceError, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SourceError(f"source {text!r}: {reason} (accepted: {FORMS})") from error
