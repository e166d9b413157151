"""framebatch.batching.batcher when things go wrong or end: failing batches, late ones, wrong estimates, draining."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from test_batcher import FAST, MS, SECOND, Rig, make

from framebatch.clock import now_ns
from framebatch.errors import DeviceError, InvalidFrame
from framebatch.frame import Frame, Outcome
from framebatch.profile import LatencyTable
from framebatch.testing import NOTHING, FakeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["make"]


@pytest.mark.parametrize("error", [DeviceError("out of memory"), ZeroDivisionError("out of memory")])
async def test_a_failing_batch_fails_alone(make: Callable[..., Rig], error: Exception) -> None:
    """Its frames are answered FAILED with the reason, and the next batch is run."""
    rig = make()
    rig.submit(0)
    first = await rig.step(0)
    rig.submit(1, 2)
    await asyncio.sleep(0)
    rig.finish(first, error=error)
    rig.finish(await rig.step(1))
    frames = await rig.replies.wait(3)
    assert rig.outcomes() == {0: Outcome.FAILED, 1: Outcome.OK, 2: Outcome.OK}
    assert (frames[0].reason, rig.decoders.held) == ("detection failed: out of memory", set())


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (InvalidFrame("a broken JPEG"), Outcome.INVALID, "a broken JPEG"),
        (OSError("no space"), Outcome.FAILED, "decoding failed: no space"),
    ],
)
async def test_a_broken_picture_harms_no_other(
    make: Callable[..., Rig], error: Exception, outcome: Outcome, reason: str
) -> None:
    """It is answered with what is wrong; frames that came with it are detected."""
    rig = make(instant=False)
    _, broken, _ = rig.submit(0, 1, 2)
    rig.decoders.finish()
    rig.decoders.finish(error=error)
    rig.decoders.finish()
    assert (broken.outcome, broken.reason) == (outcome, reason)
    rig.finish(await rig.step(0))
    rig.finish(await rig.step(1))
    await rig.replies.wait(3)
    assert rig.outcomes() == {0: Outcome.OK, 1: outcome, 2: Outcome.OK}


async def test_an_answer_may_end_another_frame(make: Callable[..., Rig]) -> None:
    """A client that gives up its other frame when it hears of a broken one: each has one answer all the same."""
    rig = make(instant=False)
    (second,) = rig.submit(1)
    broken = rig.replies.frame(0)
    reply = broken.reply

    def give_up(frame: Frame) -> None:
        reply(frame)
        rig.batcher.withdraw(second, "given up")

    broken.reply = give_up
    rig.hand_over(broken)
    rig.decoders.frames.reverse()
    rig.decoders.finish(2, error=InvalidFrame("a broken JPEG"))
    assert [(frame.sequence, frame.reason) for frame in rig.replies.frames] == [(0, "a broken JPEG"), (1, "given up")]
    rig.check_sum()


async def test_a_deadline_on_the_device_is_kept(make: Callable[..., Rig]) -> None:
    """The frame is answered EXPIRED when its time comes; the late result is dropped, and the next batch is run."""
    rig = make(table=FAST)
    (frame,) = rig.submit(0, deadline_ms=300)
    step = await rig.step(0)
    await rig.replies.wait(1)
    assert (frame.outcome, frame.reason) == (Outcome.EXPIRED, "the deadline came while the frame was on the device")
    rig.finish(step)
    rig.submit(1)
    rig.finish(await rig.step(1))
    await rig.replies.wait(2)
    assert [(each.sequence, each.outcome) for each in rig.replies.frames] == [(0, Outcome.EXPIRED), (1, Outcome.OK)]
    rig.batcher.retire("the test is over")
    await rig.batcher.closed()  # the lanes may report the two batches in either order
    assert (frame.detections, rig.decoders.held) == (None, set())


async def test_a_deadline_in_the_decoder_is_kept(make: Callable[..., Rig]) -> None:
    """The same while its picture is being decoded; its pixels are not wanted any more."""
    rig = make(table=FAST, instant=False)
    (frame,) = rig.submit(0, deadline_ms=50)
    await rig.replies.wait(1)
    assert frame.reason == "the deadline came while the frame was being decoded"
    rig.decoders.finish()
    assert (rig.batcher.waiting, rig.batcher.unanswered, rig.decoders.held) == (0, 0, set())


async def test_frames_that_a_slower_device_cannot_save_are_told_early(make: Callable[..., Rig]) -> None:
    """When a batch took far longer than planned, the frames that cannot make it any more are answered at once."""
    rig = make()
    rig.submit(0)
    first = await rig.step(0)
    (tight,) = rig.submit(1, deadline_ms=80_000)
    (patient,) = rig.submit(2)
    await asyncio.sleep(0)
    rig.finish(first, service_ns=1_000 * SECOND)
    assert (await rig.step(1)).batch == [2]
    assert tight.outcome is Outcome.EXPIRED
    start, end = "overload: the device would be ", " ms too late"
    assert tight.reason.startswith(start)
    assert float(tight.reason.removeprefix(start).removesuffix(end)) > 1_000
    assert patient.outcome is None


async def test_a_passing_hiccup_does_not_shut_the_door(make: Callable[..., Rig]) -> None:
    """After one batch that took 10 s frames are refused, but before long one is let in again, and served."""
    rig = make(table=FAST)
    rig.submit(0)
    (await rig.step(0)).finish(service_ns=10 * SECOND)
    await rig.replies.wait(1)
    refused = 0
    while rig.submit(1, deadline_ms=60)[0].outcome is Outcome.REJECTED:
        refused += 1
        assert refused < 30
    assert refused > 0
    assert rig.batcher.unanswered == 1


async def test_a_table_that_was_measured_too_high_is_corrected(make: Callable[..., Rig]) -> None:
    """A device said to take 200 ms that takes 20 serves budgets of 100 ms once a few frames have been tried."""
    rig = make(table=LatencyTable.linear(alpha_ns=199e6, beta_ns=1e6, buckets=(1, 2, 4)))
    tried = 0
    for number in range(400):
        frame = rig.submit(number, deadline_ms=100)[0]
        if frame.outcome is None:
            (await rig.step(tried)).finish(service_ns=20 * MS)
            await rig.replies.wait(number + 1)
            tried += 1
    assert [frame.outcome for frame in rig.replies.frames[-20:]] == [Outcome.OK] * 20


async def test_decoding_that_was_slow_once_does_not_shut_the_door(make: Callable[..., Rig]) -> None:
    """The same for a picture that was ready only after 10 s."""
    rig = make(table=FAST, instant=False)
    slow = rig.replies.frame(0)
    slow.arrival_ns -= 10 * SECOND
    rig.hand_over(slow)
    rig.decoders.finish()
    rig.finish(await rig.step(0))
    await rig.replies.wait(1)
    refused = 0
    while rig.submit(1, deadline_ms=60)[0].outcome is Outcome.REJECTED:
        refused += 1
        assert refused < 40
    assert refused > 0


async def test_draining_finishes_what_was_accepted(make: Callable[..., Rig]) -> None:
    """Frames on the device, waiting and being decoded are answered; new ones are refused meanwhile."""
    rig = make(instant=False)
    rig.submit(0)
    rig.decoders.finish()
    first = await rig.step(0)
    rig.submit(1, 2)
    rig.decoders.finish()
    draining = asyncio.create_task(rig.batcher.drain(600))
    await asyncio.sleep(0)
    (late,) = rig.submit(3)
    assert (late.outcome, late.reason) == (Outcome.REJECTED, "the server is shutting down")
    rig.decoders.finish()
    rig.finish(first)
    assert not draining.done()
    rig.finish(await rig.step(1))
    await draining
    assert rig.outcomes() == {3: Outcome.REJECTED, 0: Outcome.OK, 1: Outcome.OK, 2: Outcome.OK}
    rig.check_sum()


async def test_draining_has_an_end(make: Callable[..., Rig]) -> None:
    """What is not finished in time is refused, whatever its stage; a late result is dropped."""
    rig = make(instant=False)
    rig.submit(0)
    rig.decoders.finish()
    first = await rig.step(0)
    rig.submit(1, 2)
    rig.decoders.finish()
    await rig.batcher.drain(0)
    assert rig.outcomes() == dict.fromkeys(range(3), Outcome.REJECTED)
    rig.check_sum()
    rig.finish(first)
    await rig.batcher.drain(0)
    assert len(rig.replies.frames) == 3


async def test_an_idle_batcher_drains_at_once(make: Callable[..., Rig]) -> None:
    """There is nothing to wait for."""
    await make().batcher.drain(600)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_each_frame_has_one_answer(make: Callable[..., Rig], seed: int) -> None:
    """Cameras of both modes, broken pictures, clients that leave, batches that fail, short and long deadlines."""
    chance = random.Random(seed)  # noqa: S311 - a test needs no secrecy

    def detect(batch: Sequence[object]) -> FakeResult:
        if chance.random() < 0.1:
            raise DeviceError("by chance")
        now = now_ns()
        return FakeResult([NOTHING] * len(batch), len(batch), now, now, now, now)

    rig = make(table=FAST, instant=False, detect=detect)
    frames: list[Frame] = []
    for sequence in range(300):
        live, camera = chance.random() < 0.5, chance.choice("abc")
        deadline_ms = chance.choice([0.1, 3.0, 10.0, 600_000.0])
        frames += rig.submit(sequence, live=live, camera=camera, deadline_ms=deadline_ms)
        if chance.random() < 0.5:
            broken = chance.random() < 0.2
            rig.decoders.finish(chance.randrange(5), error=InvalidFrame("broken") if broken else None)
        if chance.random() < 0.1:
            rig.batcher.withdraw(chance.choice(frames), "gone")
        if chance.random() < 0.7:
            await asyncio.sleep(0)
        rig.check_sum()
    while rig.decoders.frames:
        rig.decoders.finish()
    await rig.batcher.drain(600)
    rig.check_sum()
    assert sorted(frame.sequence for frame in rig.replies.frames) == list(range(300))
    assert {frame.sequence: frame.outcome for frame in frames} == rig.outcomes()
    assert rig.decoders.held == set()
