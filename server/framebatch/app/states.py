"""When a state begins and when it ends, so that the log tells of it once each. Pure: looked at about once a second.

Entering and leaving have different thresholds, and a state must have shown for some looks in a row, so that what hovers
at a limit does not fill the log.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

__all__ = ["Change", "Misses", "Switch", "drifting", "overloaded"]

MISSES_LOOKS: Final = 30
LEAST_MISSES: Final = 3
MISSING_FROM: Final = 0.10
RECOVERED_AT: Final = 0.01
OVERLOAD_FROM, OVERLOAD_UNTIL = 1.0, 0.95
DRIFT_FROM, DRIFT_UNTIL = 1.25, 1.10


class Change(NamedTuple):
    """What a look has found."""

    began: bool
    ended: bool


_NONE: Final = Change(began=False, ended=False)
_BEGAN: Final = Change(began=True, ended=False)
_ENDED: Final = Change(began=False, ended=True)


class Switch:
    """A state that holds or does not; at first it does not.

    Invariant: of the changes that are told, the first is a beginning, and beginnings and ends alternate.
    """

    def __init__(self, *, looks_to_begin: int, looks_to_end: int) -> None:
        """So many looks in a row must speak for a change."""
        self.holds = False
        self._to_begin = looks_to_begin
        self._to_end = looks_to_end
        self._in_a_row = 0

    def __repr__(self) -> str:
        return f"Switch({'on' if self.holds else 'off'}, {self._in_a_row} looks for the other)"

    def look(self, *, enter: bool, leave: bool) -> Change:
        """Take in one look.

        Args:
            enter: speaks for the state to begin.
            leave: speaks for the state to end. Neither: it stays as it is.
        """
        self._in_a_row = self._in_a_row + 1 if (leave if self.holds else enter) else 0
        if self._in_a_row < (self._to_end if self.holds else self._to_begin):
            return _NONE
        self._in_a_row = 0
        self.holds = not self.holds
        return _BEGAN if self.holds else _ENDED


def overloaded() -> Switch:
    """Whether more is asked of the device than it carries: after 3 s, and no longer after 10 s."""
    return Switch(looks_to_begin=3, looks_to_end=10)


def drifting() -> Switch:
    """Whether batches take longer than was measured: after 5 s, and no longer after 10 s."""
    return Switch(looks_to_begin=5, looks_to_end=10)


class Misses:
    """Whether a camera's frames are missed: a tenth of its frames in the last 30 s, and 3 at least; until it is 1 %.

    Attributes:
        frames: of the last 30 looks.
        missed: of them.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.missed = 0
        self._counts: deque[tuple[int, int]] = deque(maxlen=MISSES_LOOKS + 1)
        self._switch = Switch(looks_to_begin=1, looks_to_end=1)

    def __repr__(self) -> str:
        return f"Misses({self.missed} of {self.frames}, {self._switch!r})"

    def look(self, frames: int, missed: int) -> Change:
        """Take in one look.

        Args:
            frames: that were answered so far.
            missed: of them.
        """
        if not self._counts:
            self._counts.append((0, 0))
        self._counts.append((frames, missed))
        first_frames, first_missed = self._counts[0]
        self.frames, self.missed = frames - first_frames, missed - first_missed
        return self._switch.look(
            enter=self.missed >= max(LEAST_MISSES, MISSING_FROM * self.frames),
            leave=self.frames > 0 and self.missed <= RECOVERED_AT * self.frames,
        )
