"""framebatch.batching.recovery: what is to be done when a batch fails. Pure: time is passed in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.batching.recovery import Action, Backoff, Recovery, Verdict, hang_bound_ns

SECOND = 1_000_000_000
BUCKETS = (1, 2, 4, 8)
FAIL, SPLIT, WAIT = Verdict(Action.FAIL), Verdict(Action.SPLIT), Verdict(Action.WAIT)


def make(*, can_check: bool = True, can_reopen: bool = True) -> Recovery:
    """Answer one for a model that has not failed yet."""
    return Recovery(BUCKETS, can_check=can_check, can_reopen=can_reopen)


def test_without_memory_batches_become_smaller() -> None:
    """The next smaller bucket each time; a batch of the old size that was on its way lowers nothing more."""
    recovery = make()
    assert [recovery.out_of_memory(bucket, 0) for bucket in (8, 8, 4)] == [WAIT] * 3
    assert (recovery.cap, recovery.counts.cap_lowered, recovery.counts.out_of_memory) == (2, 2, 3)


def test_without_memory_for_the_smallest_batch_the_session_is_looked_after() -> None:
    """Its frames fail, and nothing larger is tried for a while."""
    recovery = make()
    assert recovery.out_of_memory(1, 0) == Verdict(Action.FAIL, repair=True)
    assert recovery.cap == 1


def test_after_a_quiet_time_larger_batches_are_tried() -> None:
    """One bucket at a time, each after 10 s, and only once the one before has succeeded."""
    recovery = make()
    recovery.out_of_memory(8, 0)
    recovery.out_of_memory(4, 0)
    assert not recovery.succeeded(2, 19 * SECOND)
    assert recovery.succeeded(2, 20 * SECOND)
    assert recovery.cap == 4
    assert not recovery.succeeded(2, 1_000 * SECOND)
    assert not recovery.succeeded(4, 1_000 * SECOND)
    assert not recovery.succeeded(4, 1_009 * SECOND)
    assert recovery.succeeded(1, 1_010 * SECOND)
    assert not recovery.succeeded(8, 1_011 * SECOND)
    assert (recovery.cap, recovery.counts.cap_raised) == (8, 2)
    assert not recovery.succeeded(8, 9_999 * SECOND)


def test_a_larger_batch_that_fails_again_is_tried_less_and_less_often() -> None:
    """After 10, 20, 40 s and so on, and every ten minutes in the end."""
    recovery = make()
    now = 0
    pauses = []
    for _ in range(9):
        recovery.out_of_memory(8, now)
        failed_at = now
        while not recovery.succeeded(4, now):
            now += SECOND
        pauses.append((now - failed_at) // SECOND)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_the_frame_at_fault_is_searched_by_halves() -> None:
    """Several rows are split; one alone fails, and is counted."""
    recovery = make()
    assert [recovery.failed(rows, rows, 0) for rows in (8, 4, 2, 1)] == [SPLIT, SPLIT, SPLIT, FAIL]
    assert (recovery.counts.batches_failed, recovery.counts.batches_split, recovery.counts.frames_poisoned) == (4, 3, 1)


def test_who_is_left_of_a_batch_is_run_alone() -> None:
    """It may have failed for the sake of one that was answered meanwhile; where nobody is left there is nothing to run."""
    recovery = make()
    assert [recovery.failed(2, 1, 0), recovery.failed(2, 0, 0)] == [SPLIT, FAIL]
    assert recovery.counts.frames_poisoned == 0


def test_failures_that_no_frame_explains_are_repaired() -> None:
    """The third alone in a row is kept for a second try; opening anew is ordered when a look did not help."""
    recovery = make()
    assert [recovery.failed(1, 1, 0) for _ in range(3)] == [FAIL, FAIL, Verdict(Action.RETRY, repair=True)]
    recovery.repaired(reopened=False)
    again = Verdict(Action.RETRY, repair=True, reopen=True)
    assert [recovery.failed(1, 1, 0) for _ in range(3)] == [FAIL, FAIL, again]
    assert recovery.counts.frames_poisoned == 4


def test_a_success_between_clears_the_session() -> None:
    """Two poison frames, a good one, and two more are frames at fault."""
    recovery = make()
    verdicts = []
    for _ in range(3):
        verdicts += [recovery.failed(1, 1, 0), recovery.failed(1, 1, 0)]
        recovery.succeeded(1, 0)
    assert verdicts == [FAIL] * 6


def test_a_session_that_cannot_be_tried_is_opened_anew_but_not_all_the_time() -> None:
    """At once the first time, then after 10 s, 20 s and so on while nothing succeeds."""
    recovery = make(can_check=False)
    opened = []
    for second in range(100):
        opened += [second for _ in range(3) if recovery.failed(1, 1, second * SECOND).reopen]
    assert opened == [0, 10, 30, 70]


def test_where_nothing_can_be_repaired_frames_just_fail() -> None:
    """However many in a row."""
    recovery = make(can_check=False, can_reopen=False)
    assert {recovery.failed(1, 1, 0) for _ in range(9)} == {FAIL}
    assert recovery.out_of_memory(1, 0) == FAIL


def test_a_session_that_stays_down_is_tried_less_and_less_often() -> None:
    """After 1, 2, 4 s and so on, every minute in the end, and from the start when it has worked again."""
    recovery = make()
    assert [recovery.down_ns() // SECOND for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    recovery.repaired(reopened=True)
    assert (recovery.down_ns(), recovery.counts.reopened) == (SECOND, 1)


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["ok", "memory", "other"]), st.sampled_from(BUCKETS), st.integers(0, 700 * SECOND)),
        max_size=60,
    )
)
def test_the_cap_is_always_a_bucket_and_moves_with_its_counts(events: list[tuple[str, int, int]]) -> None:
    """Whatever happens; it rises by one bucket at most, and falls only for want of memory."""
    recovery = make()
    now = 0
    for kind, bucket, pause_ns in events:
        now += pause_ns
        before, counts = recovery.cap, recovery.counts
        lowered, raised = counts.cap_lowered, counts.cap_raised
        size = min(bucket, before)
        if kind == "ok":
            assert recovery.succeeded(size, now) == (recovery.cap > before)
        elif kind == "memory":
            recovery.out_of_memory(size, now)
        else:
            recovery.failed(size, size, now)
        assert recovery.cap in BUCKETS
        assert (recovery.cap > before) == (counts.cap_raised > raised)
        assert (recovery.cap < before) == (counts.cap_lowered > lowered)
        assert recovery.cap <= before or (kind == "ok" and recovery.cap == before * 2)
        assert recovery.cap >= before or kind == "memory"


def test_a_pause_doubles_up_to_its_limit() -> None:
    """And starts over."""
    pause = Backoff(3, 10)
    assert [pause.next_ns() for _ in range(4)] == [3, 6, 10, 10]
    pause.reset()
    assert (pause.next_ns(), repr(pause)) == (3, "Backoff(next=6 ns)")


@pytest.mark.parametrize(("high_ns", "bound_ns"), [(0, 0), (7, 140)])
def test_a_hang_is_far_beyond_the_estimate(high_ns: int, bound_ns: int) -> None:
    """Twenty times the cautious one."""
    assert hang_bound_ns(high_ns) == bound_ns


def test_it_shows_its_state() -> None:
    """The repr names the cap and how many failed in a row."""
    recovery = make()
    recovery.out_of_memory(8, 0)
    recovery.failed(1, 1, 0)
    assert repr(recovery).startswith("Recovery(cap=4 of 8, failed in a row=1, Counts(batches_failed=2, ")
