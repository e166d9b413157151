"""framebatch.profile: what a batch costs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.profile import LatencyTable

SAMPLES = st.dictionaries(
    st.integers(1, 64), st.lists(st.integers(1, 10**9), min_size=1, max_size=5), min_size=1, max_size=8
)


def test_a_batch_costs_what_its_bucket_costs() -> None:
    """The time is a staircase over the buckets, and no frames cost nothing."""
    table = LatencyTable((1, 2, 4), (10, 15, 20))
    assert table.by_size_ns == (0, 10, 15, 20, 20)
    assert [table.bucket_for(frames) for frames in (1, 2, 3, 4)] == [1, 2, 4, 4]
    assert table.max_batch == 4


def test_buckets_need_not_begin_at_one() -> None:
    """A model of fixed batch has one bucket, which every smaller batch is padded to."""
    table = LatencyTable((8,), (100,))
    assert table.by_size_ns == (0, *[100] * 8)
    assert table.bucket_for(1) == 8


def test_a_linear_device_costs_alpha_plus_beta_for_each_place() -> None:
    """Fractions of a nanosecond are rounded."""
    table = LatencyTable.linear(alpha_ns=2.4, beta_ns=1.0, buckets=[1, 2, 4])
    assert table == LatencyTable((1, 2, 4), (3, 4, 6))


def test_measured_times_become_medians() -> None:
    """One bad sample does not count, and the order of the buckets does not matter."""
    table = LatencyTable.from_samples({2: [30, 31, 5000], 1: [20, 20, 900]})
    assert table == LatencyTable((1, 2), (20, 31))


def test_times_that_fall_are_pooled() -> None:
    """Neighbours out of order get their common mean, as often as needed."""
    table = LatencyTable.from_samples({1: [10], 2: [40], 3: [30], 4: [20], 6: [50]})
    assert table.service_ns == (10, 30, 30, 30, 50)


@given(SAMPLES)
def test_whatever_was_measured_the_table_never_falls(samples: dict[int, list[int]]) -> None:
    """Any samples give a valid table over exactly their buckets, within the range of what was measured."""
    table = LatencyTable.from_samples(samples)
    every = [value for values in samples.values() for value in values]
    assert table.buckets == tuple(sorted(samples))
    assert all(a <= b for a, b in pairwise(table.by_size_ns))
    assert min(every) <= table.service_ns[0] <= table.service_ns[-1] <= max(every)


@pytest.mark.parametrize(
    ("buckets", "service_ns", "message"),
    [
        ((), (), r"buckets are \(\); they must be given, and ascend"),
        ((0, 1), (1, 2), r"buckets are \(0, 1\)"),
        ((2, 2), (1, 2), r"buckets are \(2, 2\)"),
        ((4, 2), (1, 2), r"buckets are \(4, 2\)"),
        ((1, 2), (5,), "2 buckets but 1 service times"),
        ((1,), (0,), r"service_ns is \(0,\); times must be positive"),
        ((1, 2), (5, 4), r"service_ns is \(5, 4\); times must be positive and never fall"),
    ],
)
def test_impossible_tables_are_refused(buckets: tuple[int, ...], service_ns: tuple[int, ...], message: str) -> None:
    """The message shows the value and the rule."""
    with pytest.raises(ValueError, match=message):
        LatencyTable(buckets, service_ns)


def test_a_table_shows_its_figures() -> None:
    """The repr is what makes it again."""
    assert repr(LatencyTable((1, 2), (10, 15))) == "LatencyTable(buckets=(1, 2), service_ns=(10, 15))"
