"""Short windows over counts that only grow, and samples of the last seconds. Pure: times are passed in.

Nothing is kept by frame but samples of durations. Counts are looked at once a second, and what lies between two looks
is their difference.
"""

from __future__ import annotations

from array import array
from collections import deque
from operator import sub
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.clock import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["LONG_NS", "SHORT_NS", "Counts", "Looks", "Samples"]

SHORT_NS: Final = 10 * SECOND_NS
LONG_NS: Final = 60 * SECOND_NS
KEPT: Final = 61
"""Looks, one a second: the long window."""
EARLY_NS: Final = SECOND_NS // 2
"""Looks come a little late, so a window may be longer by so much than it is called."""
ROWS_PER_SECOND: Final = 8192
ROWS: Final = 8192
"""Percentiles are taken of at most so many rows, picked evenly."""
SECONDS: Final = 10


class Looks:
    """When was looked at the counts: the time axis that all of them share. Invariant: times rise."""

    def __init__(self, now_ns: int) -> None:
        """Look for the first time."""
        self.times: deque[int] = deque((now_ns,), maxlen=KEPT)

    def __repr__(self) -> str:
        return f"Looks({len(self.times)}, last={self.times[-1]} ns)"

    def add(self, now_ns: int) -> None:
        """Look again."""
        self.times.append(now_ns)

    def back(self, window_ns: int, now_ns: int) -> int:
        """How many looks to go back for the longest stretch that is no longer than the window; at least 1. O(60)."""
        number = 1
        for number, time_ns in enumerate(reversed(self.times), 1):
            if time_ns < now_ns - window_ns - EARLY_NS:
                return max(1, number - 1)
        return number

    def elapsed_ns(self, back: int, now_ns: int) -> int:
        """From that many looks ago until now."""
        return now_ns - self.times[-min(back, len(self.times))]


class Counts:
    """Counts that only grow, and what they were at each look since they began. All rows have the same columns."""

    __slots__ = ("before",)

    def __init__(self, at_last_look: tuple[int, ...]) -> None:
        """Begin with what they were at the last look."""
        self.before: deque[tuple[int, ...]] = deque((at_last_look,), maxlen=KEPT)

    def __repr__(self) -> str:
        return f"Counts({self.before[-1]}, {len(self.before)} looks)"

    def look(self, now: tuple[int, ...]) -> None:
        """Remember what they are at this look."""
        self.before.append(now)

    def reach(self, back: int) -> int:
        """How many looks there are to go back to, at most `back`."""
        return min(back, len(self.before))

    def since(self, back: int, now: Sequence[int]) -> list[int]:
        """How much each has grown since so many looks ago, or since they began."""
        return list(map(sub, now, self.before[-min(back, len(self.before))]))


class Samples:
    """Rows of durations in nanoseconds, of the last ten seconds; at most `ROWS_PER_SECOND` of each second."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._now: array[int] = array("q")
        self._past: deque[array[int]] = deque(maxlen=SECONDS)

    def __repr__(self) -> str:
        return f"Samples({sum(map(len, (*self._past, self._now))) // self._columns} rows)"

    def add(self, row: tuple[int, ...]) -> None:
        """Keep a row, unless this second has too many. O(columns)."""
        now = self._now
        if len(now) < ROWS_PER_SECOND * self._columns:
            now.extend(row)

    def turn(self) -> None:
        """Another second begins."""
        self._past.append(self._now)
        self._now = array("q")

    def percentiles(self, *wanted: tuple[int, ...]) -> list[tuple[float, ...]] | None:
        """Of each column those that are wanted of it, in nanoseconds; None where there are no rows."""
        parts = [np.frombuffer(part, np.int64) for part in (*self._past, self._now) if part]
        if not parts:
            return None
        rows: npt.NDArray[np.int64] = np.concatenate(parts).reshape(-1, self._columns)
        rows = rows[:: -(-len(rows) // ROWS)]
        ordered = np.sort(rows, axis=0)
        last = len(ordered) - 1
        return [
            tuple(float(ordered[round(last * percent / 100), at]) for percent in percents)
            for at, percents in enumerate(wanted)
        ]
