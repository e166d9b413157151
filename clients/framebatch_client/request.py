"""From what a caller has in hand (bytes, a path, an array, options) to a Frame on the wire.

Pure but for reading the file of a path: no connection, no clock. Both clients and the stream build their frames here, so
every complaint about a picture or an option is worded once. What can be put on the wire is not judged here: an empty
picture or a deadline of 0 goes to the server, whose answer says INVALID and why.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from framebatch_client.errors import InvalidRequest
from framebatch_proto.v1 import detector_pb2

Picture: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | np.ndarray[Any, np.dtype[np.uint8]]
"""An encoded picture as bytes, the path of one, or a uint8 array: (height, width, 3) BGR or (height, width) gray."""

Mode: TypeAlias = Literal["live", "inspect"]
Priority: TypeAlias = Literal["critical", "normal", "best-effort"]
Region: TypeAlias = tuple[int, int, int, int]

_MODES = {"live": detector_pb2.MODE_LIVE, "inspect": detector_pb2.MODE_INSPECT}
_PRIORITIES = {
    "critical": detector_pb2.PRIORITY_CRITICAL,
    "normal": detector_pb2.PRIORITY_UNSPECIFIED,  # read as normal, and takes no byte
    "best-effort": detector_pb2.PRIORITY_BEST_EFFORT,
}
_MAX_CAMERA_CHARACTERS = 128
_MAX_SEQUENCE = 2**64 - 1
_LONGEST_WAIT_SECONDS = 3600.0
_YEAR_5000_SECONDS = 95_617_584_000  # later than this, somebody passed milliseconds or nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOptions:
    """What the frames of one call or one stream have in common, checked once at construction.

    Args:
        camera: who takes the pictures, at most 128 characters.
        deadline_ms: budget of a frame in milliseconds from the server reading it; None: the server's default.
        mode: "live" (a newer frame supersedes a waiting one) or "inspect" (every frame is judged).
        region: x, y, width, height in source pixels to look at; None: the whole picture.
        model: name of the model; empty: the server's default.
        priority: "critical" (answered before all others; for few), "normal", or "best-effort" (lost first); the server's
            configuration may say otherwise.
        next_frame_ms: hint to the scheduler, milliseconds until the camera's next frame; None: no hint.

    Raises:
        InvalidRequest: an option is outside its range; the message names the option and its value.
    """

    camera: str = ""
    deadline_ms: float | None = None
    mode: Mode = "inspect"
    region: Region | None = None
    model: str = ""
    priority: Priority = "normal"
    next_frame_ms: float | None = None

    def __post_init__(self) -> None:
        if len(self.camera) > _MAX_CAMERA_CHARACTERS:
            raise InvalidRequest(f"camera must have at most 128 characters, has {len(self.camera)}: {self.camera!r}")
        if self.mode not in _MODES:
            raise InvalidRequest(f"mode must be 'live' or 'inspect', not {self.mode!r}")
        if self.priority not in _PRIORITIES:
            raise InvalidRequest(f"priority must be 'critical', 'normal' or 'best-effort', not {self.priority!r}")
        _check_hint(self.next_frame_ms)
        if self.region is not None:
            _check_region(self.region)

    @property
    def budget_seconds(self) -> float:
        """The deadline as a time to wait: 0 where it is none, or nonsense; at most an hour."""
        return min(_LONGEST_WAIT_SECONDS, max(0.0, (self.deadline_ms or 0.0) / 1000))

    def frame(
        self,
        picture: Picture,
        *,
        sequence: int,
        capture_time: float | None = None,
        next_frame_ms: float | None = None,
    ) -> detector_pb2.Frame:
        """Build the message for one picture.

        Args:
            picture: see ``Picture``. A path is read now, from disk; arrays are copied.
            sequence: 0 or more, echoed in the answer.
            capture_time: when the picture was taken, seconds since the Unix epoch (as ``time.time()`` gives).
            next_frame_ms: the hint of this frame; None: that of the options.

        Raises:
            InvalidRequest: the picture cannot be sent as it is, or a number is out of range.
        """
        if not 0 <= sequence <= _MAX_SEQUENCE:
            raise InvalidRequest(f"sequence must be between 0 and 2**64 - 1, not {sequence!r}")
        _check_hint(next_frame_ms)
        frame = detector_pb2.Frame(
            camera=self.camera,
            sequence=sequence,
            deadline_ms=self.deadline_ms,
            mode=_MODES[self.mode],
            next_frame_ms=self.next_frame_ms if next_frame_ms is None else next_frame_ms,
            model=self.model,
            priority=_PRIORITIES[self.priority],
        )
        if isinstance(picture, np.ndarray):
            frame.raw.CopyFrom(_raw(picture))
        else:
            frame.encoded = _encoded(picture)
        if self.region is not None:
            x, y, width, height = self.region
            frame.region.CopyFrom(detector_pb2.Region(x=x, y=y, width=width, height=height))
        if capture_time is not None:
            frame.capture_time_unix_ns = _unix_ns(capture_time)
        return frame


def _encoded(picture: object) -> bytes:
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return bytes(picture)
    if isinstance(picture, (str, os.PathLike)):
        try:
            return Path(picture).read_bytes()
        except (OSError, ValueError) as error:
            raise InvalidRequest(f"cannot read the picture {os.fspath(picture)!r}: {error}") from error
    raise InvalidRequest(
        f"a picture must be encoded bytes, a path or a uint8 array, not {type(picture).__name__} ({picture!r:.60})"
    )


def _raw(pixels: np.ndarray[Any, np.dtype[Any]]) -> detector_pb2.RawPicture:
    """Lay an array out for the wire: rows top to bottom, no padding."""
    if pixels.dtype != np.uint8:
        raise InvalidRequest(f"an array must hold uint8 samples, not {pixels.dtype}")
    if pixels.ndim == 2:  # noqa: PLR2004 - height and width
        layout = detector_pb2.PIXEL_LAYOUT_GRAY
    elif pixels.shape[2:] == (3,):
        layout = detector_pb2.PIXEL_LAYOUT_BGR
    else:
        raise InvalidRequest(f"an array must be (height, width, 3) BGR or (height, width) gray, not {pixels.shape}")
    if pixels.size == 0:
        raise InvalidRequest(f"an array needs at least one pixel, its shape is {pixels.shape}")
    height, width = pixels.shape[:2]
    return detector_pb2.RawPicture(width=width, height=height, layout=layout, pixels=pixels.tobytes())


def _check_hint(next_frame_ms: float | None) -> None:
    if next_frame_ms is not None and not (next_frame_ms > 0 and math.isfinite(next_frame_ms)):
        raise InvalidRequest(f"next_frame_ms must be a number of milliseconds greater than 0, not {next_frame_ms!r}")


def _check_region(region: Region) -> None:
    parts: tuple[object, ...] = tuple(region)
    valid = len(parts) == len(("x", "y", "width", "height")) and all(isinstance(part, int) for part in parts)
    if not valid or min(region) < 0 or region[2] < 1 or region[3] < 1 or max(region) >= 2**32:
        raise InvalidRequest(f"region must be whole pixels (x, y, width, height), width and height >= 1: {region!r}")


def _unix_ns(seconds: float) -> int:
    if not 0 <= seconds < _YEAR_5000_SECONDS:
        raise InvalidRequest(f"capture_time must be in seconds since the Unix epoch, not {seconds!r}")
    return int(seconds * 1e9)
