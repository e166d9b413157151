"""framebatch.decoding: pictures through real decoder processes, some of which die."""

# ruff: noqa: ASYNC110, ASYNC222 - how far another process is can only be looked at
from __future__ import annotations

import asyncio
import os
import select
import signal
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from framebatch.decoding import DecoderPool
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
from framebatch.detection.headers import Limits, read_header
from framebatch.detection.imaging import Prepared, prepare
from framebatch.errors import FramebatchError, InvalidFrame
from framebatch.frame import EncodedPicture, Frame, Outcome, Picture, RawPicture, Region
from framebatch.testing import Replies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NETWORK = Resize(width=64, height=48)
NOISE = np.random.default_rng(1).integers(0, 256, (120, 200, 3), np.uint8)
PIPE_BUF = 4096


def encoded(suffix: str, *, size: tuple[int, int] = (120, 200)) -> EncodedPicture:
    """Answer a part of the noise, or a black picture where it is larger, as a file."""
    high, wide = size
    pixels = NOISE[:high, :wide] if high <= 120 else np.zeros((high, wide, 3), np.uint8)
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return EncodedPicture(data.tobytes())


PICTURES: dict[str, tuple[Picture, Region | None]] = {
    "jpeg": (encoded(".jpg", size=(40, 60)), None),
    "png": (encoded(".png", size=(24, 32)), None),
    "webp": (encoded(".webp", size=(40, 60)), None),
    "bgr": (RawPicture(NOISE[:30, :40].tobytes(), 40, 30, "bgr"), None),
    "rgb": (RawPicture(NOISE[:48, :64].tobytes(), 64, 48, "rgb"), None),
    "gray": (RawPicture(NOISE[:30, :40, 0].tobytes(), 40, 30, "gray"), None),
    "region": (encoded(".jpg", size=(40, 60)), Region(10, 5, 21, 13)),
    "larger than a slot": (encoded(".png"), None),
    "raw and larger than a slot": (RawPicture(NOISE.tobytes(), 200, 120, "bgr"), Region(0, 0, 200, 60)),
}
LONG_WORK = encoded(".png", size=(6000, 6000))
"""Takes a decoder a few hundred milliseconds; some kilobytes only."""


