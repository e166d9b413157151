"""A pool of real decoder processes for tests: pictures to put in, and the frames that come back."""

# ruff: noqa: ASYNC110 - how far another process is can only be looked at
from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from framebatch.decoding import DecoderPool
from framebatch.decoding.protocol import IDLE
from framebatch.detection.geometry import Resize
from framebatch.detection.headers import Limits, read_header
from framebatch.frame import EncodedPicture, Frame, Picture, RawPicture, Region
from framebatch.testing import Replies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from framebatch.detection.tiling import Tiles

NETWORK = Resize(width=64, height=48)
NOISE = np.random.default_rng(1).integers(0, 256, (120, 200, 3), np.uint8)


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

    def __init__(self, decoders: int, *, resize: Resize = NETWORK, tiles: Tiles | None = None) -> None:
        self.pool = DecoderPool(decoders, resize=resize, color="rgb", tiles=tiles)
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
        crew = self.pool._crew
        while not crew.working():
            await asyncio.sleep(0)
        place = int(np.flatnonzero(np.isin(crew._notes, list(crew.working())))[0])
        return place, crew.processes[place].pid

    async def asleep(self) -> list[int]:
        """Stop every decoder while it waits for work, and answer their process ids; only SIGKILL ends them now."""
        crew = self.pool._crew
        while not crew._began.all() or (crew._notes != IDLE).any():
            await asyncio.sleep(0)
        found = [process.pid for process in crew.processes]
        for process in found:
            os.kill(process, signal.SIGSTOP)
        return found

    async def takes(self, number: int) -> list[int]:
        """Take so many chunks in the place of decoders that are asleep, and answer their first tickets."""
        found: list[int] = []
        while len(found) < number:
            await asyncio.sleep(0)
            found += [chunk[0].ticket for chunk in self.pool._channel.take_back()]
        return found

    def all_slots_free(self) -> bool:
        """Tell whether nothing is held once every delivered frame is released."""
        for frame in self.delivered:
            self.pool.release(frame)
        return self.pool.slots.free == self.pool.slots.count

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
    processes = bench.pool._crew.processes
    bench.pool.close()
    assert all(process.returncode in {0, -signal.SIGKILL} for process in processes)
