"""framebatch.planning.durations: how long something takes each time."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import dice

from framebatch.planning.durations import NOTHING, Durations, Fixed, Lognormal, Seen, SeenAt

kinds = st.one_of(
    st.builds(Fixed, st.integers(0, 10**9)),
    st.builds(Lognormal, st.floats(1, 1e9), st.floats(0, 3)),
    st.lists(st.integers(0, 10**9), min_size=1).map(lambda values: Seen(tuple(values))),
    st.lists(st.integers(0, 10**9), min_size=1).map(lambda values: SeenAt(tuple(range(len(values))), tuple(values))),
)


@given(kinds, st.integers(0, 10**12), st.integers())
def test_none_is_negative_and_a_seed_gives_the_same_again(durations: Durations, now_ns: int, seed: int) -> None:
    """Whatever the kind."""
    first, again = ([durations.draw(rng, now_ns) for _ in range(5)] for rng in (dice(seed), dice(seed)))
    assert first == again
    assert min(first) >= 0


def test_fixed_is_always_the_same() -> None:
    """And nothing is nothing."""
    assert (Fixed(7).draw(dice(1), 0), Fixed(7).mean_ns) == (7, 7)
    assert (NOTHING.draw(dice(1), 0), NOTHING.mean_ns) == (0, 0)


def test_lognormal_has_the_mean_and_the_variation_it_was_given() -> None:
    """Within 5 % over many draws."""
    rng = dice(1)
    drawn = [Lognormal(1e6, 0.5).draw(rng, 0) for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(1e6, rel=0.05)
    assert stdev(drawn) / fmean(drawn) == pytest.approx(0.5, rel=0.05)


def test_seen_gives_each_value_about_as_often() -> None:
    """And no other."""
    rng = dice(1)
    seen = Seen((10, 20, 30))
    drawn = [seen.draw(rng, 0) for _ in range(3000)]
    assert set(drawn) == {10, 20, 30}
    assert min(map(drawn.count, (10, 20, 30))) > 900
    assert seen.mean_ns == 20


@pytest.mark.parametrize(
    ("now_ns", "expected"), [(0, 1), (100, 1), (149, 1), (150, 1), (151, 2), (200, 2), (260, 3), (999, 3)]
)
def test_seen_at_gives_what_was_seen_nearest(now_ns: int, expected: int) -> None:
    """Before the first and after the last, these."""
    seen = SeenAt((100, 200, 300), (1, 2, 3))
    assert seen.draw(dice(1), now_ns) == expected
    assert seen.mean_ns == 2
