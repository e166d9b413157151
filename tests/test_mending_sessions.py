"""framebatch.batching.mending where it is the session that fails, and not a frame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from test_batcher import INSTANT, Rig, make
from test_mending import FAILED, OK, Faulty, quiet, run_all

from framebatch.errors import DeviceMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["make"]


async def test_no_memory_for_one_frame_opens_the_session_anew(make: Callable[..., Rig]) -> None:
    """The frame is FAILED; the next one is served."""
    device = Faulty(room=0)
    rig = device.rig(make)
    assert await run_all(rig, 0) == {0: FAILED}
    assert await run_all(rig, 1) == {0: FAILED, 1: OK}
    assert device.log == ["warm", "reopen", "reopened", "warm"]


async def test_three_in_a_row_are_no_fault_of_theirs(make: Callable[..., Rig]) -> None:
    """The session is tried and opened anew, and the third frame is run again."""
    device = Faulty()
    device.broken = True
    rig = device.rig(make)
    for number in range(3):
        await run_all(rig, number)
    assert rig.outcomes() == {0: FAILED, 1: FAILED, 2: OK}
    assert device.log == ["warm", "reopen", "reopened", "warm"]
    assert (rig.batcher.recovery.counts.reopened, device.health) == (1, [])


async def test_three_poison_frames_open_nothing(make: Callable[..., Rig]) -> None:
    """A session that runs without them works; the third frame fails once more, and its mates are answered."""
    device = Faulty(poison=[0, 1, 2])
    rig = device.rig(make)
    assert await run_all(rig, *range(8)) == {number: FAILED if number < 3 else OK for number in range(8)}
    assert (device.log, rig.batcher.recovery.counts.reopened) == (["warm"], 0)


async def test_a_session_that_only_seems_to_work_is_opened_anew(make: Callable[..., Rig]) -> None:
    """When looking after it has helped nobody."""
    device = Faulty(poison=range(5))
    rig = device.rig(make)
    for number in range(5):
        await run_all(rig, number)
    rig.submit(5)
    device.poison.add(5)
    rig.decoders.finish()
    await rig.replies.wait(6)
    assert device.log == ["warm", "reopen", "reopened", "warm"]


async def test_while_a_session_is_opened_nothing_else_runs(make: Callable[..., Rig]) -> None:
    """Frames that are ready wait, and are served afterwards."""
    device = Faulty()
    device.broken = True
    device.held.clear()
    rig = device.rig(make)
    await run_all(rig, 0)
    await run_all(rig, 1)
    rig.submit(2)
    rig.decoders.finish()
    await device.opening.wait()
    runs = len(device.runs)
    rig.submit(3, 4)
    rig.decoders.finish(2)
    for _ in range(100):
        await asyncio.sleep(0)
    assert (len(device.runs), rig.batcher.unanswered) == (runs, 3)
    device.held.set()
    await rig.replies.wait(5)
    assert rig.outcomes() == {0: FAILED, 1: FAILED, 2: OK, 3: OK, 4: OK}


async def test_a_session_that_stays_broken_fails_everything_and_is_tried_again(make: Callable[..., Rig]) -> None:
    """Whoever waits and whoever comes is FAILED at once; after a successful attempt frames are served again."""
    device = Faulty()
    device.broken = device.irreparable = True
    rig = device.rig(make)
    await run_all(rig, 0)
    await run_all(rig, 1)
    rig.submit(2, 3)
    rig.decoders.finish()
    await rig.replies.wait(4)
    (late,) = rig.submit(4)
    why = "the device failed, and opening the model anew did too: no such device"
    assert rig.outcomes() == dict.fromkeys(range(5), FAILED)
    assert (late.reason, device.health) == (why, [(False, why)])
    assert repr(rig.batcher).startswith(f"Batcher(down: {why}, unanswered=0")
    rig.batcher._dispatch.mending._try_again()
    await quiet(rig)
    assert len(device.health) == 1
    device.irreparable = False
    rig.batcher._dispatch.mending._try_again()
    await quiet(rig)
    assert device.health[1:] == [(True, "")]
    rig.decoders.finish(9)
    assert (await run_all(rig, 5))[5] is OK
    device.broken = device.irreparable = True
    for number in (6, 7, 8):
        await run_all(rig, number)
    assert device.health[2:] == [(False, why)]


async def test_one_repair_at_a_time(make: Callable[..., Rig]) -> None:
    """Two batches that fail together on both lanes bring one."""
    device = Faulty()
    rig = make(table=INSTANT, warm=device.warm, reopen=device.reopen)
    rig.submit(0)
    first = await rig.step(0)
    rig.submit(1)
    second = await rig.step(1)
    for step in (first, second):
        step.finish(error=DeviceMemoryError("full"))
    await quiet(rig)
    assert (rig.outcomes(), device.log) == ({0: FAILED, 1: FAILED}, ["warm"])


async def test_a_closed_batcher_repairs_nothing(make: Callable[..., Rig]) -> None:
    """No timer is left, and no attempt is made."""
    device = Faulty()
    device.broken = device.irreparable = True
    rig = device.rig(make)
    for number in range(3):
        await run_all(rig, number)
    await quiet(rig)
    mending = rig.batcher._dispatch.mending
    rig.batcher._dispatch.leave()
    assert mending._retry_timer is not None
    assert mending._retry_timer.cancelled()
    tries = len(device.log)
    mending._try_again()
    await quiet(rig)
    assert len(device.log) == tries
