"""framebatch.decoding: pictures through real decoder processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from decoder_bench import LONG_WORK, NETWORK, PICTURES, Bench, close, encoded, one, two

from framebatch.decoding.protocol import (
    INVALID,
    MAX_CHUNK,
    PREPARED,
    RESULT_BYTES,
    Result,
    pack_request,
    pack_result,
    unpack_requests,
    unpack_results,
)
from framebatch.decoding.slots import Slots
from framebatch.detection.geometry import Resize
from framebatch.detection.imaging import Prepared, prepare, prepare_rows
from framebatch.detection.tiling import Tiles, plan_tiles
from framebatch.errors import InvalidFrame
from framebatch.frame import EncodedPicture, Outcome, RawPicture, Region

if TYPE_CHECKING:
    from framebatch.frame import Picture

__all__ = ["one", "two"]

PIPE_BUF = 4096


async def test_pixels_are_those_of_the_same_process(two: Bench) -> None:
    """Every kind of picture gives exactly what preparing it here gives, with its geometry, later than it came."""
    frames = {name: two.put(picture, region) for name, (picture, region) in PICTURES.items()}
    await two.wait(len(PICTURES))
    for name, (picture, region) in PICTURES.items():
        expected = prepare(picture, region, resize=NETWORK, color="rgb")
        found = frames[name].prepared
        assert isinstance(found, Prepared), (name, frames[name].error)
        np.testing.assert_array_equal(found.pixels, expected.pixels, err_msg=name)
        assert (name, found.geometry) == (name, expected.geometry)
        assert frames[name].arrival_ns < frames[name].ready_ns
        assert frames[name].picture is None
    assert two.all_slots_free()


async def test_pictures_of_a_batch_lie_in_one_store(one: Bench) -> None:
    """Each has a slot of its own in it, which says where its pixels are."""
    for _ in range(5):
        one.put(PICTURES["jpeg"][0])
    found = [frame.prepared for frame in await one.wait(5)]
    prepared = [each for each in found if isinstance(each, Prepared)]
    assert len({each.slot for each in prepared}) == 5
    assert all(each.store is prepared[0].store for each in prepared)


async def test_a_broken_picture_is_the_senders_fault(one: Bench) -> None:
    """It is delivered with an InvalidFrame that says why; the ones around it are decoded."""
    good = PICTURES["jpeg"][0]
    frames = [one.put(good), one.put(EncodedPicture(good.data[:-30])), one.put(good)]
    await one.wait(3)
    assert [type(frame.error) for frame in frames] == [type(None), InvalidFrame, type(None)]
    assert str(frames[1].error) == (
        f"encoded is a truncated jpeg: it stops after {len(good.data) - 30} bytes without its end mark"
    )
    assert frames[1].prepared is None
    assert one.all_slots_free()


async def test_more_frames_than_slots_wait_their_turn(one: Bench) -> None:
    """Frames whose pixels nobody has released yet hold the others up, and lose none."""
    slots = one.pool.slots.count
    for _ in range(slots + 10):
        one.put(PICTURES["jpeg"][0])
    await one.wait(slots)
    await asyncio.sleep(0)
    assert (len(one.delivered), one.pool.slots.free, one.pool.queued) == (slots, 0, 10)
    for frame in one.delivered[:10]:
        one.pool.release(frame)
    await one.wait(slots + 10)
    assert one.all_slots_free()


async def test_urgent_frames_are_decoded_first(one: Bench) -> None:
    """Those that wait here go in the order of their deadlines."""
    frames = [one.put(PICTURES["jpeg"][0], deadline_ms=1_000_000 - 1_000 * number) for number in range(30)]
    assert await one.wait(30) == frames[::-1]


async def test_a_frame_that_was_answered_is_not_decoded(one: Bench) -> None:
    """Whether it waits or is being worked on, it is not delivered, and its slot comes back."""
    working, waiting = one.put(LONG_WORK), one.put(PICTURES["jpeg"][0], deadline_ms=900_000)
    await one.someone_works()
    for frame in (working, waiting):
        frame.outcome, frame.picture = Outcome.EXPIRED, None
    last = one.put(PICTURES["png"][0], deadline_ms=999_000)
    assert await one.wait(1) == [last]
    assert one.all_slots_free()


async def test_a_large_picture_comes_back_as_its_tiles() -> None:
    """One decoding, a slot for each part, and all of them come back together."""
    tiles = Tiles(width=80, height=80, overlap=0.25)
    bench = Bench(1, tiles=tiles)
    large, small = bench.put(encoded(".png")), bench.put(PICTURES["jpeg"][0])
    region = bench.put(encoded(".png"), Region(10, 10, 100, 60))
    await bench.wait(3)
    for frame, parts in ((large, 7), (region, 3)):
        expected = prepare_rows(encoded(".png"), frame.region, resize=NETWORK, color="rgb", tiles=tiles)
        found = frame.prepared
        assert isinstance(found, list)
        assert len(found) == parts
        assert [row.geometry for row in found] == [row.geometry for row in expected]
        for row, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(row.pixels, wanted.pixels)
    assert isinstance(small.prepared, Prepared)
    assert bench.pool.slots.free == bench.pool.slots.count - 11
    assert bench.all_slots_free()
    close(bench)


async def test_a_picture_of_more_parts_than_can_be_held_is_refused() -> None:
    """Too many tiles altogether, or more than there are slots: the sender is told which, and others are decoded."""
    bench = Bench(1, resize=Resize(width=1280, height=1280), tiles=Tiles(width=16, height=16, overlap=0.0))
    frames = [bench.put(encoded(".png", size=size)) for size in ((240, 240), (400, 400), (16, 16))]
    await bench.wait(3)
    assert [str(frame.error).partition(": ")[0] for frame in frames] == [
        "the picture makes 226 parts, and there is memory for 218",
        "the picture of 400 x 400 pixels makes 625 tiles of 16 x 16; the limit is 256",
        "None",
    ]
    assert [type(frame.error) for frame in frames[:2]] == [InvalidFrame] * 2
    assert bench.all_slots_free()
    close(bench)


async def test_tiles_wait_until_there_are_slots_for_all_of_them() -> None:
    """A frame takes all its slots at once or none."""
    tiles = Tiles(width=80, height=80, overlap=0.25)
    bench = Bench(1, tiles=tiles)
    held = [slot for slot in (bench.pool.slots.take() for _ in range(bench.pool.slots.count - 6)) if slot is not None]
    frame = bench.put(encoded(".png"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (len(plan_tiles(tiles, 200, 120)), bench.pool.slots.free, bench.pool.queued) == (7, 6, 1)
    bench.pool.slots.give_back(held.pop())
    bench.pool._hand_out_soon()
    await bench.wait(1)
    assert (frame.error, bench.pool.slots.free) == (None, 0)
    close(bench)


async def test_it_shows_its_state(one: Bench) -> None:
    """The repr counts decoders, frames and slots."""
    slots = one.pool.slots.count
    expected = f"DecoderPool(1 decoders, queued=0, handed=0, Slots(free={slots} of {slots}, 9216 bytes each))"
    assert repr(one.pool) == expected


def test_a_slot_has_one_holder() -> None:
    """Each is handed out once until it comes back; the one freed last is next; when none is left there is None."""
    slots = Slots(2, height=1, width=2)
    first, second = slots.take(), slots.take()
    assert ({first, second}, slots.take(), slots.free) == ({0, 1}, None, 0)
    assert first is not None
    slots.give_back(first)
    assert (slots.free, slots.take()) == (1, first)
    slots.write(1, b"abcdef")
    assert (slots.pictures[1].tobytes(), repr(slots)) == (b"abcdef", "Slots(free=0 of 2, 6 bytes each)")
    slots.close()


@pytest.mark.parametrize("region", [None, Region(1, 2, 3, 4)])
@pytest.mark.parametrize("picture", [EncodedPicture(b"abc"), RawPicture(b"abc", 1, 1, "rgb")])
def test_requests_survive_their_journey(picture: Picture, region: Region | None) -> None:
    """Packed and unpacked, a request is what it was."""
    message = pack_request([3], 7, picture, region, attached=True)
    message += pack_request([4, 9], 8, picture, None, attached=False)
    first, second = unpack_requests(message)
    assert (first.slots, first.ticket, first.length, first.attached, first.region) == ((3,), 7, 3, True, region)
    assert (second.slots, second.ticket, second.attached, second.region) == ((4, 9), 8, False, None)
    assert first.picture(b"abc") == picture


def test_results_survive_their_journey() -> None:
    """Several to a message; a text that is too long is cut, also in the middle of a character."""
    results = [Result(2, 3, 4, PREPARED, ""), Result(6, 7, 8, INVALID, "é" * 200)]
    first, second = unpack_results(b"".join(map(pack_result, results)))
    assert first == results[0]
    assert second[:4] == results[1][:4]
    assert second.text == "é" * 109 + "\ufffd"


def test_a_chunk_of_results_is_written_at_once() -> None:
    """The largest chunk stays within what a pipe never mixes with other writers' data."""
    assert MAX_CHUNK * RESULT_BYTES <= PIPE_BUF
