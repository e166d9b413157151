"""framebatch.device.threads: fewer threads are tried while they cost little, and the fewest that suffice are taken."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.device.threads import next_count, smallest_sufficient


def chosen(cores: int, speed: dict[int, float]) -> tuple[int, list[int]]:
    """Measure as told; answers the choice and what was measured."""
    rates = {cores: speed[cores]}
    while (count := next_count(rates)) is not None:
        rates[count] = speed[count]
    return smallest_sufficient(rates), list(rates)


@pytest.mark.parametrize(
    ("cores", "speed", "wanted", "measured"),
    [
        (1, {1: 10.0}, 1, [1]),
        (2, {2: 19.0, 1: 10.0}, 2, [2, 1]),
        (2, {2: 10.0, 1: 9.6}, 1, [2, 1]),
        (16, {16: 100.0, 8: 98.0, 4: 60.0}, 8, [16, 8, 4]),
        (16, {16: 40.0, 8: 80.0, 4: 100.0, 2: 96.0, 1: 50.0}, 2, [16, 8, 4, 2, 1]),
        (12, {12: 100.0, 8: 70.0}, 12, [12, 8]),
    ],
)
def test_the_fewest_threads_that_suffice(cores: int, speed: dict[int, float], wanted: int, measured: list[int]) -> None:
    """Within 5 % of the best, and no more is measured than needed."""
    assert chosen(cores, speed) == (wanted, measured)


@given(st.integers(1, 300))
def test_counts_fall_by_powers_of_two_to_one(cores: int) -> None:
    """Where threads do not matter at all, one is enough."""
    wanted, measured = chosen(cores, dict.fromkeys(range(1, cores + 1), 1.0))
    assert (wanted, measured[0], measured[-1]) == (1, cores, 1)
    assert all(few < many <= 2 * few for many, few in pairwise(measured))
