"""Refuses frames of cameras that send more than they may, on their way to whoever takes frames. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.frame import Outcome

if TYPE_CHECKING:
    from framebatch.edge.intake import Server
    from framebatch.frame import Frame
    from framebatch.scheduling.rate import CameraRate

__all__ = ["Paced"]


class Paced:
    """Somebody who takes frames, at a limited rate for each camera. A frame that names no camera has no limit here."""

    def __init__(self, server: Server, rate: CameraRate) -> None:
        self._server = server
        self._rate = rate
        self._reason = (
            f"its camera sent more than {rate.fps} frames a second over all of its streams; "
            "send fewer, or raise max_camera_fps on the server"
        )

    def __repr__(self) -> str:
        return f"Paced({self._server!r}, {self._rate!r})"

    def submit(self, frame: Frame) -> None:
        """Hand over; a frame above its camera's rate is answered REJECTED at once."""
        camera = frame.camera
        if not camera or self._rate.take(camera, frame.arrival_ns):
            self._server.submit(frame)
        else:
            self._server.refuse(frame, Outcome.REJECTED, self._reason)

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Hand over."""
        self._server.refuse(frame, outcome, reason)

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Hand over."""
        self._server.withdraw(frame, reason)
