"""framebatch.scheduling.policy: exact decisions for small cases, and what holds for all cases.

The simulation below is the batcher without its threads: one batch in flight, virtual time, exact service times.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.profile import LatencyTable
from framebatch.scheduling import Decision, Pending, Policy, Run, ServiceEstimate, Shed, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Sequence

MS = 1_000_000
BUCKETS = (1, 2, 4, 8)
TABLE = LatencyTable.linear(alpha_ns=2 * MS, beta_ns=MS, buckets=BUCKETS)
"""3, 4, 6 and 10 ms for 1, 2, 4 and 8 frames."""
LIGHT, HEAVY = 0.0, 1.2


@dataclass(eq=False)
class Item:
    """A frame."""

    number: int
    deadline_ns: int
    camera: str = "a"
    live: bool = False
    rows: int = 1


class Arrival(NamedTuple):
    """One frame of a trace; times in ns."""

    time_ns: int
    budget_ns: int
    camera: str
    live: bool


class Entry(NamedTuple):
    """One line of a simulation's log: what became of which frames, when the answer left, the bucket of a batch."""

    what: str
    numbers: tuple[int, ...]
    time_ns: int
    bucket: int = 0


def make_policy(load: float = LIGHT, *, table: LatencyTable = TABLE, after_ns: int = 0) -> Policy:
    """Answer a policy that believes in this load and was told of no arrival."""
    policy = Policy(ServiceEstimate(table), after_ns=after_ns)
    policy._rate_per_ns = load * table.max_batch / table.service_ns[-1]
    return policy


def queue(deadlines_ns: Sequence[int]) -> Pending[Item]:
    """Answer ready frames with these deadlines."""
    pending: Pending[Item] = Pending()
    for number, deadline_ns in enumerate(deadlines_ns):
        item = Item(number, deadline_ns)
        pending.accept(item)
        pending.make_ready(item)
    return pending


def simulate(trace: Sequence[Arrival], policy: Policy) -> list[Entry]:
    """Play a trace, whose times rise, to its end."""
    pending: Pending[Item] = Pending()
    log: list[Entry] = []
    running: tuple[int, tuple[int, ...], int] | None = None
    arrivals = list(enumerate(trace))
    while arrivals or running is not None:
        if running is not None and (not arrivals or running[0] <= arrivals[0][1].time_ns):
            now, numbers, bucket = running
            log.append(Entry("answered", numbers, now, bucket))
            running = None
        else:
            number, arrival = arrivals.pop(0)
            now = arrival.time_ns
            start_ns = now if running is None else running[0]
            item = Item(number, now + arrival.budget_ns, arrival.camera, arrival.live)
            if policy.refusal(pending, item.deadline_ns, ready_ns=now, start_ns=start_ns, now_ns=now) is not None:
                log.append(Entry("refused", (number,), now))
                continue
            superseded = pending.accept(item)
            pending.make_ready(item)
            if superseded is not None:
                log.append(Entry("superseded", (superseded.number,), now))
        while running is None and not isinstance(decision := policy.decide(pending, now), WaitUntil):
            taken = tuple(item.number for item in pending.take(decision.count))
            if isinstance(decision, Run):
                running = (now + policy.estimate.mid_ns[decision.count], taken, decision.bucket)
            else:
                log.append(Entry("shed", taken, now))
    assert not pending.waiting
    return log


@st.composite
def traces(draw: st.DrawFn) -> list[Arrival]:
    """Up to 40 frames of four cameras in some tens of milliseconds: from idle to hopeless overload."""
    gaps = draw(st.lists(st.integers(0, 6 * MS), max_size=40))
    time_ns, trace = 0, []
    for gap in gaps:
        time_ns += gap
        budget_ns = draw(st.integers(1, 40 * MS))
        trace.append(Arrival(time_ns, budget_ns, draw(st.sampled_from("abcd")), draw(st.booleans())))
    return trace


LOADS = st.sampled_from([LIGHT, HEAVY])
DEADLINES = st.lists(st.integers(0, 40 * MS), max_size=25)


