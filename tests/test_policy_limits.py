"""framebatch.scheduling.policy where frames take several rows, batches are limited, and the device is shared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_policy import DEADLINES, LOADS, MS, make_policy, queue

from framebatch.scheduling import Run, WaitUntil


@pytest.mark.parametrize(("rows", "smallest_ms"), [(1, 3), (8, 10), (9, 13), (16, 20)])
def test_all_rows_of_a_frame_must_fit(rows: int, smallest_ms: int) -> None:
    """A frame that takes more than the largest batch needs several."""
    refusal = make_policy().refusal(queue([]), 0, ready_ns=0, start_ns=0, now_ns=0, rows=rows)
    assert refusal is not None
    assert f"the smallest budget that fits is {smallest_ms} ms," in refusal


def test_what_others_ask_of_the_device_is_load_too() -> None:
    """Half a device for this model and more than half for the others are too much, and it plans for that."""
    policy = make_policy(0.5)
    alone = policy.overloaded
    policy.other_load = 0.6
    assert (alone, policy.overloaded) == (False, True)
    assert policy.decide(queue([3 * MS] + [20 * MS] * 7), 0) == make_policy(1.1).decide(
        queue([3 * MS] + [20 * MS] * 7), 0
    )


@given(DEADLINES, LOADS, st.integers(1, 8))
def test_no_batch_is_larger_than_it_may_be(deadlines_ns: list[int], load: float, limit: int) -> None:
    """Whatever waits; and all the same a frame that could be served alone is not left lying."""
    policy = make_policy(load)
    policy.limit_batch(limit)
    decision = policy.decide(queue(deadlines_ns), 0)
    assert not isinstance(decision, Run) or 1 <= decision.count <= limit
    assert isinstance(decision, WaitUntil) == (not deadlines_ns)


@pytest.mark.parametrize(("limit", "work_ms"), [(8, 23), (4, 24 + 3), (2, 32 + 3), (0, 51), (99, 23)])
def test_smaller_batches_take_more_time(limit: int, work_ms: int) -> None:
    """17 rows in full batches of the size that is allowed: at least 1, and at most what the device knows."""
    policy = make_policy()
    policy.limit_batch(limit)
    assert policy.work_ns(17) == work_ms * MS
