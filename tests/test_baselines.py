"""benchmarks/baselines: each rule's characteristic decisions, and what holds for all of them."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from baselines import BASELINES
from baselines.base import half_the_budget
from baselines.clipper import Clipper
from baselines.clockwork import Clockwork
from baselines.eager import Eager
from baselines.edf import EarliestDeadline
from baselines.greedy import Greedy
from baselines.nexus import Nexus
from baselines.symphony import Symphony
from baselines.triton import Triton
from hypothesis import given
from hypothesis import strategies as st
from optimum import most_in_time
from policy_simulation import Item, Simulation
from traces import Trace

from framebatch.profile import LatencyTable
from framebatch.scheduling import Decision, Pending, Run, Shed, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from baselines import Baseline

    from framebatch.planning.fleet import SimulatedFrame

TABLE = LatencyTable.linear(alpha_ns=6, beta_ns=3, buckets=range(1, 9))
"""6 + 3 b: 9, 12, 15, 18, 21, 24, 27, 30."""
DEADLINE = 33


def waiting(deadlines: Iterable[int]) -> Pending[SimulatedFrame]:
    """Frames with these deadlines, all ready."""
    pending: Pending[SimulatedFrame] = Pending()
    for deadline_ns in deadlines:
        item = Item(deadline_ns - DEADLINE, "a", deadline_ns)
        pending.accept(item)
        pending.make_ready(item)
    return pending


def run(count: int) -> Run:
    """The first so many."""
    return Run(count, count)


def test_half_the_budget_is_the_batch_after_which_another_still_fits() -> None:
    """15 is within half of 33, 18 is not; a single frame is planned even where it does not fit twice."""
    assert half_the_budget(TABLE, DEADLINE) == 3
    assert half_the_budget(TABLE, 10) == 1


def test_two_batches_of_half_the_budget_may_take_exactly_the_deadline() -> None:
    """Twice 15 is 30."""
    assert half_the_budget(TABLE, 30) == 3
    assert half_the_budget(TABLE, 29) == 2


@pytest.mark.parametrize(
    ("baseline", "deadlines", "expected"),
    [
        pytest.param(Greedy, [33], run(1), id="greedy: what is queued, at once"),
        pytest.param(Greedy, [5, 6, 33], run(3), id="greedy: though two of three will be late"),
        pytest.param(Greedy, [-1, 33], Shed(1), id="greedy: not what has expired"),
        pytest.param(Greedy, [33] * 9, run(8), id="greedy: up to the largest batch"),
        pytest.param(Eager, [33] * 3, run(3), id="eager: what is queued, at once"),
        pytest.param(Eager, [14, 33, 33], Shed(1), id="eager: without the frame that would be late in that batch"),
        pytest.param(Eager, [8], Shed(1), id="eager: nothing that is late alone"),
        pytest.param(EarliestDeadline, [14, 33, 33], run(2), id="edf: a batch as small as the head needs"),
        pytest.param(EarliestDeadline, [8, 33, 33], Shed(1), id="edf: without a head that is late even alone"),
        pytest.param(EarliestDeadline, [9, 33, 33], run(1), id="edf: a head that can just make it, alone"),
        pytest.param(Triton, [33], WaitUntil(8), id="triton: too few wait for a quarter of the deadline"),
        pytest.param(Triton, [25, 33], run(2), id="triton: the oldest has waited for that long"),
        pytest.param(Triton, [33] * 3, run(3), id="triton: the preferred batch, at once"),
        pytest.param(Triton, [33] * 5, run(3), id="triton: no more than that"),
        pytest.param(Triton, [3, 33, 33], run(3), id="triton: even a frame that is certain to be late"),
        pytest.param(Triton.tuned, [14, 33, 33, 33], Shed(1), id="tuned: not what a preferred batch makes late"),
        pytest.param(Triton.tuned, [15, 33, 33], run(3), id="tuned: what it does not"),
        pytest.param(Clipper, [33] * 5, run(1), id="clipper: one at first"),
        pytest.param(Clipper, [3], run(1), id="clipper: even a frame that is certain to be late"),
        pytest.param(Nexus, [33] * 5, run(3), id="nexus: the planned batch"),
        pytest.param(Nexus, [14, 33, 33], Shed(1), id="nexus: without a head that cannot make that batch"),
        pytest.param(Nexus, [12, 33], run(2), id="nexus: a smaller one at the end of the queue"),
        pytest.param(Nexus, [8], Shed(1), id="nexus: nothing that is late alone"),
        pytest.param(Clockwork, [33] * 7, run(4), id="clockwork: the largest size with enough frames"),
        pytest.param(Clockwork, [17, 33, 33, 33], run(2), id="clockwork: a smaller one where the first is pressed"),
        pytest.param(Clockwork, [17, 33, 33, 33, 33], Shed(1), id="clockwork: passes over it for a larger one"),
        pytest.param(Clockwork, [8], Shed(1), id="clockwork: nothing that is late alone"),
        pytest.param(Symphony, [33], WaitUntil(21), id="symphony: until two would not fit any longer"),
        pytest.param(Symphony, [33] * 3, WaitUntil(15), id="symphony: until four would not fit any longer"),
        pytest.param(Symphony, [16, 33, 33], run(3), id="symphony: at once when that time has come"),
        pytest.param(Symphony, [33] * 8, run(8), id="symphony: at once when it cannot grow"),
        pytest.param(Symphony, [14, 33, 33, 33], Shed(1), id="symphony: passes over the head for a larger batch"),
        pytest.param(Symphony, [8], Shed(1), id="symphony: nothing that is late alone"),
    ],
)
def test_characteristic_decisions(baseline: type[Baseline], deadlines: Sequence[int], expected: Decision) -> None:
    """At time 0, of frames with these deadlines; budgets are 33, batches take 6 + 3 b."""
    assert baseline(TABLE, DEADLINE).decide(waiting(deadlines), 0) == expected


@pytest.mark.parametrize("name", BASELINES)
def test_nothing_is_done_where_nothing_waits(name: str) -> None:
    """Until the next event."""
    assert BASELINES[name](TABLE, DEADLINE).decide(waiting([]), 0) == WaitUntil(None)


def test_clipper_grows_by_one_after_a_full_batch_and_shrinks_by_a_tenth_after_a_slow_one() -> None:
    """A batch that was not full teaches nothing; no batch grows beyond the largest, and none shrinks below one."""
    limit = Clipper(TABLE, 20).estimate
    seen = []
    for frames, service_ns in ((1, 9), (2, 12), (2, 12), (3, 15), (4, 18), (5, 21), (4, 18), (1, 30)):
        limit.observe(frames, service_ns)
        seen.append(limit.frames)
    assert seen == [2, 3, 3, 4, 5, 4, 5, 4]
    assert repr(limit) == "Limit(4)"
    wide = Clipper(TABLE, 40).estimate
    for frames in range(1, 10):
        wide.observe(frames, 9)
    assert wide.frames == TABLE.max_batch
    narrow = Clipper(TABLE, 5).estimate
    narrow.observe(1, 9)
    assert narrow.frames == 1


def test_a_baseline_shows_its_state() -> None:
    """In a traceback one sees what it believed."""
    assert repr(Nexus(TABLE, 33)) == "Nexus(max_batch=8, ServiceEstimate(factor=1.000, residuals=0, changes=0))"


class Ends:
    """A baseline whose decisions are noted: when each frame arrived and when it left."""

    def __init__(self, baseline: Baseline) -> None:
        self.estimate = baseline.estimate
        self._baseline = baseline
        self.runs: list[tuple[int, list[SimulatedFrame]]] = []
        self.ends: Counter[SimulatedFrame] = Counter()

    def arrived(self, now_ns: int) -> None:
        """Passed on."""
        self._baseline.arrived(now_ns)

    def ready(self, camera: str, now_ns: int, deadline_ns: int) -> None:
        """Passed on."""
        self._baseline.ready(camera, now_ns, deadline_ns)

    def taken(self, cameras: Iterable[str]) -> None:
        """Passed on."""
        self._baseline.taken(cameras)

    def decide(self, pending: Pending[SimulatedFrame], start_ns: int) -> Decision:
        """Passed on and noted."""
        decision = self._baseline.decide(pending, start_ns)
        frames = list(pending)
        if isinstance(decision, Run):
            assert decision.chosen is None
            self.runs.append((start_ns, frames[: decision.count]))
        if not isinstance(decision, WaitUntil):
            assert decision.count >= 1
            self.ends.update(frames[: decision.count])
        return decision


@given(
    name=st.sampled_from(sorted(BASELINES)),
    gaps=st.lists(st.integers(0, 12), max_size=25),
    deadline=st.integers(5, 60),
    beta=st.integers(1, 10),
    alpha=st.integers(0, 9),
    most=st.integers(1, 8),
)
def test_every_frame_reaches_one_end_and_none_before_it_came(
    *, name: str, gaps: list[int], deadline: int, beta: int, alpha: int, most: int
) -> None:
    """No batch is too large, and with exact service times no rule beats the optimum."""
    arrivals = tuple((time_ns, str(at % 3)) for at, time_ns in enumerate(accumulate(gaps)))
    trace = Trace(
        name="t", family="f", alpha_ns=alpha, beta_ns=beta, max_batch=most, deadline_ns=deadline, arrivals=arrivals
    )
    noted = Ends(BASELINES[name](trace.table(), deadline))
    result = Simulation(trace, noted).play()
    assert sorted(noted.ends.values()) == [1] * len(arrivals)
    assert result.good + result.late + result.shed == len(arrivals)
    for start_ns, frames in noted.runs:
        assert 1 <= len(frames) <= most
        assert all(frame.arrival_ns <= start_ns for frame in frames)
    service_ns = [0, *(alpha + beta * size for size in range(1, most + 1))]
    assert result.good <= most_in_time([time_ns for time_ns, _ in arrivals], deadline, service_ns)


@pytest.mark.parametrize("name", sorted(set(BASELINES) - {"greedy", "clipper", "triton"}))
def test_rules_that_know_the_curve_run_nothing_in_vain(name: str) -> None:
    """With exact service times every frame that is run is in time, though three times too many come."""
    arrivals = tuple((2 * at, "a") for at in range(200))
    trace = Trace(name="t", family="f", alpha_ns=6, beta_ns=3, max_batch=8, deadline_ns=33, arrivals=arrivals)
    result = Simulation(trace, BASELINES[name](trace.table(), 33)).play()
    assert result.late == 0
    assert result.good > 0