@pytest.mark.parametrize(
    ("load", "deadlines_ms", "expected"),
    [
        pytest.param(LIGHT, [], WaitUntil(None), id="nothing waits"),
        pytest.param(LIGHT, [2], Shed(1), id="too late even alone"),
        pytest.param(LIGHT, [3], Run(1, 1), id="just in time"),
        pytest.param(LIGHT, [1, 2, 9], Shed(2), id="all that are hopeless at once"),
        pytest.param(LIGHT, [4, 4], Run(2, 2), id="what waits is taken together"),
        pytest.param(LIGHT, [50] * 3, Run(3, 4), id="padded to the next bucket"),
        pytest.param(LIGHT, [50] * 9, Run(8, 8), id="never more than the largest bucket"),
        pytest.param(LIGHT, [3, 9], Run(1, 1), id="an urgent head goes alone where all are in time"),
        pytest.param(LIGHT, [3, 20, 20], Run(1, 1), id="the same with more behind it"),
        pytest.param(HEAVY, [3, 20, 20], Shed(1), id="under load it is dropped for a larger batch"),
        pytest.param(HEAVY, [3, 9], Run(1, 1), id="but not when that gains nothing"),
        pytest.param(LIGHT, [3, 6, 6, 6, 6], Shed(1), id="one is dropped where not all can be saved"),
        pytest.param(LIGHT, [6, 6, 6, 6], Run(4, 4), id="and then the others make it"),
        pytest.param(HEAVY, [50] * 3, Run(3, 4), id="padding that costs nothing per frame stays"),
        pytest.param(HEAVY, [50] * 5, Run(4, 4), id="under load no padding that slows each frame down"),
        pytest.param(LIGHT, [50] * 5, Run(5, 8), id="without load it does not matter"),
        pytest.param(HEAVY, [50] * 7, Run(7, 8), id="a bucket nearly full is worth it"),
    ],
)
def test_small_cases(load: float, deadlines_ms: list[int], expected: Decision) -> None:
    """For a device that is free now, with these deadlines waiting, the decision is exactly this."""
    assert make_policy(load).decide(queue([ms * MS for ms in deadlines_ms]), 0) == expected


def test_the_way_back_counts() -> None:
    """What the host needs after the device must fit before the deadline, too."""
    policy = make_policy(after_ns=MS)
    assert policy.decide(queue([4 * MS - 1]), 0) == Shed(1)
    assert policy.decide(queue([4 * MS]), 0) == Run(1, 1)


def test_deciding_changes_nothing() -> None:
    """Asked again, it says the same."""
    policy, pending = make_policy(HEAVY), queue([3 * MS, 20 * MS, 20 * MS])
    assert policy.decide(pending, 0) == policy.decide(pending, 0)
    assert len(pending) == 3


@pytest.mark.parametrize(
    ("waiting_ms", "deadline_ms", "ready_ms", "start_ms", "smallest"),
    [
        pytest.param([], 3, 0, 0, None, id="fits"),
        pytest.param([], 2, 0, 0, "3 ms, and 3 ms on an idle device", id="shorter than the device needs"),
        pytest.param([1] * 3, 2, 0, 0, "6 ms, and 3 ms on an idle device", id="the same with others ahead"),
        pytest.param([], 7, 5, 0, "8 ms, and 8 ms on an idle device", id="decoding comes first"),
        pytest.param([], 8, 5, 6, "9 ms", id="unless the device is busy for longer"),
        pytest.param([1] * 3, 6, 0, 0, None, id="fits into the batch of those ahead"),
        pytest.param([1] * 3, 5, 0, 0, "6 ms", id="does not fit there"),
        pytest.param([1] * 8, 12, 0, 0, "13 ms", id="a full batch is ahead"),
        pytest.param([99] * 8, 3, 0, 0, None, id="later deadlines are not ahead"),
    ],
)
def test_refusals(waiting_ms: list[int], deadline_ms: int, ready_ms: int, start_ms: int, smallest: str | None) -> None:
    """A frame that cannot make it is refused with the smallest budget that would do, and would ever where it would not."""
    pending = queue([ms * MS for ms in waiting_ms])
    refusal = make_policy().refusal(pending, deadline_ms * MS, ready_ns=ready_ms * MS, start_ns=start_ms * MS, now_ns=0)
    ahead = sum(ms <= deadline_ms for ms in waiting_ms)
    expected = f"cannot be answered in time: {ahead} frames are ahead; the smallest budget that fits is {smallest}"
    assert refusal == (None if smallest is None else expected)


