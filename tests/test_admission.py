"""framebatch.scheduling.admission: who is refused on arrival, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_policy import MS, TABLE, Item

from framebatch.scheduling import Pending, Policy, PolicyOptions, Priority, Probes, ServiceEstimate


def overloaded(*, fair: bool = True) -> Policy:
    """Answer a policy that is asked for twice what its device does: 3, 4, 6 and 10 ms for 1, 2, 4 and 8 frames."""
    policy = Policy(ServiceEstimate(TABLE), options=PolicyOptions(fair=fair))
    policy._rate_per_ns = 2 * TABLE.max_batch / TABLE.service_ns[-1]
    policy.shares.load = policy.load
    return policy


def waiting(*frames: tuple[str, int]) -> Pending[Item]:
    """Answer ready frames of these cameras with deadlines in these milliseconds."""
    pending: Pending[Item] = Pending()
    for number, (camera, deadline_ms) in enumerate(frames):
        item = Item(number, deadline_ms * MS, camera)
        pending.accept(item)
        pending.make_ready(item)
    return pending


def ask(policy: Policy, pending: Pending[Item], deadline_ms: int, camera: str = "new", start_ms: int = 0) -> str | None:
    """Answer why a frame that comes at 0 is refused."""
    return policy.refusal(pending, deadline_ms * MS, ready_ns=0, start_ns=start_ms * MS, now_ns=0, camera=camera)


def served(policy: Policy, camera: str, share: float) -> None:
    """Let a hundred frames of a camera come, and so many of them be served."""
    for frame in range(100):
        policy.shares.came(camera)
        if frame < 100 * share:
            policy.shares.served(camera)


def test_a_frame_that_the_next_batch_will_pass_over_is_refused() -> None:
    """Eight others have more time, so the next batch ends at 15 ms; the budget named is in it."""
    policy, pending = overloaded(), waiting(*[("a", 30)] * 8)
    reason = ask(policy, pending, 12, start_ms=5)
    assert reason == (
        "cannot be answered in time: the next batch is full of frames with more time; "
        "the smallest budget that fits is 15 ms"
    )
    assert ask(policy, pending, 15, start_ms=5) is None


def test_without_overload_it_is_taken_in() -> None:
    """Then nobody is passed over."""
    policy, pending = overloaded(), waiting(*[("a", 30)] * 8)
    policy._rate_per_ns = 0.0
    assert ask(policy, pending, 12, start_ms=5) is None


def test_frames_that_will_be_passed_over_are_not_ahead() -> None:
    """Sixteen with little time do not keep out one with much; while the device keeps up, they do."""
    pending = waiting(*[("a", 6)] * 16, *[("b", 30)] * 8)
    assert ask(overloaded(), pending, 28) is None
    policy = overloaded()
    policy._rate_per_ns = 0.0
    assert ask(policy, pending, 20) is not None


def test_a_camera_that_got_less_than_others_is_let_in() -> None:
    """It is chosen before those ahead, so they do not count; without fairness nobody is."""
    for fair, let_in in ((True, True), (False, False)):
        policy, pending = overloaded(fair=fair), waiting(*[("a", 24)] * 20)
        served(policy, "a", 0.8)
        served(policy, "poor", 0.2)
        served(policy, "rich", 1.0)
        assert (ask(policy, pending, 25, "poor") is None) is let_in
        assert ask(policy, pending, 25, "rich") is not None


def test_only_critical_frames_are_ahead_of_a_critical_one() -> None:
    """A hundred normal frames do not keep it out, seventeen critical ones do."""
    policy = overloaded()
    for camera in ("c", "d"):
        policy.shares.classify(camera, Priority.CRITICAL)
    for camera in ("c", "a", "e", "d", "n", "f", "g", "h", "i", "j") * 50:
        policy.shares.came(camera)
        if camera in "cn":
            policy.shares.served(camera)
    assert ask(policy, waiting(*[("a", 12)] * 100), 12, "c") is None
    assert ask(policy, waiting(*[("a", 12)] * 100), 12, "n") is not None
    reason = ask(policy, waiting(*[("a", 20)] * 3, *[("d", 20)] * 17), 20, "c")
    assert reason is not None
    assert "17 frames are ahead" in reason


def test_frames_of_best_effort_are_ahead_of_their_like_only() -> None:
    """Twenty of them keep out one more of them, and no normal one, however little they got so far."""
    policy, pending = overloaded(), waiting(*[("low", 24)] * 20)
    for camera in ("low", "lower"):
        policy.shares.classify(camera, Priority.BEST_EFFORT)
    served(policy, "lower", 0.0)
    served(policy, "low", 0.5)
    served(policy, "normal", 1.0)
    assert ask(policy, pending, 25, "normal") is None
    assert ask(policy, pending, 25, "lower") is not None


@given(
    deadlines_ms=st.lists(st.integers(0, 40), max_size=30),
    budget_ms=st.integers(0, 40),
    start_ms=st.integers(0, 20),
    fair=st.booleans(),
)
def test_who_comes_back_with_the_budget_named_is_taken_in(
    deadlines_ms: list[int], budget_ms: int, start_ms: int, *, fair: bool
) -> None:
    """In the same situation, after some steps under overload: more frames are ahead of later deadlines."""
    policy, pending = overloaded(fair=fair), waiting(*[("a", each) for each in deadlines_ms])
    reason = ask(policy, pending, budget_ms, start_ms=start_ms)
    for _ in range(len(deadlines_ms) + TABLE.max_batch):
        if reason is None:
            break
        named_ms = int(reason.partition("fits is ")[2].split()[0])
        assert named_ms > budget_ms
        budget_ms = named_ms
        reason = ask(policy, pending, budget_ms, start_ms=start_ms)
    assert reason is None


@pytest.mark.parametrize("priority", list(Priority))
def test_the_same_class_for_all_is_no_class(priority: Priority) -> None:
    """Whatever all are: the answers are those for normal cameras."""
    policies = [overloaded(), overloaded()]
    for camera in ("a", "b", "new"):
        policies[1].shares.classify(camera, priority)
    for policy in policies:
        served(policy, "a", 0.9)
        served(policy, "b", 0.5)
        served(policy, "new", 0.7)
    pending = waiting(*[("a", 24), ("b", 26)] * 9)
    asked = [[ask(policy, pending, budget_ms, start_ms=3) for budget_ms in range(50)] for policy in policies]
    assert asked[0] == asked[1]


def test_every_eighth_frame_that_an_idle_server_turns_away_is_tried() -> None:
    """While it has anything else to do none is, and none of these counts."""
    probes = Probes()
    assert [probes.due(idle=True) for _ in range(16)] == ([False] * 7 + [True]) * 2
    assert not any(probes.due(idle=False) for _ in range(16))
    assert repr(probes) == "Probes(16 turned away)"
