"""framebatch.scheduling.policy where frames can be expected, cameras have classes, and shares are kept fair."""

from __future__ import annotations

import pytest
from policy_simulation import Item, simulate
from traces import Slowdown, Trace

from framebatch.profile import LatencyTable
from framebatch.scheduling import Pending, Policy, PolicyOptions, Priority, Run, ServiceEstimate, WaitUntil, Why

MS = 1_000_000
TIGHT = LatencyTable.linear(alpha_ns=6 * MS, beta_ns=3 * MS, buckets=range(1, 33))


def taught(*, cameras: int = 4, period_ms: int = 100, frames: int = 20, options: PolicyOptions | None = None) -> Policy:
    """Answer a policy that has seen cameras a millisecond apart, the last time `period_ms` before the time 0."""
    policy = Policy(ServiceEstimate(TIGHT), options=options or PolicyOptions())
    for frame in range(-frames, 0):
        for camera in range(cameras):
            now = (frame * period_ms + camera) * MS
            policy.arrived(now)
            policy.ready(str(camera), now, now + 22 * MS)
    return policy


def waiting(*items: tuple[str, int]) -> Pending[Item]:
    """Answer frames of these cameras with these deadlines in ms."""
    pending: Pending[Item] = Pending()
    for camera, deadline_ms in items:
        item = Item(0, camera, deadline_ms * MS)
        pending.accept(item)
        pending.make_ready(item)
    return pending


def periodic(*, cameras: int, period_ms: int, frames: int, slowdown: Slowdown | None = None) -> Trace:
    """Answer cameras that run free with phases without order."""
    arrivals = sorted(
        (round((frame + (camera**2 * 0.137) % 1) * period_ms * MS), str(camera))
        for camera in range(cameras)
        for frame in range(frames)
    )
    return Trace(
        name="made-up",
        family="periodic",
        alpha_ns=6 * MS,
        beta_ns=3 * MS,
        max_batch=32,
        deadline_ns=33 * MS,
        arrivals=tuple(arrivals),
        slowdown=slowdown,
    )


def test_it_waits_for_frames_that_are_about_to_come() -> None:
    """Three more in three milliseconds make one batch of four; later they would need one of their own."""
    policy = taught()
    policy.ready("0", 0, 22 * MS)
    decision = policy.decide(waiting(("0", 22)), 0)
    assert isinstance(decision, WaitUntil)
    assert decision.time_ns is not None
    assert 0 < decision.time_ns <= 4 * MS


@pytest.mark.parametrize("options", [PolicyOptions(predict=False), PolicyOptions(look_ahead=False)])
def test_without_the_idea_it_does_not_wait(options: PolicyOptions) -> None:
    """What is switched off has no effect."""
    policy = taught(options=options)
    policy.ready("0", 0, 22 * MS)
    assert policy.decide(waiting(("0", 22)), 0) == Run(1, 1)


def test_it_waits_for_nobody_when_the_head_would_be_lost() -> None:
    """An urgent frame goes at once."""
    policy = taught()
    policy.ready("0", 0, 9 * MS)
    decision = policy.decide(waiting(("0", 9)), 0)
    assert isinstance(decision, Run)
    assert (decision, decision.why) == (Run(1, 1), Why.DEADLINE)


def test_it_waits_no_longer_where_nobody_is_expected_soon() -> None:
    """There is time, and the plan says that it would be waited in vain."""
    policy = taught()
    for number in range(4):
        policy.ready(str(number), number * MS, (number + 22) * MS)
    decision = policy.decide(waiting(*((str(number), 30) for number in range(4))), 3 * MS)
    assert isinstance(decision, Run)
    assert (decision.count, decision.why) == (4, Why.PREDICTED)


def test_expecting_frames_serves_more() -> None:
    """On cameras that run free, at a little more than the device can do."""
    trace = periodic(cameras=24, period_ms=100, frames=60)
    with_it, without = (
        simulate(trace, Policy(ServiceEstimate(trace.table()), options=PolicyOptions(predict=predict)))
        for predict in (True, False)
    )
    assert with_it.good > 1.01 * without.good
    assert with_it.late == without.late == 0


