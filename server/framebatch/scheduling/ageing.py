"""Whether a profile still tells the truth: does serving find other times than calibration did, and for long?

Only recognising that belongs here. Planning with what the device does now is `drift`'s business, telling people is the
server's. Time is passed in.
"""

from __future__ import annotations

from collections import deque
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS, ns_to_seconds

if TYPE_CHECKING:
    from framebatch.profile import LatencyTable

__all__ = ["CurveWatch"]

WINDOW: Final = 200
BEYOND: Final = log(1.15)
BACK: Final = log(1.10)
LASTING_NS: Final = 60 * SECOND_NS
GAIN: Final = 0.02
FEWEST: Final = 50
ERRORS: Final = 4.0
OUTLIER: Final = log(2.0)
IDLE_NS: Final = SECOND_NS // 10


class CurveWatch:
    """Watches the log ratios of service times to the table's, and tells when a recalibration is due, and why.

    The level: more than half of the last 200 batches took over 15 % more than the table says, or over 15 % less, and
    for a minute that was never undone. The shape: batches of one bucket took, in the mean and beside what all others
    took meanwhile, 15 % more or less, by more than 4 standard errors, for as long. What is due stays so until most
    batches, or that bucket's mean, are back within 10 %.

    Batches that begin a tenth of a second or more after the one before had finished are left aside: a device that has
    idled is slower at first, and calibrating again would not change that.

    Not thread-safe. `observe` takes constant time, a few microseconds.
    """

    def __init__(self, table: LatencyTable) -> None:
        self.table = table
        self._level = _Mean()
        self._shape = {bucket: _Mean() for bucket in table.buckets}
        self._lasting = {bucket: _Lasting() for bucket in table.buckets}
        self._slow = _Majority()
        self._quick = _Majority()
        self._now_ns = 0

    def __repr__(self) -> str:
        return f"CurveWatch(factor={self.factor:.3f}, batches={self._level.count}, due={self.due!r})"

    @property
    def factor(self) -> float:
        """Recent service times over the table's, in the geometric mean of about the last hundred batches."""
        return exp(self._level.value)

    @property
    def due(self) -> str:
        """Why a recalibration is due, a sentence; empty: none is."""
        for side in (self._slow, self._quick):
            if side.lasting.due:
                return (
                    f"For {self._seconds(side.lasting)} s batches have taken {self.factor:.2f} times what the profile "
                    "says."
                )
        worst = max(self._shape, key=lambda bucket: self._lasting[bucket].due * abs(self._shape[bucket].value))
        if not self._lasting[worst].due:
            return ""
        return (
            f"For {self._seconds(self._lasting[worst])} s batches of {worst} have taken "
            f"{exp(self._shape[worst].value):.2f} times what the profile says, beside those of other sizes."
        )

    def observe(self, frames: int, service_ns: int, now_ns: int) -> None:
        """Learn from a finished batch.

        Args:
            frames: of the batch, from 1 to the table's largest; padding does not matter.
            service_ns: how long the device took.
            now_ns: when it finished, on the server's clock.
        """
        idle_ns = now_ns - service_ns - self._now_ns
        first, self._now_ns = not self._now_ns, now_ns
        if first or idle_ns >= IDLE_NS:
            return
        bucket = self.table.bucket_for(frames)
        ratio = log(max(service_ns, 1) / self.table.by_size_ns[frames])
        self._slow.observe(ratio, now_ns)
        self._quick.observe(-ratio, now_ns)
        self._level.observe(ratio)
        shape = self._shape[bucket]
        shape.observe(ratio - self._level.value)
        away = abs(shape.value)
        departs = shape.count >= FEWEST and away > BEYOND and away > ERRORS * shape.error
        self._lasting[bucket].observe(now_ns, bad=departs, good=away < BACK)

    def _seconds(self, lasting: _Lasting) -> int:
        return round(ns_to_seconds(self._now_ns - lasting.since_ns))


class _Mean:
    """Exponentially weighted mean of values and its standard error; a plain mean at first, outliers cut off."""

    __slots__ = ("_variance", "count", "value")

    def __init__(self) -> None:
        self.count = 0
        self.value = 0.0
        self._variance = 0.0

    def observe(self, value: float) -> None:
        """Learn one."""
        self.count += 1
        gain = max(GAIN, 1 / self.count)
        error = max(-OUTLIER, min(OUTLIER, value - self.value))
        self.value += gain * error
        self._variance += gain * ((1 - gain) * error * error - self._variance)

    @property
    def error(self) -> float:
        """Of the mean, were the values independent."""
        return sqrt(self._variance * max(GAIN / (2 - GAIN), 1 / max(1, self.count)))


class _Lasting:
    """Whether something bad has lasted for a minute; it begins when bad, goes on in between, and ends when good."""

    __slots__ = ("_begun", "due", "since_ns")

    def __init__(self) -> None:
        self._begun = False
        self.since_ns = 0
        self.due = False

    def observe(self, now_ns: int, *, bad: bool, good: bool) -> None:
        """Learn how it is now; bad and good are never both true."""
        if good:
            self._begun = self.due = False
        elif bad:
            if not self._begun:
                self._begun, self.since_ns = True, now_ns
            self.due = self.due or now_ns - self.since_ns >= LASTING_NS


class _Majority:
    """Whether more than half of the last 200 ratios are beyond the threshold, and have been for long.

    Invariant: the counts are those of `_last`, which holds for each ratio whether it is beyond the threshold for
    beginning and beyond that for ending.
    """

    __slots__ = ("_beyond", "_last", "_near", "lasting")

    def __init__(self) -> None:
        self._last: deque[tuple[bool, bool]] = deque()
        self._beyond = 0
        self._near = 0
        self.lasting = _Lasting()

    def observe(self, ratio: float, now_ns: int) -> None:
        """Learn one log ratio."""
        self._count((ratio > BEYOND, ratio > BACK), 1)
        self._last.append((ratio > BEYOND, ratio > BACK))
        if len(self._last) > WINDOW:
            self._count(self._last.popleft(), -1)
        half = WINDOW // 2
        self.lasting.observe(now_ns, bad=self._beyond > half, good=self._near <= half)

    def _count(self, ratio: tuple[bool, bool], step: int) -> None:
        beyond, near = ratio
        self._beyond += step * beyond
        self._near += step * near
