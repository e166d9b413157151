"""How often a message may be repeated. Pure: the time is passed in, nothing is written here.

A message has a window from its first appearance on. In it the first so many are written, the others are counted; when
the window ends, the count is due, and the next appearance begins a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from framebatch.clock import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["WINDOW_NS", "Repeats", "Withheld"]

T = TypeVar("T")

WINDOW_NS: Final = 60 * SECOND_NS
MOST_KEYS: Final = 1024
"""Messages that are told apart; where there are more, the one that began first is closed early."""


class Withheld(NamedTuple, Generic[T]):
    """What a window held back."""

    lines: int
    last: T


class _Window(Generic[T]):
    __slots__ = ("began_ns", "last", "seen", "withheld")

    def __init__(self, began_ns: int, last: T) -> None:
        self.began_ns = began_ns
        self.last = last
        self.seen = 0
        self.withheld = 0


class Repeats(Generic[T]):
    """Windows of all messages that were seen lately.

    Invariant: windows are in the order in which they began; a message that was not admitted is counted in exactly one `Withheld`.
    """

    def __init__(self) -> None:
        self._windows: dict[Hashable, _Window[T]] = {}
        self._closed: list[Withheld[T]] = []

    def __repr__(self) -> str:
        withheld = sum(window.withheld for window in self._windows.values())
        return f"Repeats({len(self._windows)} messages, {withheld} withheld)"

    @property
    def withholds(self) -> bool:
        """Whether there is something to be told once its window ends."""
        return any(window.withheld for window in self._windows.values())

    def admit(self, key: Hashable, message: T, *, limit: int, now_ns: int) -> bool:
        """Whether to write the message now; else it is counted.

        Args:
            key: of messages that are the same.
            message: kept as the last of its kind.
            limit: so many are written in one window.
            now_ns: the current time.
        """
        window = self._windows.get(key)
        if window is None or now_ns >= window.began_ns + WINDOW_NS:
            self._close(key)
            if len(self._windows) >= MOST_KEYS:
                self._close(next(iter(self._windows)))
            window = self._windows[key] = _Window(now_ns, message)
        window.seen += 1
        if window.seen <= limit:
            return True
        window.withheld += 1
        window.last = message
        return False

    def due(self, now_ns: int) -> list[Withheld[T]]:
        """What windows that have ended held back; told once."""
        while self._windows and now_ns >= next(iter(self._windows.values())).began_ns + WINDOW_NS:
            self._close(next(iter(self._windows)))
        closed, self._closed = self._closed, []
        return closed

    def all(self) -> list[Withheld[T]]:
        """What all windows held back, at the end."""
        for key in list(self._windows):
            self._close(key)
        closed, self._closed = self._closed, []
        return closed

    def _close(self, key: Hashable) -> None:
        window = self._windows.pop(key, None)
        if window is not None and window.withheld:
            self._closed.append(Withheld(window.withheld, window.last))
