"""Who is served when not all can be: by class, and within a class who was served least lately. Pure.

The drop window decides how many frames run; this decides which, among those that could be in the batch. By deadline
alone it is always the same ones that are lost: cameras and batches fall into step, and a camera whose frames come at
the wrong moment of each round is never served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.frame import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

__all__ = ["Priority", "Shares"]

GAIN: Final = 1 / 256
"""Of one frame in a camera's share: about the last 256 frames count."""
NEED: Final = 16.0
"""How much more a frame is worth whose camera was not served at all."""
MOST_CRITICAL: Final = 0.5
"""Of the frames: where more are critical, nobody is."""
CRITICAL_LOAD: Final = 0.8
"""Of the device, likewise: beyond this not even the critical frames could all be in the next batch."""
MOST_CAMERAS: Final = 4096
"""More are not remembered, however many names are sent."""
NOBODY: Final[frozenset[str]] = frozenset()


class Shares:
    """Each camera's class, and the share of its frames that was served lately.

    All operations on one frame are O(1).

    Attributes:
        critical_share: how many of the last frames were from critical cameras, 0 to 1.
        load: of all frames, as a share of what the device can do; set by who knows it.
    """

    def __init__(self) -> None:
        self.critical_share = 0.0
        self.load = 0.0
        self._classes: dict[str, Priority] = {}
        self._critical: set[str] = set()
        self._shares: dict[str, float] = {}
        self._total = 0.0
        self._frames = 0

    def __repr__(self) -> str:
        return f"Shares({len(self._shares)} cameras, {len(self._critical)} critical)"

    @property
    def critical(self) -> AbstractSet[str]:
        """Cameras of that class. None while most frames are critical, or more than the device could serve at once."""
        return self._critical if self._few else NOBODY

    @property
    def _few(self) -> bool:
        share = self.critical_share
        return share <= MOST_CRITICAL and share * self.load <= CRITICAL_LOAD

    def classify(self, camera: str, priority: Priority) -> None:
        """From now on the camera is of this class; all are normal until they are told otherwise."""
        self._classes.pop(camera, None)
        self._critical.discard(camera)
        if priority is Priority.NORMAL:
            return
        if len(self._classes) >= MOST_CAMERAS:
            self.classify(next(iter(self._classes)), Priority.NORMAL)
        self._classes[camera] = priority
        if priority is Priority.CRITICAL:
            self._critical.add(camera)

    @property
    def mixed(self) -> bool:
        """Whether cameras are of different classes; where all are of the same, whatever it is, nothing follows from it."""
        named = len(self._classes)
        alike = named >= len(self._shares) and len(self._critical) in (0, named)
        return named > 0 and not alike

    def priority(self, camera: str) -> Priority:
        """The class by which the camera is served."""
        priority = self._classes.get(camera, Priority.NORMAL)
        return Priority.NORMAL if priority is Priority.CRITICAL and not self._few else priority

    def share(self, camera: str) -> float:
        """Of its last frames, how many were served; 1 before there was any."""
        return self._shares.get(camera, 1.0)

    def came(self, camera: str) -> None:
        """A frame wants to be served; whether it will be is not known, so it counts as not served for now."""
        share = self._shares.pop(camera, None)
        if share is None:
            self._total += 1.0
            share = 1.0
            if len(self._shares) >= MOST_CAMERAS:
                first = next(iter(self._shares))
                self._total -= self._shares.pop(first)
        less = GAIN * share
        self._shares[camera] = share - less
        self._total -= less
        if self._critical:
            self._frames += 1
            self.critical_share += max(GAIN, 1 / self._frames) * ((camera in self._critical) - self.critical_share)

    def served(self, camera: str) -> None:
        """A frame was taken into a batch."""
        if camera in self._shares:
            self._shares[camera] += GAIN
            self._total += GAIN

    @property
    def mean(self) -> float:
        """Of all cameras' shares; 1 before there was any."""
        return self._total / len(self._shares) if self._shares else 1.0

    def weight(self, camera: str) -> float:
        """What a frame of it is worth: 1, and up to 16 more the less it was served lately compared with the others."""
        mean = self.mean
        return 1.0 + NEED * max(0.0, 1.0 - self.share(camera) / mean) if mean > 0 else 1.0

    def choose(self, cameras: Sequence[str], count: int) -> tuple[int, ...]:
        """Which `count` of these frames to serve: their positions, ascending; of equals the first. O(n log n)."""
        shares = [self._shares.get(camera, 1.0) for camera in cameras]
        order = sorted(range(len(shares)), key=shares.__getitem__)
        if self._classes:
            classes = [self.priority(camera) for camera in cameras]
            order.sort(key=classes.__getitem__)
        return tuple(sorted(order[:count]))
