"""framebatch.planning.simulation: a server under a virtual clock, by results worked out by hand and by what always holds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest
from fuzzed import fuzzed
from hypothesis import given, settings
from hypothesis import strategies as st
from optimum import most_in_time
from played import DEVICE, MS, TABLE, frame, play, traffic

from framebatch.frame import Outcome
from framebatch.planning.durations import NOTHING, Fixed, Lognormal, SeenAt
from framebatch.planning.fleet import SimulatedFrame
from framebatch.planning.host import IDEAL, Host
from framebatch.planning.service import DeviceModel
from framebatch.planning.simulation import Simulation
from framebatch.profile import LatencyTable
from framebatch.scheduling import Run, ServiceEstimate, WaitUntil

if TYPE_CHECKING:
    from framebatch.scheduling import Decision, Pending, Policy

PLAIN = Host(before=Fixed(MS), after=Fixed(2 * MS), margin_ns=0, slack_ns=0)
"""A millisecond to fill a batch, two to answer it."""
NOISY = DeviceModel(name="noisy", table=TABLE, sigma=0.3)

hosts = st.sampled_from(
    (
        IDEAL,
        PLAIN,
        Host(),
        Host(decoders=1, decode=Lognormal(3 * MS, 0.5), before=Lognormal(MS, 1), after=Lognormal(MS, 1)),
        Host(decoders=2, decode=Fixed(MS), lanes=1),
    )
)


def log_of(simulation: Simulation) -> list[tuple[object, ...]]:
    """Answer all that became of the frames, in order."""
    return [
        (f.outcome, f.ready_ns, f.dispatched_ns, f.started_ns, f.finished_ns, f.answered_ns) for f in simulation.frames
    ]


def batches_of(simulation: Simulation) -> list[tuple[float, float, int]]:
    """Answer when each batch began and ended, in ms, and how many were in it."""
    return [(b.started_ns / MS, b.finished_ns / MS, len(b.frames)) for b in simulation.batches]


# Worked out by hand ----------------------------------------------------------------------------------------------


def test_whatever_waits_runs_when_the_device_becomes_free() -> None:
    """One alone for 3 ms, the two that came meanwhile for 4, then the last one."""
    played = play([frame(0), frame(1), frame(1), frame(5)])
    assert batches_of(played) == [(0, 3, 1), (3, 7, 2), (7, 10, 1)]
    assert [each.answered_ns / MS for each in played.frames] == [3, 7, 7, 10]
    assert {each.outcome for each in played.frames} == {Outcome.OK}


def test_filling_comes_before_the_device_and_answering_after() -> None:
    """Arrived at 0, filled at 1, run until 4, answered at 6."""
    (only,) = play([frame(0)], host=PLAIN).frames
    times = (only.ready_ns, only.dispatched_ns, only.started_ns, only.finished_ns, only.answered_ns)
    assert [time / MS for time in times] == [0, 0, 1, 4, 6]


def test_the_next_batch_is_filled_while_one_runs() -> None:
    """It is handed over a cautious filling time before the first one's end, and leaves no gap behind that."""
    played = play([frame(0), frame(1.1), frame(2)], host=PLAIN)
    first, second = played.batches
    assert first.finished_ns == second.started_ns == 4 * MS
    assert (
        second.dispatched_ns == 3 * MS
    )  # 4.5 was expected of the first: it was to be filled after 1.5 ms, 1 + 2 * .25
    assert len(second.frames) == 2


def test_with_one_lane_the_device_idles_while_the_next_batch_is_filled() -> None:
    """And while the one before is answered."""
    host = Host(before=Fixed(MS), after=Fixed(2 * MS), margin_ns=0, slack_ns=0, lanes=1)
    assert batches_of(play([frame(0), frame(1)], host=host)) == [(1, 4, 1), (7, 10, 1)]


def test_what_cannot_be_in_time_is_refused_on_arrival() -> None:
    """At once, with nothing run for it: 3 ms on the device, 3 and more around it, and 4 are asked for."""
    (only,) = play([frame(0, 4)], host=PLAIN).frames
    assert (only.outcome, only.answered_ns, only.dispatched_ns) == (Outcome.REJECTED, 0, 0)


