"""framebatch.app.lag: how late an event loop is, told by a loop whose time stands still until it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from framebatch.app.lag import PERIOD_SECONDS, LoopLag

if TYPE_CHECKING:
    from collections.abc import Callable


class SetTimer(NamedTuple):
    """A callback that waits on a loop for its time."""

    loop: SetLoop
    when: float
    callback: Callable[[], None]

    def cancel(self) -> None:
        """Wait no more."""
        self.loop.timers.remove(self)


class SetLoop:
    """Its time is what was set; timers that are due are called by `come_to`, and not before."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[SetTimer] = []

    def time(self) -> float:
        """Answer what was set."""
        return self.now

    def call_at(self, when: float, callback: Callable[[], None], /) -> SetTimer:
        """Keep it."""
        self.timers.append(SetTimer(self, when, callback))
        return self.timers[-1]

    def come_to(self, now: float) -> None:
        """Set the time, then call what is due, each timer once."""
        self.now = now
        due = [timer for timer in self.timers if timer.when <= now]
        self.timers = [timer for timer in self.timers if timer.when > now]
        for timer in due:
            timer.callback()


def test_a_loop_that_is_in_time_has_no_lag() -> None:
    """Its timer comes when it was due, and again one period later."""
    loop = SetLoop()
    lag = LoopLag(loop)
    lag.start()
    for number in range(1, 4):
        loop.come_to(100.0 + number * PERIOD_SECONDS)
    assert lag.seen.counts[0] == 3
    assert lag.seen.total == pytest.approx(0)


def test_a_loop_that_stood_still_counts_once() -> None:
    """With all of the time that it came late; the next period begins then."""
    loop = SetLoop()
    lag = LoopLag(loop)
    lag.start()
    loop.come_to(100.0 + PERIOD_SECONDS + 3.0)
    loop.come_to(100.0 + PERIOD_SECONDS + 3.0)
    assert lag.seen.cumulative()[-2:] == [("5.0", 1), ("+Inf", 1)]
    assert lag.seen.total == pytest.approx(3.0)


def test_nothing_is_measured_after_the_stop() -> None:
    """Its timer is gone, and a second stop changes nothing; the repr says so."""
    loop = SetLoop()
    lag = LoopLag(loop)
    lag.start()
    assert repr(lag) == "LoopLag(measuring, Distribution(count=0, total=0))"
    lag.stop()
    lag.stop()
    assert loop.timers == []
    assert repr(lag) == "LoopLag(stopped, Distribution(count=0, total=0))"