def test_a_device_that_becomes_slower_is_followed() -> None:
    """After the change, once learned, little is run in vain."""
    trace = periodic(cameras=8, period_ms=100, frames=100, slowdown=Slowdown(from_ns=5000 * MS, factor=1.5))
    result = simulate(trace, Policy(ServiceEstimate(trace.table())))
    assert result.late < 12
    assert result.good > 0.95 * len(trace.arrivals)


def test_batches_are_short_for_critical_cameras_until_they_have_been_silent_for_long() -> None:
    """Half of a critical budget of 24 ms is a batch of 2, and of 32 ten minutes later: the camera may have gone."""
    table = LatencyTable.linear(alpha_ns=6 * MS, beta_ns=3 * MS, buckets=range(1, 33))
    policy = Policy(ServiceEstimate(table))
    policy.shares.classify("press", Priority.CRITICAL)
    for camera in ("a", "b", "press"):
        policy.ready(camera, 0, 24 * MS)
    for minutes, size, why in ((0, 2, Why.CRITICAL), (9, 2, Why.CRITICAL), (10, 32, Why.FULL)):
        now = minutes * 60_000 * MS
        pending: Pending[Item] = Pending()
        for _ in range(40):
            item = Item(0, "a", now + 1000 * MS)
            pending.accept(item)
            pending.make_ready(item)
        decision = policy.decide(pending, now)
        assert isinstance(decision, Run)
        assert (decision.count, decision.why) == (size, why)


def test_fairness_leaves_no_camera_out() -> None:
    """At far more than the device can do every camera has its share, which without fairness some have not."""
    trace = periodic(cameras=40, period_ms=100, frames=60)
    least = {
        fair: simulate(trace, Policy(ServiceEstimate(trace.table()), options=PolicyOptions(fair=fair))).fairness()
        for fair in (False, True)
    }
    assert least[False] < 0.1
    assert least[True] > 0.6


def test_critical_cameras_lose_nothing() -> None:
    """Three of thirty, at one and a half times what the device can do."""
    trace = periodic(cameras=30, period_ms=100, frames=60)
    policy = Policy(ServiceEstimate(trace.table()))
    for camera in ("3", "13", "23"):
        policy.shares.classify(camera, Priority.CRITICAL)
    result = simulate(trace, policy)
    assert all(result.served[camera] == result.sent[camera] for camera in ("3", "13", "23"))


@pytest.mark.parametrize("priority", list(Priority))
@pytest.mark.parametrize("fair", [False, True])
def test_the_same_class_for_all_is_no_class(priority: Priority, *, fair: bool) -> None:
    """Where all cameras say that they are critical, each gets what it would get as a normal one, frame by frame."""
    trace = periodic(cameras=30, period_ms=100, frames=40)
    policies = [Policy(ServiceEstimate(trace.table()), options=PolicyOptions(fair=fair)) for _ in range(2)]
    for camera in {camera for _, camera in trace.arrivals}:
        policies[1].shares.classify(camera, priority)
    normal, special = (simulate(trace, policy) for policy in policies)
    assert (normal.served, normal.latencies_ns) == (special.served, special.latencies_ns)


def test_best_effort_comes_last() -> None:
    """Under overload the batch is filled with others first."""
    policy = taught(options=PolicyOptions(fair=True))
    policy._rate_per_ns = 10 / MS
    policy.shares.classify("b", Priority.BEST_EFFORT)
    frames = [("b", 40), *((str(at), 40 + at % 2) for at in range(30))]
    decision = policy.decide(waiting(*frames), 0)
    assert isinstance(decision, Run)
    assert decision.chosen is not None
    assert 0 not in decision.chosen


def test_the_chosen_frames_leave() -> None:
    """And the others stay, in order."""
    pending = waiting(("a", 1), ("b", 2), ("c", 3), ("d", 4))
    assert [item.camera for item in pending.take(2, (1, 3))] == ["b", "d"]
    assert pending.cameras(0, 9) == ["a", "c"]
    assert list(pending.deadlines) == [1 * MS, 3 * MS]