def test_frames_being_prepared_are_ahead() -> None:
    """They will be ready before a frame that comes only now."""
    pending: Pending[Item] = Pending()
    for number in range(8):
        pending.accept(Item(number, 10**12))
    refusal = make_policy().refusal(pending, 12 * MS, ready_ns=0, start_ns=0, now_ns=0)
    assert refusal == "cannot be answered in time: 8 frames are ahead; the smallest budget that fits is 13 ms"


@given(start_ns=st.integers(0, 10**9), now_ns=st.integers(0, 10**9), after_ns=st.integers(0, 10**8))
def test_the_budget_named_is_enough(start_ns: int, now_ns: int, after_ns: int) -> None:
    """Whoever comes back with it, rounded as it is shown, is accepted in the same situation."""
    policy, pending = make_policy(after_ns=after_ns), queue([])
    start_ns += now_ns
    refusal = policy.refusal(pending, now_ns, ready_ns=now_ns, start_ns=start_ns, now_ns=now_ns)
    assert refusal is not None
    budget_ms = int(refusal.partition("fits is ")[2].split()[0])
    again = policy.refusal(pending, now_ns + budget_ms * MS, ready_ns=now_ns, start_ns=start_ns, now_ns=now_ns)
    assert again is None


@given(DEADLINES, LOADS, st.integers(0, 5 * MS))
def test_batches_are_known_to_the_device(deadlines_ns: list[int], load: float, start_ns: int) -> None:
    """At most the largest bucket and what waits, padded to the smallest bucket that holds it."""
    decision = make_policy(load).decide(queue(deadlines_ns), start_ns)
    if isinstance(decision, Run):
        assert 1 <= decision.count <= min(len(deadlines_ns), TABLE.max_batch)
        assert decision.bucket == min(bucket for bucket in BUCKETS if bucket >= decision.count)
    elif isinstance(decision, Shed):
        assert 1 <= decision.count <= len(deadlines_ns)


@given(DEADLINES, LOADS)
def test_a_free_device_never_idles_with_a_feasible_frame(deadlines_ns: list[int], load: float) -> None:
    """After whatever is dropped, a batch is run exactly when some frame could be answered in time."""
    policy, pending = make_policy(load), queue(deadlines_ns)
    while isinstance(decision := policy.decide(pending, 0), Shed):
        pending.take(decision.count)
    feasible = any(deadline_ns >= TABLE.by_size_ns[1] for deadline_ns in deadlines_ns)
    assert isinstance(decision, Run if feasible else WaitUntil)


def drains(deadlines_ns: Sequence[int]) -> bool:
    """Answer whether taking the largest batch in time from the head, until nothing waits, loses no frame."""
    left, now = sorted(deadlines_ns), 0
    while left:
        fitting = [
            size for size in range(1, min(len(left), TABLE.max_batch) + 1) if now + TABLE.by_size_ns[size] <= left[0]
        ]
        if not fitting:
            return False
        now += TABLE.by_size_ns[fitting[-1]]
        del left[: fitting[-1]]
    return True


@given(DEADLINES)
def test_nothing_is_dropped_where_all_can_be_saved(deadlines_ns: list[int]) -> None:
    """Below saturation, a queue that can be drained by deadline loses no frame to the end."""
    policy, pending, now = make_policy(LIGHT), queue(deadlines_ns), 0
    dropped = 0
    while not isinstance(decision := policy.decide(pending, now), WaitUntil):
        if isinstance(decision, Run):
            now += TABLE.by_size_ns[decision.count]
        else:
            dropped += decision.count
        pending.take(decision.count)
    if drains(deadlines_ns):
        assert dropped == 0


