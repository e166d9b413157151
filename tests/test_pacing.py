"""Due times and pauses, with times passed in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch_client.errors import InvalidRequest
from framebatch_client.pacing import Pacer, backoff_seconds, next_frame_ms

MS = 1_000_000


def test_frames_are_due_at_even_times() -> None:
    """Due times follow from the start and the rate alone, without an error that adds up."""
    pacer = Pacer(fps=3, start_ns=5 * MS)
    due = []
    for _ in range(4):
        due.append(pacer.due_ns)
        pacer.sent(pacer.due_ns + 7)
    assert due == [5 * MS, 5 * MS + 333_333_333, 5 * MS + 666_666_667, 5 * MS + 1_000_000_000]


@pytest.mark.parametrize(("behind_ms", "late"), [(0, 0), (50, 0), (51, 1), (900, 1)])
def test_more_than_half_a_period_is_late(behind_ms: int, late: int) -> None:
    """At 10 fps, a frame that goes out more than 50 ms after its time counts as late."""
    assert Pacer(fps=10, start_ns=0).sent(behind_ms * MS) == late


def test_who_is_a_little_behind_catches_up() -> None:
    """Up to one second of delay does not move the plan."""
    pacer = Pacer(fps=10, start_ns=0)
    pacer.sent(1000 * MS)
    assert pacer.due_ns == 100 * MS


def test_a_long_stall_moves_the_plan_and_counts_what_it_swallowed() -> None:
    """After 2 s without sending at 10 fps, 20 frames are not sent in a burst: they are late, and the plan moves on."""
    pacer = Pacer(fps=10, start_ns=0)
    assert (pacer.sent(2050 * MS), pacer.due_ns) == (21, 2100 * MS)


@given(fps=st.floats(0.01, 10_000), delays=st.lists(st.integers(0, 5_000 * MS), max_size=50))
def test_the_plan_is_never_far_behind(fps: float, delays: list[int]) -> None:
    """Whatever the delays, the next frame is never due more than a second and a period before the last one went out."""
    pacer = Pacer(fps=fps, start_ns=0)
    now_ns = 0
    for delay_ns in delays:
        now_ns = max(now_ns, pacer.due_ns) + delay_ns
        pacer.sent(now_ns)
        assert now_ns - pacer.due_ns <= max(1000 * MS, 1e9 / fps) + 1e9 / fps


@pytest.mark.parametrize("fps", [0, -1, float("inf"), float("nan")])
def test_a_rate_must_be_a_positive_number(fps: float) -> None:
    """Any other rate is refused by name."""
    with pytest.raises(InvalidRequest, match="fps must be a number greater than 0"):
        Pacer(fps=fps, start_ns=0)


def test_the_hint_for_the_server_is_the_period() -> None:
    """Twenty-five frames a second are 40 ms apart."""
    assert next_frame_ms(25) == 40.0


def test_pauses_double_up_to_the_longest() -> None:
    """The pause starts at 0.1 s and doubles with each failure until 5 s."""
    pauses = [backoff_seconds(failures, chance=1.0, longest_seconds=5.0) for failures in range(1, 9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


@given(failures=st.integers(1, 10**9), chance=st.floats(0, 1))
def test_chance_spreads_the_pause_over_its_upper_half(failures: int, chance: float) -> None:
    """No pause is shorter than half of the full one or longer than it."""
    full = backoff_seconds(failures, chance=1.0, longest_seconds=5.0)
    assert full / 2 <= backoff_seconds(failures, chance=chance, longest_seconds=5.0) <= full <= 5.0


def test_a_pacer_shows_how_far_it_is() -> None:
    """The repr gives the rate, the count and the next due time."""
    pacer = Pacer(fps=10, start_ns=0)
    pacer.sent(0)
    assert repr(pacer) == "<Pacer 10 fps, 1 sent, next due at 100000000 ns>"