SHORT_WORK = EncodedPicture(
    cv2.imencode(".png", np.zeros((2400, 2400), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
)
"""Takes a decoder some tens of milliseconds, and fits into a slot."""


class Bench:
    """A pool, and the frames that it delivered."""

    def __init__(self, decoders: int) -> None:
        self.pool = DecoderPool(decoders, resize=NETWORK, color="rgb")
        self.replies = Replies()
        self.delivered: list[Frame] = []
        self._changed = asyncio.Event()
        self.pool.start(self._deliver)

    def put(self, picture: Picture, region: Region | None = None, *, deadline_ms: float = 600_000) -> Frame:
        """Hand over a frame whose header was read, as the batcher does."""
        frame = self.replies.frame(picture=picture, deadline_ms=deadline_ms)
        frame.region = region
        frame.header = read_header(picture, Limits())
        self.pool.put(frame)
        return frame

    async def wait(self, count: int) -> list[Frame]:
        """Answer what was delivered once it is so much."""
        while len(self.delivered) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.delivered

    async def someone_works(self) -> tuple[int, int]:
        """Answer the place and process id of a decoder that has begun with a picture."""
        while not self.pool._current.any():
            await asyncio.sleep(0)
        place = int(np.flatnonzero(self.pool._current)[0])
        return place, self.pool._processes[place].pid

    def all_slots_free(self) -> bool:
        """Tell whether nothing is held once every delivered frame is released."""
        for frame in self.delivered:
            self.pool.release(frame)
        return self.pool._slots.free == self.pool._slots.count

    def _deliver(self, frames: list[Frame]) -> None:
        self.delivered += frames
        self._changed.set()


@pytest.fixture
async def one() -> AsyncIterator[Bench]:
    """Answer a pool of one decoder; in the end its process is gone."""
    bench = Bench(1)
    yield bench
    close(bench)


@pytest.fixture
async def two() -> AsyncIterator[Bench]:
    """Answer a pool of two decoders; in the end their processes are gone."""
    bench = Bench(2)
    yield bench
    close(bench)


def close(bench: Bench) -> None:
    """Close the pool, which ends its processes by hanging up and not by force."""
    processes = bench.pool._processes
    bench.pool.close()
    assert all(process.returncode in {0, -signal.SIGKILL} for process in processes)


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
    slots = one.pool._slots.count
    for _ in range(slots + 10):
        one.put(PICTURES["jpeg"][0])
    await one.wait(slots)
    await asyncio.sleep(0)
    assert (len(one.delivered), one.pool._slots.free, one.pool.queued) == (slots, 0, 10)
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


async def test_a_decoder_that_dies_takes_one_picture_with_it(two: Bench) -> None:
    """That frame is delivered with an error, others are decoded, and a new decoder takes its place."""
    victim = two.put(LONG_WORK)
    place, process = await two.someone_works()
    os.kill(process, signal.SIGKILL)
    others = [two.put(PICTURES["jpeg"][0]) for _ in range(20)]
    await two.wait(21)
    assert (type(victim.error), str(victim.error)) == (FramebatchError, "the decoder died of this picture")
    assert all(frame.error is None for frame in others)
    while two.pool._processes[place].pid == process:
        await asyncio.sleep(0.01)
    two.put(PICTURES["jpeg"][0])
    await two.wait(22)
    assert two.all_slots_free()


async def test_pictures_handed_out_together_are_tried_alone_after_a_death(one: Bench) -> None:
    """Which of them was at fault cannot be told, so none is given up."""
    one.pool._mean_ns = 100_000.0
    frames = [one.put(SHORT_WORK) for _ in range(2)]
    _, process = await one.someone_works()
    assert [len(chunk) for chunk in one.pool._chunks.values()] == [2]
    os.kill(process, signal.SIGKILL)
    await one.wait(2)
    assert [frame.error for frame in frames] == [None, None]
    assert one.all_slots_free()


async def test_a_suspect_that_was_answered_is_not_tried_again(one: Bench) -> None:
    """Its deadline came while it waited for its second chance."""
    answered, alive = one.replies.frame(), one.replies.frame(picture=PICTURES["jpeg"][0])
    answered.outcome, answered.picture = Outcome.EXPIRED, None
    alive.header = read_header(PICTURES["jpeg"][0], Limits())
    one.pool._suspects += [alive, answered]
    one.pool._hand_out()
    assert await one.wait(1) == [alive]
    assert one.all_slots_free()


async def test_a_decoder_that_dies_after_its_work_loses_nothing(one: Bench) -> None:
    """What it had written before is delivered, once."""
    frame = one.put(PICTURES["jpeg"][0])
    while not one.pool._handed:
        await asyncio.sleep(0)
    (ticket,) = one.pool._handed
    select.select([one.pool._results], [], [])  # the loop must not see the result before the death
    process = one.pool._processes[0]
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    one.pool._current[0] = ticket
    one.pool._died(0, process)
    await one.wait(1)
    assert (one.delivered, frame.error) == ([frame], None)
    assert one.all_slots_free()


async def test_it_shows_its_state(one: Bench) -> None:
    """The repr counts decoders, frames and slots."""
    slots = one.pool._slots.count
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
    message = pack_request(3, 7, picture, region, attached=True) + pack_request(4, 8, picture, None, attached=False)
    first, second = unpack_requests(message)
    assert (first.slot, first.ticket, first.length, first.attached, first.region) == (3, 7, 3, True, region)
    assert (second.slot, second.ticket, second.attached, second.region) == (4, 8, False, None)
    assert first.picture(b"abc") == picture


def test_results_survive_their_journey() -> None:
    """Several to a message; a text that is too long is cut, also in the middle of a character."""
    results = [Result(1, 2, 3, 4, PREPARED, ""), Result(5, 6, 7, 8, INVALID, "é" * 200)]
    first, second = unpack_results(b"".join(map(pack_result, results)))
    assert first == results[0]
    assert second[:5] == results[1][:5]
    assert second.text == "é" * 109 + "\ufffd"


def test_a_chunk_of_results_is_written_at_once() -> None:
    """The largest chunk stays within what a pipe never mixes with other writers' data."""
    assert MAX_CHUNK * RESULT_BYTES <= PIPE_BUF
