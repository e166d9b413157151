"""framebatch.scheduling.window: the drop window against plain counting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framebatch.scheduling.window import densest, drains, largest_within

HIGH = [0, 3, 4, 6, 6, 10, 10, 10, 10]
BUCKETS = (1, 2, 4, 8)
DEADLINES = st.lists(st.integers(0, 30), min_size=1, max_size=25).map(sorted)


@given(st.integers(-5, 20), st.integers(1, 8))
def test_the_largest_within_a_budget(budget: int, limit: int) -> None:
    """It is the last size that fits; none fits into too little."""
    assert largest_within(HIGH, budget, limit) == max(
        [size for size in range(1, limit + 1) if HIGH[size] <= budget], default=0
    )


@given(DEADLINES, st.integers(0, 10), st.integers(1, 8))
def test_the_densest_window(deadlines: list[int], start: int, limit: int) -> None:
    """Of all batches that are in time none serves more frames in the same time; all of its frames can make it."""

    def able(size: int) -> int:
        return sum(deadline >= start + HIGH[size] for deadline in deadlines)

    first, size = densest(deadlines, start_ns=start, high_ns=HIGH, buckets=BUCKETS, limit=limit)
    most = min(limit, len(deadlines))
    rates = [each / HIGH[each] for each in range(1, most + 1) if able(each) >= each]
    assert size / HIGH[size] == max(rates, default=1 / HIGH[1])
    assert first == len(deadlines) - max(able(each) for each in range(size, 9) if HIGH[each] == HIGH[size])


def test_a_bucket_that_cannot_be_filled_gives_way_to_a_smaller_one() -> None:
    """Five frames in 10 serve fewer a second than four in 6, whichever could make it."""
    assert densest([20] * 5, start_ns=0, high_ns=HIGH, buckets=BUCKETS, limit=8) == (0, 4)
    assert densest([20] * 7, start_ns=0, high_ns=HIGH, buckets=BUCKETS, limit=8) == (0, 7)


def test_a_queue_that_drains() -> None:
    """Three batches in time, one after the other; and one frame more than can be saved."""
    assert drains(None, [3, 7, 7, 17, 17, 17, 17], start_ns=0, high_ns=HIGH, limit=8)
    assert not drains(None, [3, 6, 6, 17], start_ns=0, high_ns=HIGH, limit=8)


def test_frames_that_come_later_can_drain_too() -> None:
    """The device waits for them; they are lost when they would be too late even so."""
    assert drains([0, 5], [3, 8], start_ns=0, high_ns=HIGH, limit=8)
    assert not drains([0, 6], [3, 8], start_ns=0, high_ns=HIGH, limit=8)
