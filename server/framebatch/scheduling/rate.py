"""How many frames a second one camera may send: a token bucket for each camera. Pure.

In the form of the generic cell rate algorithm (ITU-T I.371): of each camera one number is kept, the time at which its bucket
will be full again. So a frame costs one look-up, and nothing runs by the clock.
"""

from __future__ import annotations

from typing import Final

from framebatch.clock import SECOND_NS

__all__ = ["CameraRate"]

MOST_CAMERAS: Final = 4096
"""More are not remembered, however many names are sent."""
BURST_SECONDS: Final = 1
"""A camera that was silent may send so much of its rate at once: what a broken network had held back comes together."""


class CameraRate:
    """A limit for every camera by its name, over all of its streams and calls. O(1) for each frame.

    Invariant: of at most `MOST_CAMERAS` cameras something is known. One that is forgotten begins with a full bucket.
    """

    def __init__(self, fps: int) -> None:
        """Allow `fps` frames a second, and as many at once; above 0."""
        if fps <= 0:
            raise ValueError(f"fps is {fps}; it must be above 0")
        self.fps = fps
        self._interval_ns = SECOND_NS // fps
        self._burst_ns = BURST_SECONDS * SECOND_NS - self._interval_ns
        self._full_ns: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"CameraRate({self.fps} frames/s, cameras={len(self._full_ns)})"

    def take(self, camera: str, now_ns: int) -> bool:
        """Whether a frame that arrives now is within the camera's limit; if so, it counts."""
        try:
            full_ns = self._full_ns[camera]
        except KeyError:
            if len(self._full_ns) >= MOST_CAMERAS:
                del self._full_ns[next(iter(self._full_ns))]
            full_ns = now_ns
        if full_ns > now_ns:
            if full_ns - now_ns > self._burst_ns:
                return False
        else:
            full_ns = now_ns
        self._full_ns[camera] = full_ns + self._interval_ns
        return True
