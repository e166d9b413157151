"""framebatch.calibration.effort: time is shared so that all that was planned fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framebatch.calibration.effort import Known, climb_effort, idle_plan, passes_in, plan_pass

MS = 1_000_000
SECOND = 1000 * MS


def known(batch: int, width: float | None, *, service_ns: float = 10 * MS) -> Known:
    """A size that takes 10 ms."""
    return Known(batch=batch, service_ns=service_ns, width=width)


def test_slow_batches_are_warmed_up_once() -> None:
    """Quick ones for a tenth of a second, with two batches at least."""
    slow, quick = climb_effort(300 * MS, budget_ns=SECOND), climb_effort(MS, budget_ns=SECOND)
    assert (slow.warm_ups, slow.warm_ns, slow.least, slow.budget_ns) == (1, 0, 3, SECOND)
    assert (quick.warm_ups, quick.warm_ns) == (2, 100 * MS)
    assert slow.expected_ns(300 * MS) == 1200 * MS


def test_when_time_is_short_unmeasured_sizes_come_first() -> None:
    """Then those that may be chosen, then those that are known least; each needs 50 ms and a process of 450."""
    sizes = [known(1, 0.01), known(2, 0.05), known(3, None), known(8, 0.5)]
    for count, batches in ((1, [3]), (2, [2, 3]), (3, [1, 2, 3]), (4, [1, 2, 3, 8])):
        planned = plan_pass(sizes, budget_ns=count * SECOND // 2, overhead_ns=450 * MS, favoured=2)
        assert [each.batch for each in planned] == batches
    assert plan_pass(sizes, budget_ns=SECOND // 4, overhead_ns=450 * MS, favoured=2) == []


def test_what_is_known_less_gets_more_time() -> None:
    """And so does what may be chosen."""
    wide, narrow, large = plan_pass(
        [known(1, 0.04), known(2, 0.01), known(4, 0.01)], budget_ns=SECOND, overhead_ns=0, favoured=2
    )
    assert wide.effort.budget_ns > narrow.effort.budget_ns > large.effort.budget_ns


@given(
    st.lists(
        st.builds(
            Known,
            batch=st.integers(1, 128),
            service_ns=st.floats(1000, 5e9),
            width=st.none() | st.floats(0, 2),
        ),
        min_size=1,
        max_size=15,
        unique_by=lambda each: each.batch,
    ),
    st.integers(0, 100 * SECOND),
    st.integers(0, 5 * SECOND),
)
def test_a_pass_fits_into_its_time(sizes: list[Known], budget_ns: int, overhead_ns: int) -> None:
    """With warming up, the timed batches and the processes; it rises, and is not empty where a pass is possible."""
    planned = plan_pass(sizes, budget_ns=budget_ns, overhead_ns=overhead_ns, favoured=16)
    services = {each.batch: each.service_ns for each in sizes}
    needed = sum(overhead_ns + each.effort.warm_ups * services[each.batch] + each.effort.budget_ns for each in planned)
    assert needed <= budget_ns + len(planned)
    assert [each.batch for each in planned] == sorted(each.batch for each in planned)
    if passes_in(sizes, budget_ns=budget_ns, overhead_ns=overhead_ns):
        assert len(planned) == len(sizes)


def test_passes_grow_with_the_time_there_is() -> None:
    """None where one does not fit, and no more than 6."""
    sizes = [known(1, 0.1), known(2, 0.1)]
    counts = [passes_in(sizes, budget_ns=ms * MS, overhead_ns=450 * MS) for ms in (999, 1000, 3200, 100_000)]
    assert counts == [0, 1, 2, 6]
    assert passes_in([], budget_ns=SECOND, overhead_ns=0) == 0


def test_pauses_are_as_many_as_fit() -> None:
    """0.1, 1 and 10 seconds in a full run, none where there is no time."""
    assert [pause_ns // (100 * MS) for pause_ns, _ in idle_plan(16 * SECOND).pauses] == [1, 10, 100]
    assert [pause_ns // (100 * MS) for pause_ns, _ in idle_plan(2 * SECOND).pauses] == [1, 10]
    assert idle_plan(SECOND // 5).pauses == ()
    for seconds in (0, 1, 2, 5, 16, 100):
        assert idle_plan(seconds * SECOND).expected_ns <= seconds * SECOND
