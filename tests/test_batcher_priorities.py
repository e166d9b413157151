"""framebatch.batching.batcher: classes and hints reach the policy, and cameras that do not fit are told so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_batcher import FAST, MS, Rig

from framebatch.frame import Outcome, Priority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from framebatch.frame import Frame


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Answer a batcher between fakes, whose decoders wait to be told."""
    rig = Rig(table=FAST, instant=False)
    yield rig
    rig.close()


def overload(rig: Rig) -> None:
    """Let the policy believe that it is asked for three times what the device does."""
    policy = rig.batcher.policy
    policy._rate_per_ns = 3 * FAST.max_batch / FAST.service_ns[-1]
    policy._load_window_ns = 1 << 60
    policy._window_start_ns = rig.replies.frame().arrival_ns


async def test_the_class_of_the_last_frame_holds(rig: Rig) -> None:
    """It is the camera's: also one that is refused says it, and a later one takes it back."""
    shares = rig.batcher.policy.shares
    for priority, deadline_ms in ((Priority.BEST_EFFORT, 0.1), (Priority.NORMAL, 600_000.0)):
        frame = rig.replies.frame(camera="press", deadline_ms=deadline_ms)
        frame.priority = priority
        rig.hand_over(frame)
        assert shares.priority("press") is priority


async def test_a_hint_counts_from_the_arrival_and_the_policy_hears_of_pixels(rig: Rig) -> None:
    """The next frame is due when it will have been decoded, by what decoding takes on average."""
    frame = rig.replies.frame(camera="press")
    frame.next_frame_ns = 40 * MS
    rig.hand_over(frame)
    rig.decoders.finish()
    rhythm = rig.batcher.policy.arrivals._rhythms["press"]
    assert rhythm.due_ns == frame.arrival_ns + 40 * MS + round(rig.batcher._decode.mean_ns)


async def test_a_refused_frame_counts_for_its_cameras_share(rig: Rig) -> None:
    """So a camera whose frames come at a bad moment is preferred the next time."""
    rig.submit(0, camera="press", deadline_ms=0.1)
    assert rig.outcomes() == {0: Outcome.REJECTED}
    assert rig.batcher.policy.shares.share("press") < 1


def lose(rig: Rig, *, frames: int = 12) -> list[Frame]:
    """Submit frames of a camera, for which the device would need longer than they have."""
    return rig.submit(*range(frames), camera="press", deadline_ms=0.1)


async def test_a_camera_that_does_not_fit_is_told_and_counted(rig: Rig) -> None:
    """After some lost frames under overload the reason says what the device carries and what the camera got."""
    overload(rig)
    frames = lose(rig)
    assert "lately got" not in frames[0].reason
    reason = frames[-1].reason
    assert reason.startswith("cannot be answered in time: ")
    assert "ms on an idle device; the device carries " in reason
    assert reason.endswith(" a second and lately got 0% answered")
    assert rig.batcher.cameras_not_fitting == 1


async def test_a_camera_that_expired_waiting_is_told_too(rig: Rig) -> None:
    """At its deadline a frame that waits has the same addition."""
    overload(rig)
    lose(rig)
    (frame,) = rig.submit(99, camera="press", deadline_ms=30)
    rig.batcher.policy.limit_batch(1)
    rig.batcher._pending.make_ready(frame)
    frame.ready_ns = frame.arrival_ns
    await rig.replies.wait(13)
    assert frame.outcome is Outcome.EXPIRED
    assert "lately got 0% answered" in frame.reason


async def test_without_overload_nobody_is_told(rig: Rig) -> None:
    """Then the budget alone is the reason."""
    assert all("lately" not in frame.reason for frame in lose(rig))
    assert rig.batcher.cameras_not_fitting == 0


async def test_a_frame_that_is_passed_over_is_told_so() -> None:
    """It could be in time alone; under overload the batch is for eight others that have more time."""
    rig = Rig(instant=False)
    overload(rig)
    (tight,) = rig.submit(0, deadline_ms=13_000)
    rig.submit(*range(1, 9))
    rig.decoders.finish(9)
    assert (await rig.step(0)).batch == list(range(1, 9))
    assert tight.outcome is Outcome.EXPIRED
    assert tight.reason == "overload: the batch is full of frames with more time, or of a better class"
    rig.close()