@pytest.mark.parametrize("host", [IDEAL, PLAIN, Host(decoders=1, decode=Fixed(MS))])
@pytest.mark.parametrize("decoding_ns", [None, 0, MS])
def test_what_comes_after_its_deadline_ends_as_it_comes(host: Host, decoding_ns: int | None) -> None:
    """The network took longer than there was time; nothing is run for it, and the next frame is not held up."""
    late, fine = SimulatedFrame("a", 0, 50 * MS, arrival_ns=60 * MS, decoding_ns=decoding_ns), frame(61)
    played = play([late, fine], host=host)
    assert late.outcome in {Outcome.EXPIRED, Outcome.REJECTED}
    assert (late.answered_ns, late.batch_size) == (60 * MS, 0)
    assert fine.outcome is Outcome.OK
    assert len(played.batches) == 1


def test_an_ideal_host_refuses_nobody_on_arrival() -> None:
    """What cannot be in time is let go when the device is asked."""
    (only,) = play([frame(0, 2)]).frames
    assert (only.outcome, only.batch_size) == (Outcome.EXPIRED, 0)


def test_a_newer_live_frame_takes_the_place_of_one_that_waits() -> None:
    """Not of one that runs, and not of another camera's."""
    frames = [frame(0, live=True), frame(1, live=True), frame(2, live=True), frame(2, camera="b", live=True)]
    outcomes = [each.outcome for each in play(frames).frames]
    assert outcomes == [Outcome.OK, Outcome.SUPERSEDED, Outcome.OK, Outcome.OK]


def test_a_frame_of_many_rows_is_answered_with_its_last_one() -> None:
    """Ten rows take a batch of eight, 10 ms, and one of two, 4 ms."""
    played = play([frame(0, rows=10)])
    assert batches_of(played) == [(0, 10, 8), (10, 14, 2)]
    assert (played.frames[0].outcome, played.frames[0].answered_ns) == (Outcome.OK, 14 * MS)


def test_a_frame_that_comes_back_late_has_expired_at_its_deadline() -> None:
    """The device takes ten times what the policy is told: 30 ms, and 20 there were."""
    slow = DeviceModel(
        name="slow", table=LatencyTable(TABLE.buckets, (30 * MS, 40 * MS, 60 * MS, 100 * MS)), told=TABLE
    )
    (only,) = play([frame(0, 20)], device=slow).frames
    assert (only.outcome, only.answered_ns, only.finished_ns) == (Outcome.EXPIRED, 20 * MS, 30 * MS)


def test_every_eighth_frame_is_tried_where_only_the_estimates_stand_in_its_way() -> None:
    """The policy is told ten times what the device takes; one probe shows it, and all that follow are answered."""
    told = LatencyTable(TABLE.buckets, (30 * MS, 40 * MS, 60 * MS, 100 * MS))
    frames = [frame(100 * number, 20) for number in range(40)]
    played = play(frames, device=DeviceModel(name="quick", table=TABLE, told=told), host=PLAIN)
    outcomes = [each.outcome for each in played.frames]
    assert outcomes[:8] == [Outcome.REJECTED] * 7 + [Outcome.OK]
    assert Outcome.REJECTED not in outcomes[32:]


def test_a_frame_that_decodes_past_its_deadline_ends_there() -> None:
    """Its camera is told at the deadline, not when the decoder is done."""
    slow = frame(0, 20)
    slow.decoding_ns = 500 * MS
    play([slow], host=PLAIN)
    assert (slow.outcome, slow.answered_ns, slow.ready_ns) == (Outcome.EXPIRED, 20 * MS, 0)


def test_a_frame_that_decodes_past_its_deadline_stands_in_nobodys_way_after_it() -> None:
    """Eight rows that will never be there, and a frame that has time for itself alone."""
    slow, other = frame(0, 20, rows=8), frame(30, 12)
    slow.decoding_ns = 500 * MS
    play([slow, other], host=PLAIN)
    assert (slow.outcome, other.outcome) == (Outcome.EXPIRED, Outcome.OK)


