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

    Invariant: no more pictures are in work than there are decoders.

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

    @property
    def queued(self) -> int:
        """Frames that wait for one."""
        return len(self._queue)

    def put(self, frame: SimulatedFrame) -> None:
        """It waits for one."""
        heappush(self._queue, (frame.deadline_ns, next(self._tie), frame))

    def late(self, now_ns: int) -> SimulatedFrame | None:
        """The next frame that waits and is no use decoding any more; it leaves. None: there is no such.

        Frames that have their outcome already leave silently.
        """
        queue = self._queue
        while queue and (queue[0][2].outcome is not None or queue[0][2].decode_by_ns < now_ns):
            frame = heappop(queue)[2]
            if frame.outcome is None:
                return frame
        return None

    def begin(self, now_ns: int) -> tuple[SimulatedFrame, int] | None:
        """The next frame that one begins with now, and how long that takes; None: all work, or none waits.

        Ask for those that are `late` first.
        """
        if not self._idle or not self._queue:
            return None
        frame = heappop(self._queue)[2]
        self._idle -= 1
        duration_ns = self._durations.draw(self._rng, now_ns)
        self.busy_ns += duration_ns
        return frame, duration_ns

    def done(self) -> None:
        """One of them is idle again."""
        self._idle += 1
