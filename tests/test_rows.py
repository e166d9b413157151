"""framebatch.batching.rows: frames that take several places of a batch, through a real batcher."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from test_batcher import FAST, SECOND, Rig, make

from framebatch.batching.rows import Places, Row, frame_of
from framebatch.clock import now_ns
from framebatch.errors import DeviceError, DeviceMemoryError
from framebatch.frame import Detections, Header, Outcome
from framebatch.profile import LatencyTable
from framebatch.testing import FakeResult, Replies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.frame import Frame, Region

__all__ = ["make"]

OK, FAILED, EXPIRED = Outcome.OK, Outcome.FAILED, Outcome.EXPIRED


def count_rows(header: Header, region: Region | None) -> int:
    """Answer a row for each pixel of the width."""
    return 1 if region is not None else header.width


def merge(found: list[Detections], header: Header, region: Region | None) -> Detections:
    """Join what was found in the rows, as it is."""
    assert count_rows(header, region) == len(found)
    return Detections(
        np.concatenate([each.boxes for each in found]),
        np.concatenate([each.scores for each in found]),
        np.concatenate([each.class_ids for each in found]),
    )


def tiled(make: Callable[..., Rig], **options: Any) -> Rig:
    """Answer a batcher of frames of several rows, which are decoded when told."""
    return make(instant=False, count_rows=count_rows, merge=merge, **options)


def submit(rig: Rig, sequence: int, rows: int, **options: Any) -> Frame:
    """Hand over a frame of so many rows."""
    frame = rig.replies.frame(sequence, **options)
    frame.header = Header(rows, 1, "jpeg")
    return rig.hand_over(frame)


def numbered(batch: Sequence[Any]) -> FakeResult:
    """Find one thing in each row: its class is the row, its score the frame."""
    pairs = [entry if isinstance(entry, tuple) else (entry, 0) for entry in batch]
    found = [
        Detections(np.zeros((1, 4), np.float32), np.full(1, frame, np.float32), np.full(1, row, np.int32))
        for frame, row in pairs
    ]
    now = now_ns()
    return FakeResult(found, len(batch), now, now - 1, now, now)


async def test_a_frame_of_several_rows_has_one_answer(make: Callable[..., Rig]) -> None:
    """Its rows lie side by side in the batch, and what was found in them comes back in their order."""
    rig = tiled(make, detect=numbered)
    submit(rig, 5, 1)
    frame = submit(rig, 7, 4)
    assert rig.batcher.waiting == 5
    rig.decoders.finish(2)
    await rig.replies.wait(2)
    assert (frame.outcome, frame.batch_size, rig.decoders.held) == (OK, 5, set())
    assert frame.detections is not None
    assert (frame.detections.class_ids.tolist(), frame.detections.scores.tolist()) == ([0, 1, 2, 3], [7.0] * 4)
    assert [rows for rows, _, _ in rig.reports] == [5]


async def test_more_rows_than_the_largest_batch(make: Callable[..., Rig]) -> None:
    """They go through one batch after the other, and the frame is answered after the last."""
    rig = tiled(make)
    frame = submit(rig, 0, 19)
    rig.decoders.finish()
    for number in range(3):
        assert frame.outcome is None
        rig.finish(await rig.step(number))
    await rig.replies.wait(1)
    assert [len(step.batch) for step in rig.detect.steps] == [8, 8, 3]
    assert [row for step in rig.detect.steps for row in step.batch] == [(0, row) for row in range(19)]
    assert (frame.outcome, rig.decoders.held) == (OK, set())


async def test_rows_are_counted_on_arrival(make: Callable[..., Rig]) -> None:
    """A frame that would need more batches than there is time for is refused; so is one that finds no room."""
    rig = tiled(make, max_waiting=30)
    fits, late = submit(rig, 0, 8, deadline_ms=20_000), submit(rig, 1, 9, deadline_ms=20_000)
    assert (fits.outcome, late.outcome) == (None, Outcome.REJECTED)
    full = submit(rig, 2, 23)
    assert (full.outcome, full.reason) == (Outcome.REJECTED, "the server is full: 8 frames wait already")
    assert rig.batcher.waiting == 8


async def test_a_newer_live_frame_takes_the_place_of_all_rows(make: Callable[..., Rig]) -> None:
    """While none of them is on the device."""
    rig = tiled(make)
    submit(rig, 0, 1)
    rig.decoders.finish()
    first = await rig.step(0)
    old = submit(rig, 1, 3, live=True)
    rig.decoders.finish()
    submit(rig, 2, 2, live=True)
    rig.decoders.finish()
    assert (old.outcome, rig.batcher.waiting, len(rig.decoders.held)) == (Outcome.SUPERSEDED, 2, 2)
    rig.finish(first)
    second = await rig.step(1)
    rig.finish(second)
    await rig.replies.wait(3)
    assert (second.batch, rig.decoders.held) == ([(2, 0), (2, 1)], set())


async def test_a_row_that_fails_fails_its_frame_once(make: Callable[..., Rig]) -> None:
    """Its other rows leave the queue, frames that shared their batches are answered."""
    rig = tiled(make)
    broken, mate = submit(rig, 0, 10, deadline_ms=500_000), submit(rig, 1, 1)
    rig.decoders.finish(2)
    (await rig.step(0)).finish(error=DeviceError("bad"))
    for number in (1, 2):
        (await rig.step(number)).finish(error=DeviceError("bad"))
    last = await rig.step(3)
    assert [len(step.batch) for step in rig.detect.steps] == [8, 4, 2, 1]
    last.finish(error=DeviceError("bad"))
    after = await rig.step(4)
    assert (broken.outcome, after.batch, rig.batcher.waiting) == (FAILED, [1], 0)
    rig.finish(after)
    await rig.replies.wait(2)
    assert (mate.outcome, rig.decoders.held) == (OK, set())


async def test_pixels_are_kept_until_the_last_batch_has_read_them(make: Callable[..., Rig]) -> None:
    """A frame that expires while a row of it is on the device."""
    rig = tiled(make, table=FAST)
    frame = submit(rig, 0, 9, deadline_ms=300)
    rig.decoders.finish()
    step = await rig.step(0)
    await rig.replies.wait(1)
    assert (frame.outcome, rig.decoders.held) == (EXPIRED, {frame})
    step.finish()
    for each in rig.detect.steps:
        each.finish()
    await rig.batcher._device.finished_for(rig.batcher._dispatch)
    assert (rig.decoders.held, rig.batcher.waiting, repr(rig.batcher._places)) == (
        set(),
        0,
        "Places(0 frames of several rows)",
    )


async def test_a_frame_can_be_withdrawn_as_long_as_a_row_waits(make: Callable[..., Rig]) -> None:
    """What is on the device is run to its end for nobody."""
    rig = tiled(make)
    frame = submit(rig, 0, 9)
    rig.decoders.finish()
    step = await rig.step(0)
    rig.batcher.withdraw(frame, "gone")
    assert (frame.outcome, frame.reason, rig.decoders.held) == (EXPIRED, "gone", {frame})
    rig.finish(step)
    await rig.batcher._device.finished_for(rig.batcher._dispatch)
    assert (rig.decoders.held, len(rig.detect.steps)) == (set(), 1)


async def test_rows_that_are_too_late_are_given_up_together(make: Callable[..., Rig]) -> None:
    """One answer; nothing is left waiting."""
    rig = tiled(make)
    submit(rig, 0, 1)
    rig.decoders.finish()
    first = await rig.step(0)
    late = submit(rig, 1, 3, deadline_ms=80_000)
    rig.decoders.finish()
    await asyncio.sleep(0)
    rig.finish(first, service_ns=1_000 * SECOND)
    await rig.replies.wait(2)
    assert (late.outcome, rig.batcher.waiting, rig.decoders.held) == (EXPIRED, 0, set())


async def test_without_memory_rows_wait_again(make: Callable[..., Rig]) -> None:
    """In smaller batches; a newer live frame takes the place of those that were put back."""
    rig = tiled(make)
    frame = submit(rig, 0, 6, live=True)
    rig.decoders.finish()
    (await rig.step(0)).finish(error=DeviceMemoryError("full"))
    second = await rig.step(1)
    assert len(second.batch) == 4
    newer = submit(rig, 1, 1, live=True)
    rig.decoders.finish()
    second.finish(error=DeviceMemoryError("full"))
    third = await rig.step(2)
    assert (frame.outcome, third.batch, rig.decoders.held) == (Outcome.SUPERSEDED, [1], {newer})
    rig.finish(third)
    await rig.batcher._device.finished_for(rig.batcher._dispatch)
    assert rig.replies.frames == [frame, newer]


async def test_without_memory_for_the_smallest_batch_a_frame_fails_once(make: Callable[..., Rig]) -> None:
    """However many of its rows were in it."""
    rig = tiled(make, table=LatencyTable.linear(alpha_ns=SECOND, beta_ns=SECOND, buckets=(4,)))
    frame, mate = submit(rig, 0, 3), submit(rig, 1, 1)
    rig.decoders.finish(2)
    (await rig.step(0)).finish(error=DeviceMemoryError("full"))
    await rig.replies.wait(2)
    assert (rig.replies.frames, rig.outcomes()) == ([frame, mate], {0: FAILED, 1: FAILED})
    assert rig.decoders.held == set()


@pytest.mark.parametrize(("prepared", "found"), [(["a", "b", "c"], 3), ("pixels", 1)])
async def test_other_pixels_than_announced_are_a_failure(prepared: object, found: int) -> None:
    """Named is what does not fit."""
    places = Places(lambda _: None, count=count_rows, merge=merge)
    frame = Replies().frame()
    frame.header = Header(2, 1, "jpeg")
    places.count(frame)
    frame.prepared = prepared
    assert str(places.spread(frame)) == f"the picture became {found} rows, and 2 were announced"


def test_counting_and_merging_go_together() -> None:
    """One without the other is a mistake of the program."""
    with pytest.raises(ValueError, match="count_rows and merge must be given together"):
        Places(lambda _: None, count=count_rows, merge=None)


async def test_an_entry_knows_its_frame() -> None:
    """Whether it is the frame or a row of it."""
    frame = Replies().frame(4)
    row = Row(frame, 2, None)
    assert frame_of(row) is frame_of(frame) is frame
    assert (repr(row), row.deadline_ns, row.outcome) == (
        "Row(2 of Frame(camera#4, in flight))",
        frame.deadline_ns,
        None,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_each_frame_has_one_answer(make: Callable[..., Rig], seed: int) -> None:
    """Rows that fail, that find no memory, that are late or withdrawn; every OK has all that was found."""
    chance = random.Random(seed)  # noqa: S311 - a test needs no secrecy

    def detect(batch: Sequence[Any]) -> FakeResult:
        if chance.random() < 0.1:
            raise DeviceError("by chance")
        if chance.random() < 0.05:
            raise DeviceMemoryError("by chance")
        return numbered(batch)

    rig = tiled(make, table=FAST, detect=detect)
    frames: list[Frame] = []
    for sequence in range(250):
        deadline_ms = chance.choice([3.0, 20.0, 600_000.0])
        live, camera, rows = chance.random() < 0.3, chance.choice("abc"), chance.choice([1, 1, 2, 5, 13])
        frames.append(submit(rig, sequence, rows, live=live, camera=camera, deadline_ms=deadline_ms))
        if chance.random() < 0.5:
            rig.decoders.finish(chance.randrange(5))
        if chance.random() < 0.1:
            rig.batcher.withdraw(chance.choice(frames), "gone")
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        rig.check_sum()
    rig.decoders.finish(250)
    await rig.replies.wait(250)
    await rig.batcher._device.finished_for(rig.batcher._dispatch)
    assert sorted(frame.sequence for frame in rig.replies.frames) == list(range(250))
    for frame in frames:
        if frame.outcome is OK:
            assert frame.detections is not None
            assert frame.detections.class_ids.tolist() == list(range(frame.rows))
            assert set(frame.detections.scores.tolist()) == {frame.sequence}
    assert (rig.decoders.held, rig.batcher.waiting, rig.batcher._places._rows) == (set(), 0, {})
