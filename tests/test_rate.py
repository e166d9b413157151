"""framebatch.scheduling.rate: a token bucket for each camera."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.clock import SECOND_NS
from framebatch.scheduling.rate import MOST_CAMERAS, CameraRate


def test_a_camera_within_its_rate_is_never_limited() -> None:
    """Frames that come at exactly the rate, for ever so long."""
    rate = CameraRate(100)
    assert all(rate.take("press", number * SECOND_NS // 100) for number in range(1_000))


def test_a_burst_of_a_second_is_taken_and_no_more() -> None:
    """What a broken network held back comes at once; afterwards a frame for each period."""
    rate = CameraRate(100)
    assert [rate.take("press", 7) for _ in range(101)] == [True] * 100 + [False]
    later = 7 + SECOND_NS // 100
    assert [rate.take("press", later) for _ in range(2)] == [True, False]


def test_each_camera_has_its_own_limit() -> None:
    """One that sends too much takes nothing from another."""
    rate = CameraRate(1)
    assert [rate.take(camera, 0) for camera in ("press", "press", "belt")] == [True, False, True]


@given(st.integers(1, 1_000), st.lists(st.integers(0, SECOND_NS // 10), max_size=200))
def test_no_window_holds_more_than_rate_and_burst(fps: int, gaps: list[int]) -> None:
    """However frames are spread: in any time t at most fps * t + fps are taken, as of a token bucket."""
    rate = CameraRate(fps)
    now, taken = 0, []
    for gap in gaps:
        now += gap
        if rate.take("press", now):
            taken.append(now)
    interval_ns = SECOND_NS // fps
    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], first):
            assert last - first + 1 <= (end - begin) // interval_ns + fps + 1


def test_names_take_bounded_memory() -> None:
    """Whoever invents names makes the server forget the oldest, which begin anew."""
    rate = CameraRate(1)
    for number in range(MOST_CAMERAS + 1):
        assert rate.take(f"camera-{number}", 0)
    assert repr(rate) == f"CameraRate(1 frames/s, cameras={MOST_CAMERAS})"
    assert not rate.take("camera-1", 0)
    assert rate.take("camera-0", 0)


def test_a_rate_of_nothing_is_no_rate() -> None:
    """No limit is nobody who limits."""
    with pytest.raises(ValueError, match="fps is 0; it must be above 0"):
        CameraRate(0)
