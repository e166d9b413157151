"""framebatch.planning.stretch: how long a fleet is watched, and what came of its frames."""

from __future__ import annotations

import pytest
from planned import make_setting

from framebatch.clock import SECOND_NS
from framebatch.planning.fleet import Trigger
from framebatch.planning.stretch import FRAMES, FRAMES_OF_BURSTS, play, settles, stretch_of


def test_few_cameras_are_watched_longer_than_many() -> None:
    """About the same number of frames, but at least thirty periods and at most two hundred."""
    setting = make_setting()

    def periods(cameras: int) -> float:
        stretch = stretch_of(setting, cameras)
        return (stretch.until_ns - stretch.from_ns) / SECOND_NS * setting.fleet.fps

    assert (periods(1), periods(10), periods(500)) == (200, FRAMES / 10, 30)
    bursts = stretch_of(make_setting(trigger=Trigger.BURST), 40)
    assert (bursts.until_ns - bursts.from_ns) / SECOND_NS * 100 == FRAMES_OF_BURSTS / 40


def test_what_is_too_much_is_watched_until_the_queue_overflows() -> None:
    """A little too much takes long to show; of hardly too much nothing can be said."""
    setting = make_setting()  # 16 cameras at best
    assert stretch_of(setting, 16).from_ns < stretch_of(setting, 17).from_ns
    assert settles(setting, 16)
    assert settles(setting, 17)
    assert not settles(make_setting(deadline_ms=50_000, fps=1.0), 1_601)


def test_the_same_seed_plays_the_same() -> None:
    """And another one otherwise; all frames of the stretch are counted, those before are not."""
    setting = make_setting()
    first, again, other = play(setting, 5, 1), play(setting, 5, 1), play(setting, 5, 2)
    assert first == again
    assert first != other
    assert first.figures.sent == pytest.approx(FRAMES, abs=6)
    assert first.sizes.total() == pytest.approx(FRAMES, abs=20)
    assert len(first.latencies_ns) == first.figures.good
    assert play(make_setting(seed=1), 5, 1) != first
