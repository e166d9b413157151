"""Decoders of a simulation: so many, each with one picture at a time, the most urgent one first."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from framebatch.planning.durations import Durations
    from framebatch.planning.fleet import SimulatedFrame

__all__ = ["Decoders"]


class Decoders:
    """Frames between their arrival and their pixels being there.

    Attributes:
        busy_ns: what all of them worked so far, together.
    """

    def __init__(self, number: int, durations: Durations, rng: random.Random) -> None:
        """Stand idle; `number` 0: there are as many as wanted."""
        self.busy_ns = 0
        self._idle = number or (1 << 30)
        self._durations = durations
        self._rng = rng
        self._queue: list[tuple[int, int, SimulatedFrame]] = []
        self._tie = count()

    def __repr__(self) -> str:
        return f"Decoders(idle={self._idle}, waiting={len(self._queue)})"

    def put(self, frame: SimulatedFrame) -> None:
        """It waits for one."""
        heappush(self._queue, (frame.deadline_ns, next(self._tie), frame))

    def begin(self, now_ns: int) -> tuple[SimulatedFrame, int] | None:
        """The next frame that one begins with now, and when it will be done; None: all work, or none waits.

        A frame that is too late for decoding, or has its outcome already, takes no time; it is done at once.
        """
        if not self._idle or not self._queue:
            return None
        frame = heappop(self._queue)[2]
        self._idle -= 1
        if frame.outcome is not None or now_ns > frame.decode_by_ns:
            return frame, now_ns
        duration_ns = self._durations.draw(self._rng)
        self.busy_ns += duration_ns
        return frame, now_ns + duration_ns

    def done(self) -> None:
        """One of them is idle again."""
        self._idle += 1
