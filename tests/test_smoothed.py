"""framebatch.scheduling.smoothed: a running mean and a cautious value above it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.scheduling import Smoothed


def test_it_begins_at_the_first_guess_and_is_cautious() -> None:
    """A quarter of the guess is taken for the deviation, and two deviations are added."""
    value = Smoothed(100)
    assert (value.mean_ns, value.cautious_ns) == (100, 150)


def test_it_follows_what_it_observes() -> None:
    """One tenth of the way with each value, in the mean and in the deviation."""
    value = Smoothed(100)
    value.observe(200)
    assert value.mean_ns == 110
    assert value.deviation_ns == 32.5
    assert value.cautious_ns == 175


@given(st.integers(1, 10**10), st.integers(0, 10**10))
def test_a_steady_duration_is_learnt(start_ns: int, value_ns: int) -> None:
    """After many equal values the mean is that value and the caution is gone."""
    value = Smoothed(start_ns)
    for _ in range(400):
        value.observe(value_ns)
    assert value.mean_ns == pytest.approx(value_ns, rel=1e-6, abs=1)
    assert value.cautious_ns == pytest.approx(value_ns, rel=1e-6, abs=1)


def test_it_shows_its_state() -> None:
    """The repr names mean and deviation."""
    assert repr(Smoothed(100)) == "Smoothed(mean=100 ns, deviation=25 ns)"
