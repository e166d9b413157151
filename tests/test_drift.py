"""framebatch.scheduling.drift: service times that follow what the device really does."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.profile import LatencyTable
from framebatch.scheduling import ServiceEstimate

MS = 1_000_000
TABLE = LatencyTable.linear(alpha_ns=2 * MS, beta_ns=MS, buckets=(1, 2, 4, 8))


def noisy(seed: int) -> random.Random:
    """Answer a source of lognormal factors: call its lognormvariate(0, spread)."""
    return random.Random(seed)  # noqa: S311 - a test needs no secrecy


def settled(seed: int = 1) -> ServiceEstimate:
    """Answer an estimate that has seen 200 batches with 5 % noise."""
    estimate, chance = ServiceEstimate(TABLE), noisy(seed)
    for number in range(200):
        size = number % 8 + 1
        estimate.observe(size, round(TABLE.by_size_ns[size] * chance.lognormvariate(0, 0.05)))
    return estimate


def test_before_anything_is_seen_the_table_holds() -> None:
    """All three estimates are the table's times, by number of frames."""
    estimate = ServiceEstimate(TABLE)
    assert estimate.low_ns == estimate.mid_ns == estimate.high_ns == list(TABLE.by_size_ns)
    assert estimate.factor == 1.0


def test_before_enough_is_seen_the_spread_of_the_profile_holds() -> None:
    """Low and high are the measured percentiles around the middle, until eight batches have told of this device."""
    estimate = ServiceEstimate(TABLE, spread=(0.9, 1.2))
    assert estimate.mid_ns == list(TABLE.by_size_ns)
    assert estimate.low_ns[4] == pytest.approx(0.9 * TABLE.by_size_ns[4])
    assert estimate.high_ns[4] == pytest.approx(1.2 * TABLE.by_size_ns[4])
    for _ in range(8):
        estimate.observe(4, TABLE.by_size_ns[4])
    assert estimate.low_ns == estimate.mid_ns == estimate.high_ns == list(TABLE.by_size_ns)


@pytest.mark.parametrize("spread", [(1.1, 1.2), (0.9, 0.95), (0.0, 1.0)])
def test_a_spread_lies_around_the_median(spread: tuple[float, float]) -> None:
    """One that does not is refused, with its value."""
    with pytest.raises(ValueError, match="spread is"):
        ServiceEstimate(TABLE, spread)


@pytest.mark.parametrize("seed", range(10))
def test_noise_alone_raises_no_alarm(seed: int) -> None:
    """With 5 % noise the factor stays near 1 and no change is seen."""
    estimate = settled(seed)
    assert estimate.changes == 0
    assert estimate.factor == pytest.approx(1.0, abs=0.05)


def test_noise_spreads_the_estimates() -> None:
    """Low and high are the tenth and ninetieth percentile around the middle."""
    estimate = settled()
    assert estimate.low_ns[8] == pytest.approx(estimate.mid_ns[8] * 0.94, rel=0.03)
    assert estimate.high_ns[8] == pytest.approx(estimate.mid_ns[8] * 1.06, rel=0.03)


@pytest.mark.parametrize("step", [1.5, 3.0, 0.6])
def test_a_step_is_followed_at_once(step: float) -> None:
    """Within three batches the factor has gone most of the way, and one change was counted."""
    estimate, chance = settled(), noisy(9)
    for _ in range(3):
        estimate.observe(4, round(TABLE.by_size_ns[4] * step * chance.lognormvariate(0, 0.05)))
    assert estimate.changes == 1
    assert abs(estimate.factor - step) < 0.45 * abs(1 - step)


def test_after_a_step_the_factor_settles_there() -> None:
    """A throttled device is known to be 1.5 times slower before long."""
    estimate = settled()
    for _ in range(60):
        estimate.observe(4, round(TABLE.by_size_ns[4] * 1.5))
    assert estimate.factor == pytest.approx(1.5, rel=0.02)


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 10**11)), max_size=100))
def test_estimates_never_fall_with_the_batch(seen: list[tuple[int, int]]) -> None:
    """Whatever was observed, more frames never take less, and low <= middle <= high."""
    estimate = ServiceEstimate(TABLE)
    for size, service_ns in seen:
        estimate.observe(size, service_ns)
    for times in (estimate.low_ns, estimate.mid_ns, estimate.high_ns):
        assert times[0] == 0
        assert all(a <= b for a, b in pairwise(times))
    assert all(
        low <= mid <= high for low, mid, high in zip(estimate.low_ns, estimate.mid_ns, estimate.high_ns, strict=True)
    )


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 10**11)), max_size=50))
def test_the_same_batches_give_the_same_estimate(seen: list[tuple[int, int]]) -> None:
    """Nothing but what was observed counts."""
    first, second = ServiceEstimate(TABLE), ServiceEstimate(TABLE)
    for estimate in (first, second):
        for size, service_ns in seen:
            estimate.observe(size, service_ns)
    assert (first.low_ns, first.mid_ns, first.high_ns) == (second.low_ns, second.mid_ns, second.high_ns)


def test_it_shows_its_state() -> None:
    """The repr names the factor, how many residuals are kept and how many changes were seen."""
    estimate = ServiceEstimate(TABLE)
    estimate.observe(1, TABLE.by_size_ns[1])
    assert repr(estimate) == "ServiceEstimate(factor=1.000, residuals=1, changes=0)"
