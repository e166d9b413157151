"""Which frames are traced: a share of all, and of those that went wrong or were asked for as many as fit into a second. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS
from framebatch.frame import MISSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.frame import Frame

__all__ = ["MOST_EXTRA", "Sampler"]

MOST_EXTRA: Final = 50
"""Frames a second that are traced beyond the share: under overload thousands are refused, and a few show why."""


class Sampler:
    """Decides for each answered frame, in the order of their answers."""

    def __init__(self, share: float, *, draw: Callable[[], float]) -> None:
        """Trace nothing yet.

        Args:
            share: of the frames that carry no trace of their sender's.
            draw: an even distribution from 0 up to, not including, 1.
        """
        self._share = share
        self._draw = draw
        self._second_ns = 0
        self._extra = 0

    def __repr__(self) -> str:
        return f"Sampler(share={self._share:g}, extra={self._extra} in this second)"

    def wants(self, frame: Frame) -> bool:
        """Whether to trace it.

        A frame of its sender's trace is traced if the sender's part is, and not by the share: a trace is whole, or is not. What went
        wrong is traced either way.
        """
        parent = frame.trace_parent
        if parent is None and self._draw() < self._share:
            return True
        if frame.outcome not in MISSED and (parent is None or not parent.sampled):
            return False
        if frame.answered_ns >= self._second_ns + SECOND_NS:
            self._second_ns, self._extra = frame.answered_ns, 0
        self._extra += 1
        return self._extra <= MOST_EXTRA
