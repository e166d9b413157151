"""Who is served when not all can be: by class, and within a class who was served least lately. Pure.

The drop window decides how many frames run; this decides which, among those that could be in the batch. By deadline
alone it is always the same ones that are lost: cameras and batches fall into step, and a camera whose frames come at
the wrong moment of each round is never served.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Priority", "Shares"]

GAIN: Final = 1 / 256
"""Of one frame in a camera's share: about the last 256 frames count."""
NEED: Final = 16.0
"""How much more a frame is worth whose camera was not served at all."""
CLASS: Final = 1e3
"""More than any share."""


MOST_CAMERAS: Final = 4096
"""More are not remembered, however many names are sent."""


class Priority(IntEnum):
    """How much it matters that a camera's frames are answered; of two classes the lower number is served first."""

    CRITICAL = 0
    NORMAL = 1
    BEST_EFFORT = 2


class Shares:
    """Each camera's class, and the share of its frames that was served lately.

    All operations on one frame are O(1).

    Attributes:
        critical: cameras of that class.
    """

    def __init__(self) -> None:
        self.critical: set[str] = set()
        self._ranks: dict[str, float] = {}
        self._classes: dict[str, float] = {}
        self._total = 0.0

    def __repr__(self) -> str:
        return f"Shares({len(self._ranks)} cameras, {len(self.critical)} critical)"

    def classify(self, camera: str, priority: Priority) -> None:
        """From now on the camera is of this class; all are normal until they are told otherwise."""
        share = self.share(camera)
        self._classes[camera] = CLASS * priority
        if camera in self._ranks:
            self._ranks[camera] = share + CLASS * priority
        if priority is Priority.CRITICAL:
            self.critical.add(camera)
        else:
            self.critical.discard(camera)

    def share(self, camera: str) -> float:
        """Of its last frames, how many were served; 1 before there was any."""
        return self._rank(camera) - self._class(camera)

    def came(self, camera: str) -> None:
        """A frame is ready; whether it will be served is not known, so it counts as not served for now."""
        base = self._class(camera)
        rank = self._ranks.pop(camera, None)
        if rank is None:
            self._total += 1.0
            rank = base + 1.0
            if len(self._ranks) >= MOST_CAMERAS:
                first = next(iter(self._ranks))
                self._total -= self._ranks.pop(first) - self._class(first)
        less = GAIN * (rank - base)
        self._ranks[camera] = rank - less
        self._total -= less

    def served(self, camera: str) -> None:
        """A frame was taken into a batch."""
        if camera in self._ranks:
            self._ranks[camera] += GAIN
            self._total += GAIN

    def weight(self, camera: str) -> float:
        """What a frame of it is worth: 1, and up to 16 more the less it was served lately compared with the others."""
        mean = self._total / len(self._ranks) if self._ranks else 1.0
        return 1.0 + NEED * max(0.0, 1.0 - self.share(camera) / mean) if mean > 0 else 1.0

    def choose(self, cameras: Sequence[str], count: int) -> tuple[int, ...]:
        """Which `count` of these frames to serve: their positions, ascending; of equals the first. O(n log n)."""
        ranks = [self._rank(camera) for camera in cameras]
        return tuple(sorted(sorted(range(len(ranks)), key=ranks.__getitem__)[:count]))

    def _class(self, camera: str) -> float:
        return self._classes.get(camera, CLASS * Priority.NORMAL)

    def _rank(self, camera: str) -> float:
        rank = self._ranks.get(camera)
        return self._class(camera) + 1.0 if rank is None else rank