def test_what_waits_too_long_for_a_decoder_is_given_up() -> None:
    """One decoder, 10 ms a picture, 3 on the device: of six with 42 ms each four are decoded and three are in time."""
    host = Host(decoders=1, decode=Fixed(10 * MS), before=NOTHING, after=NOTHING, margin_ns=0, slack_ns=0)
    played = play([frame(0, 42, camera) for camera in "abcdef"], host=host)
    assert [each.ready_ns / MS for each in played.frames] == [10, 20, 30, 40, 0, 0]
    assert [each.outcome for each in played.frames] == [Outcome.OK] * 3 + [Outcome.EXPIRED] * 3
    assert [each.answered_ns / MS for each in played.frames[3:]] == [40, 40, 40]
    assert played.decoders.busy_ns == 40 * MS


def test_what_becomes_hopeless_while_the_device_is_busy_is_told_at_once() -> None:
    """Four more urgent rows take the batch behind the one that runs, and leave no time for a frame that was let in."""
    runs, waits, urgent = frame(0, 100, rows=8), frame(1, 19.8), frame(2, 18.6, rows=4)
    play([runs, waits, urgent], host=PLAIN)
    assert [each.outcome for each in (runs, waits, urgent)] == [Outcome.OK, Outcome.EXPIRED, Outcome.OK]
    assert waits.answered_ns == urgent.dispatched_ns < runs.finished_ns


def test_the_policy_knows_what_answering_takes_now() -> None:
    """It took 1 ms, then 5: answers are planned with that and the margin."""
    after = SeenAt((0, 1000 * MS), (MS, 5 * MS))
    host = Host(before=NOTHING, after=after, margin_ns=2 * MS, slack_ns=0)
    early = play([frame(4 * at) for at in range(100)], host=host).policy.after_ns
    late = play([frame(4 * at) for at in range(500)], host=host).policy.after_ns
    assert early == pytest.approx(3 * MS, rel=0.02)
    assert late == pytest.approx(7 * MS, rel=0.02)


def test_the_next_batch_is_handed_over_as_early_as_filling_takes_now() -> None:
    """It took 1 ms, then 3: the lead over the end of the batch before follows."""
    before = SeenAt((0, 1000 * MS), (MS, 3 * MS))
    host = Host(before=before, after=NOTHING, margin_ns=0, slack_ns=0)
    played = play([frame(2 * at) for at in range(1000)], host=host)
    leads_ms = [(b.finished_ns - c.dispatched_ns) / MS for b, c in pairwise(played.batches)]
    assert max(leads_ms[60:120]) == pytest.approx(1, rel=0.05)
    assert max(leads_ms[-100:]) == pytest.approx(3, rel=0.05)


class Patient:
    """A policy that waits until 50 ms for a reason of its own, then runs one frame after the other.

    Attributes:
        asked_ns: when it was asked, of a host that needs no time.
    """

    def __init__(self) -> None:
        self.asked_ns: list[int] = []
        self.after_ns = 0
        self.estimate = ServiceEstimate(TABLE)

    def arrived(self, now_ns: int, rows: int) -> None:
        """Nothing is learned."""

    def ready(self, camera: str, now_ns: int, deadline_ns: int, rows: int, next_ns: int) -> None:
        """Likewise."""

    def taken(self, cameras: object) -> None:
        """Likewise."""

    def decide(self, pending: Pending[SimulatedFrame], start_ns: int) -> Decision:
        """Wait, then run."""
        self.asked_ns.append(start_ns)
        if start_ns < 50 * MS:
            return WaitUntil(50 * MS)
        return Run(1, 1) if len(pending) else WaitUntil(None)


def patient(*, slack_ns: int) -> Patient:
    """Answer it after one frame was played on a host that wakes so late."""
    policy = Patient()
    host = Host(before=NOTHING, after=NOTHING, margin_ns=0, slack_ns=slack_ns, lanes=1, admits=False)
    Simulation([frame(10, 90)], policy=cast("Policy", policy), device=DEVICE, host=host, seed=3).play()
    return policy


def test_a_policy_that_waits_is_asked_again_when_it_wants() -> None:
    """By a host that wakes in time, at that time; and when the batch has finished."""
    assert patient(slack_ns=0).asked_ns == [10 * MS, 50 * MS, 53 * MS]