@given(DEADLINES, LOADS, st.integers(2, 1000))
def test_only_ratios_of_times_count(deadlines_ns: list[int], load: float, factor: int) -> None:
    """All times multiplied by the same number give the same decision."""
    slower = LatencyTable(TABLE.buckets, tuple(factor * time for time in TABLE.service_ns))
    decision = make_policy(load).decide(queue(deadlines_ns), 5)
    scaled = make_policy(load, table=slower).decide(queue([factor * each for each in deadlines_ns]), 5 * factor)
    assert scaled == decision


@given(traces(), LOADS)
def test_every_frame_ends_once(trace: list[Arrival], load: float) -> None:
    """Each frame of any trace is answered, refused, superseded or dropped exactly once."""
    log = simulate(trace, make_policy(load))
    assert sorted(number for entry in log for number in entry.numbers) == list(range(len(trace)))


@given(traces(), LOADS)
def test_no_frame_is_run_in_vain(trace: list[Arrival], load: float) -> None:
    """With exact service times every batch ends before the deadlines of all its frames, and after their arrival."""
    for entry in simulate(trace, make_policy(load)):
        if entry.what == "answered":
            for number in entry.numbers:
                arrival = trace[number]
                begun_ns = entry.time_ns - TABLE.by_size_ns[len(entry.numbers)]
                assert arrival.time_ns <= begun_ns
                assert entry.time_ns <= arrival.time_ns + arrival.budget_ns


@given(traces(), LOADS)
def test_the_device_runs_one_batch_after_the_other(trace: list[Arrival], load: float) -> None:
    """Batches do not overlap."""
    batches = [entry for entry in simulate(trace, make_policy(load)) if entry.what == "answered"]
    for before, after in pairwise(batches):
        assert before.time_ns <= after.time_ns - TABLE.by_size_ns[len(after.numbers)]


@given(traces(), LOADS)
def test_names_of_cameras_do_not_matter(trace: list[Arrival], load: float) -> None:
    """Called otherwise, the same cameras get the same answers."""
    renamed = [arrival._replace(camera="wxyz"["badc".index(arrival.camera)]) for arrival in trace]
    assert simulate(trace, make_policy(load)) == simulate(renamed, make_policy(load))


@given(traces(), LOADS)
def test_the_same_trace_gives_the_same_log(trace: list[Arrival], load: float) -> None:
    """Nothing is left to chance."""
    assert simulate(trace, make_policy(load)) == simulate(trace, make_policy(load))


def test_a_slower_device_is_planned_for() -> None:
    """When batches take twice as long as measured, decisions follow the estimate and not the table."""
    policy = make_policy()
    for _ in range(100):
        policy.estimate.observe(1, 2 * TABLE.by_size_ns[1])
    assert policy.decide(queue([5 * MS]), 0) == Shed(1)
    assert policy.decide(queue([7 * MS]), 0) == Run(1, 1)


def test_the_load_is_arrivals_over_full_batches() -> None:
    """800 frames a second are what the device can do in batches of 8; 400 are half of that."""
    policy = Policy(ServiceEstimate(TABLE))
    for number in range(8000):
        policy.arrived(10**15 + number * 5 * MS // 2)
    assert policy.load == pytest.approx(0.5, rel=0.01)


def test_after_a_pause_the_load_is_forgotten() -> None:
    """One frame after minutes of silence is no load, whatever came before."""
    policy = make_policy(HEAVY)
    policy.arrived(10**15)
    assert policy.load == pytest.approx(0, abs=1e-6)


def test_the_load_that_people_see_falls_when_nothing_comes() -> None:
    """Nobody tells the policy that frames stay away: the figure looks at the time."""
    policy = make_policy(0.5)
    at_ns = policy._window_start_ns
    assert policy.load_at(at_ns + 1) == policy.load == pytest.approx(0.5, rel=0.01)
    assert policy.load_at(at_ns + 3_600_000_000_000) == pytest.approx(0, abs=1e-3)


def test_it_shows_its_state() -> None:
    """The repr names load, way back and estimate."""
    expected = "Policy(load=1.20, after=1.5 ms, ServiceEstimate(factor=1.000, residuals=0, changes=0))"
    assert repr(make_policy(HEAVY, after_ns=1_500_000)) == expected
