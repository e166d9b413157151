"""How late the event loop is: a timer that looks when it is really called. Measures; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from framebatch.metrics import Distribution

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PERIOD_SECONDS", "LoopLag"]

PERIOD_SECONDS: Final = 0.1
BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Do not call."""


class Loop(Protocol):
    """What is needed of an event loop; asyncio's are such."""

    def time(self) -> float:
        """Seconds by the loop's clock."""

    def call_at(self, when: float, callback: Callable[[], None], /) -> Timer:
        """Call it at that time or later, once."""


class LoopLag:
    """Of one event loop, from `start` to `stop`. A loop that stood still counts once, with all of the time it stood.

    Attributes:
        seen: how late the timer was, in seconds.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._due = 0.0
        self._timer: Timer | None = None
        self.seen = Distribution(BOUNDS)

    def __repr__(self) -> str:
        return f"LoopLag({'measuring' if self._timer else 'stopped'}, {self.seen!r})"

    def start(self) -> None:
        """Measure every `PERIOD_SECONDS`."""
        self._due = self._loop.time() + PERIOD_SECONDS
        self._timer = self._loop.call_at(self._due, self._look)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self.seen.observe(max(0.0, self._loop.time() - self._due))
        self.start()
