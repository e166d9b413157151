"""framebatch.scheduling.rollout: to start now, or after the next frames."""

from __future__ import annotations

import pytest

from framebatch.scheduling.arrivals import Expected
from framebatch.scheduling.outlook import Choice, Times, outlook
from framebatch.scheduling.rollout import best_start

SERVICE = [0, *(6 + 3 * size for size in range(1, 33))]
TIMES = Times(SERVICE, SERVICE, SERVICE, 32)


def best(deadlines: list[int], coming: list[int]) -> Choice:
    """Answer the beginning at time 0 with these deadlines waiting and frames that come, with budgets of 100."""
    expected = [Expected(each, 100, "a") for each in coming]
    view = outlook(deadlines, expected, start_ns=0, end_ns=200, after_ns=0)
    return best_start(view, TIMES, frame_ns=3.2, grain_ns=1, budget_ns=100)


@pytest.mark.parametrize(
    ("deadlines", "coming", "expected"),
    [
        pytest.param([100] * 5, [], Choice(0, 5, 0), id="nothing is expected, so nothing is waited for"),
        pytest.param([100], [2] * 25 + [60] * 28, Choice(0, 26, 2), id="the others are about to come"),
        pytest.param([100, 100], [2] * 31 + [102] * 31, Choice(2, 31, 2), id="two give way to a full batch"),
        pytest.param([100] * 20, [90], Choice(0, 20, 0), id="what comes much later is not waited for"),
        pytest.param([40] + [100] * 28, [], Choice(1, 28, 0), id="the window passes over an urgent head"),
    ],
)
def test_small_cases(deadlines: list[int], coming: list[int], expected: Choice) -> None:
    """The first batch is this one, give or take a frame in its size."""
    choice = best(deadlines, coming)
    assert (choice.start_ns, choice.skip > 0) == (expected.start_ns, expected.skip > 0)
    assert choice.size == pytest.approx(expected.size, abs=1)


def test_who_has_waited_is_not_given_up_for_those_who_come() -> None:
    """Else there would always be somebody to wait for, and nobody would be served."""
    assert best([60, 60], [2] * 31 + [102] * 31).start_ns == 0


def test_at_least_one_frame_must_wait() -> None:
    """Without one there is nothing to begin with."""
    view = outlook([5], [], start_ns=0, end_ns=200, after_ns=0)
    with pytest.raises(ValueError, match="no frame waits"):
        best_start(view, TIMES, frame_ns=3.2, grain_ns=1, budget_ns=100)
