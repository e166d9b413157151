"""framebatch.calibration.sampling: what a series of timed batches tells of its median."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.calibration.sampling import effective_size, enough, median_interval, quantiles

if TYPE_CHECKING:
    import numpy.typing as npt

TIMES = st.lists(st.integers(1, 10**10), min_size=1, max_size=80)


def autocorrelated(chance: np.random.Generator, count: int, memory: float) -> npt.NDArray[np.float64]:
    """Answer standard normal values, each of which keeps a share of the one before."""
    values = chance.normal(size=count)
    for index in range(1, count):
        values[index] = memory * values[index - 1] + math.sqrt(1 - memory**2) * values[index]
    return values


def covered(count: int, *, memory: float, runs: int = 400) -> float:
    """Answer how often the interval of so many times holds their true median, 1 s."""
    chance = np.random.default_rng(7)
    hits = 0
    for _ in range(runs):
        times = np.rint(1e9 * np.exp(0.1 * autocorrelated(chance, count, memory))).astype(np.int64).tolist()
        low, high = median_interval(times)
        hits += low <= 10**9 <= high
    return hits / runs


@pytest.mark.parametrize("count", [8, 30, 200])
def test_the_interval_holds_the_median_of_independent_times(count: int) -> None:
    """In at least 95 % of cases, less what chance makes of 400 runs."""
    assert covered(count, memory=0.0) >= 0.93


def test_the_interval_holds_the_median_of_times_that_hang_together() -> None:
    """A host that stays slow for some batches widens the interval, so that it keeps what it promises: nearly 95 %."""
    assert covered(300, memory=0.8) >= 0.90


def test_without_dependence_the_ranks_are_the_binomial_ones() -> None:
    """Of 100 times whose order alternates, the 40th and the 61st are answered, as tables of the binomial say."""
    times = [value for pair in zip(range(1, 51), range(100, 50, -1), strict=True) for value in pair]
    assert effective_size(times) == 100
    assert median_interval(times) == (40, 61)


def test_few_times_give_all_there_is() -> None:
    """With fewer than six no interval can be that sure, and the smallest and largest are answered."""
    assert median_interval([5]) == (5, 5)
    assert median_interval([9, 2, 7]) == (2, 9)


def test_no_times_have_no_median() -> None:
    """An empty series is refused."""
    with pytest.raises(ValueError, match="no samples"):
        median_interval([])


@given(TIMES)
def test_the_interval_lies_around_the_sample_median(times: list[int]) -> None:
    """Both ends are samples, and the median lies between them."""
    low, high = median_interval(times)
    assert low in times
    assert high in times
    assert low <= statistics.median(times) <= high


@given(TIMES, st.floats(0.5, 0.9), st.floats(0.9, 0.999))
def test_more_confidence_takes_a_wider_interval(times: list[int], less: float, more: float) -> None:
    """Each interval lies within that of a higher confidence."""
    narrow, wide = median_interval(times, less), median_interval(times, more)
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_a_series_with_slow_patches_is_worth_less() -> None:
    """Times that come in runs of 20 count for far fewer than there are; the same times shuffled for nearly all."""
    chance = np.random.default_rng(3)
    patches = [1000 + 100 * int(level) + index % 7 for level in chance.integers(0, 2, 50) for index in range(20)]
    assert effective_size(patches) < 150
    assert effective_size(chance.permutation(patches).tolist()) > 600


@given(st.lists(st.integers(0, 5), max_size=60))
def test_a_series_is_worth_at_most_its_length(values: list[int]) -> None:
    """And at least something, when there is something."""
    assert 0 <= effective_size(values) <= len(values)
    assert effective_size(values) > 0 or not values


def test_two_hundred_steady_times_are_enough() -> None:
    """One fewer is not, nor are two hundred whose median is not known to 1 %."""
    steady = [1000 + index % 3 for index in range(200)]
    assert enough(steady)
    assert not enough(steady[1:])
    assert not enough([1000 + 300 * (index % 2) for index in range(200)])


def test_quantiles_are_linear_between_order_statistics() -> None:
    """Definition 7 of Hyndman & Fan: of 0, 10, 20, 30 the tenth percentile is 3, the median 15."""
    assert quantiles([30, 0, 20, 10], (0.0, 0.1, 0.5, 1.0)) == pytest.approx((0.0, 3.0, 15.0, 30.0))
