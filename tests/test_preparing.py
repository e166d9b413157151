"""framebatch.scheduling.preparing: cautious while frames wait for a decoder, hopeful while none does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framebatch.scheduling import Preparing, Smoothed


def test_it_begins_with_a_guess() -> None:
    """And the guess's caution, whether frames wait or not."""
    preparing = Preparing(100)
    assert (preparing.expected_ns(queued=0), preparing.expected_ns(queued=3), preparing.mean_ns) == (150, 150, 100)
    assert repr(preparing) == "Preparing(Smoothed(mean=100 ns, deviation=25 ns), quickest=0 ns)"


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_while_frames_wait_it_is_what_a_cautious_mean_says(durations_ns: list[int]) -> None:
    """One that comes too late has cost others their decoder."""
    preparing, usual = Preparing(2_000_000), Smoothed(2_000_000)
    for duration_ns in durations_ns:
        preparing.observe(duration_ns)
        usual.observe(duration_ns)
    assert preparing.expected_ns(queued=1) == usual.cautious_ns
    assert preparing.expected_ns(queued=0) == min(usual.cautious_ns, *durations_ns[-8:])
    assert preparing.mean_ns == usual.mean_ns


def test_a_disturbance_is_forgotten_with_the_first_quick_frame() -> None:
    """Sixty frames that a stalled decoder made late keep nobody away once none waits."""
    preparing = Preparing(2_000_000)
    for _ in range(60):
        preparing.observe(300_000_000)
    assert preparing.expected_ns(queued=0) == 300_000_000
    preparing.observe(3_000_000)
    assert preparing.expected_ns(queued=0) == 3_000_000
    assert preparing.expected_ns(queued=1) > 200_000_000
