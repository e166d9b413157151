"""framebatch.planning.nearby: sizes beside the largest, and the rate at which a number is carried."""

from __future__ import annotations

from dataclasses import replace

from planned import make_setting

from framebatch.planning.capacity import Bench
from framebatch.planning.nearby import largest_fps, near


def test_the_largest_is_among_its_neighbours() -> None:
    """With what was asked for, rising, and more of them for a picture."""
    setting = make_setting(fps=10.0)
    sizes = near(setting, 100, 37)
    assert sizes == sorted(set(sizes))
    assert {37, 50, 99, 100, 101} <= set(sizes)
    assert len(near(setting, 100, finely=True)) > len(sizes)
    assert near(setting, 0) == []


def test_sizes_of_which_a_simulation_says_nothing_are_left_out() -> None:
    """Hardly more than the device does at its best: the queue grows for hours."""
    setting = make_setting(fps=10.0, deadline_ms=20_000.0)
    assert setting.limit == 160
    assert 161 not in near(setting, 160)


def test_too_many_cameras_are_carried_at_a_lower_rate() -> None:
    """It is at most what the device does at its best, and the fleet fits."""
    setting = make_setting()
    fps = largest_fps(setting, 30)
    assert 30 < fps <= 1_600 / 30
    assert Bench(setting=replace(setting, fleet=replace(setting.fleet, fps=fps))).evidence(30).fits
