"""How long it takes until a newcomer's pixels are there, learnt from the frames before it. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from framebatch.scheduling.smoothed import Smoothed

__all__ = ["Preparing"]

KEPT: Final = 8
"""Of the last frames the quickest one tells what a newcomer may hope for."""


class Preparing:
    """From arrival to being ready, waiting for a decoder included.

    Two estimates, because two mistakes are possible. While frames wait for a decoder, one that is let in and comes too late has cost
    others their decoder: the estimate is cautious. While none waits, a decoder costs nothing, and a caution that was learnt
    in a disturbance would turn away frames that now are quick: the estimate is what was possible lately.
    """

    __slots__ = ("_last_ns", "_usual")

    def __init__(self, start_ns: float) -> None:
        """Begin with a guess in nanoseconds."""
        self._usual = Smoothed(start_ns)
        self._last_ns: deque[int] = deque(maxlen=KEPT)

    def __repr__(self) -> str:
        return f"Preparing({self._usual!r}, quickest={min(self._last_ns, default=0)} ns)"

    @property
    def mean_ns(self) -> float:
        """What it takes in the mean."""
        return self._usual.mean_ns

    def observe(self, duration_ns: int) -> None:
        """Learn from a frame."""
        self._usual.observe(duration_ns)
        self._last_ns.append(duration_ns)

    def expected_ns(self, *, queued: int) -> int:
        """For a frame that arrives while so many wait for a decoder."""
        cautious_ns = self._usual.cautious_ns
        return cautious_ns if queued else min((cautious_ns, *self._last_ns))