def test_a_host_that_wakes_late_asks_earlier() -> None:
    """By as much as it may be late, as the server does; each time a little later than it wanted."""
    asked_ns = patient(slack_ns=4 * MS).asked_ns
    first, again, *_, run, _ = asked_ns
    assert first == 10 * MS
    assert 46 * MS <= again < 50 * MS
    assert 50 * MS <= run < 55 * MS
    assert all(MS <= after - before < 5 * MS for before, after in pairwise(asked_ns[1:-1]))


def test_it_shows_its_state() -> None:
    """For debugging."""
    played = play([frame(0)])
    assert repr(played).startswith("Simulation(1 frames, InFlight(0 of 1")
    assert repr(played.batches) == "[Batch(1 in 1)]"
    assert repr(played.frames) == "[SimulatedFrame(a at 0, OK)]"


# What always holds -----------------------------------------------------------------------------------------------


@given(traffic(), hosts, st.sampled_from((DEVICE, NOISY)), st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_frame_ends_once_and_in_order(
    frames: list[SimulatedFrame],
    host: Host,
    device: DeviceModel,
    fair: bool,  # noqa: FBT001 - drawn
) -> None:
    """Not before it arrived, by its deadline, in batches of a size that the device knows, one after the other."""
    played = play(frames, host=host, device=device, fair=fair)
    for each in played.frames:
        assert each.outcome is not None
        assert each.arrival_ns <= each.answered_ns <= each.deadline_ns
        if each.outcome is Outcome.OK:
            assert each.arrival_ns <= each.ready_ns <= each.dispatched_ns <= each.started_ns
            assert each.started_ns < each.finished_ns <= each.answered_ns
            assert each.rows_left == 0
    for batch in played.batches:
        assert 1 <= len(batch.frames) <= batch.bucket
        assert batch.bucket in TABLE.buckets
        assert batch.dispatched_ns <= batch.submitted_ns <= batch.started_ns
    for batch, following in pairwise(played.batches):
        assert batch.finished_ns <= following.started_ns
    assert "preparing=0, ready=0, live=0" in repr(played)
    rows = sum(len(batch.frames) for batch in played.batches)
    assert rows <= sum(each.rows for each in frames)


@pytest.mark.parametrize("fair", [False, True])
def test_an_ideal_host_runs_nothing_in_vain_and_beats_no_clairvoyant(fair: bool) -> None:  # noqa: FBT001
    """With exact service times; the clairvoyant's best is computed, not simulated."""
    for trace in fuzzed(8, seed=5):
        frames = [frame(time_ns / MS, trace.deadline_ns / MS, camera) for time_ns, camera in trace.arrivals]
        played = play(frames, device=DeviceModel(name=trace.name, table=trace.table()), fair=fair)
        good = sum(each.outcome is Outcome.OK for each in played.frames)
        best = most_in_time([each.arrival_ns for each in frames], trace.deadline_ns, trace.table().by_size_ns)
        assert all(each.outcome is Outcome.OK for batch in played.batches for each in batch.frames)
        assert 0 < good <= best


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_gives_the_same_log(seed: int) -> None:
    """Of a noisy device behind a noisy host."""
    host = Host(decoders=1, decode=Lognormal(MS, 0.5), before=Lognormal(MS, 1), after=Lognormal(MS, 1))
    first, again, other = (
        play([frame(number, 15, str(number % 5)) for number in range(40)], host=host, device=NOISY, seed=each)
        for each in (seed, seed, seed + 1)
    )
    assert log_of(first) == log_of(again)
    assert log_of(first) != log_of(other)


@given(traffic())
@settings(max_examples=50, deadline=None)
def test_names_of_cameras_do_not_matter(frames: list[SimulatedFrame]) -> None:
    """Without fairness the same frames are served whoever sent them."""
    renamed = [
        frame(f.arrival_ns / MS, (f.deadline_ns - f.arrival_ns) / MS, f"x{f.camera}", live=f.live, rows=f.rows)
        for f in frames
    ]
    assert log_of(play(frames, host=PLAIN)) == log_of(play(renamed, host=PLAIN))
