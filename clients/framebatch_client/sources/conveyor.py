"""The simulated camera over a conveyor belt: pictures with their exact truth, encoded as a camera would."""

from __future__ import annotations

import zlib
from urllib.parse import parse_qsl

import cv2

from framebatch_client.errors import SourceError
from framebatch_client.sources.base import JPEG_QUALITY, Source, SourceFrame
from framebatch_models.conveyor import Conveyor

UNSEEN_SEEDS = 10_000_000
"""The bundled detector was trained on seeds from here on (models/README.md); cameras take theirs from below."""


class ConveyorSource(Source):
    """A belt that never ends, the same for the same seed."""

    def __init__(self, *, seed: int, width: int = 640, height: int = 480, fps: float = 10.0) -> None:
        """Set up the belt; pixels of the pictures in ``width`` x ``height``, ``fps`` pictures per second of belt time.

        Raises:
            ValueError: the simulation does not take these numbers.
        """
        self._belt = Conveyor(seed, width=width, height=height, fps=fps)
        self._name = f"seed {seed}, {width} x {height} at {fps:g} fps"
        self._index = 0

    @classmethod
    def parse(cls, text: str, *, fps: float, camera: str) -> ConveyorSource:
        """Read ``sim:conveyor[?seed=N&width=W&height=H]``; the seed comes from the camera's id when it is not given."""
        name, _, query = text.removeprefix("sim:").partition("?")
        if name != "conveyor":
            raise SourceError("the only simulation is sim:conveyor")
        numbers = {"seed": zlib.crc32(camera.encode()) % UNSEEN_SEEDS}
        for key, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
            if key not in {"seed", "width", "height"} or not (value.isascii() and value.isdigit()):
                raise SourceError(f"{key}={value} must be seed, width or height with a whole number")
            numbers[key] = int(value)
        return cls(**numbers, fps=fps)

    def __repr__(self) -> str:
        """Show which belt and how far."""
        return f"<ConveyorSource {self._name}, {self._index} given>"

    def __next__(self) -> SourceFrame:
        scene = self._belt.frame(self._index)
        _, data = cv2.imencode(".jpg", scene.pixels, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
        frame = SourceFrame(data.tobytes(), scene.truth, self._index)
        self._index += 1
        return frame
