"""What is a scrape for 500 cameras? A real server in this process, on a simulated device, and frames of that many cameras and 100 more over the network.

Every camera gets every outcome: OK, INVALID (no picture), REJECTED (a budget that nothing can keep), SUPERSEDED and EXPIRED (while the device does not come
back) and FAILED (while it refuses). Then /metrics is asked over HTTP. Prints one JSON document: frames by outcome, the size of the text, how long a scrape
takes, and for how long the event loop is held at the most meanwhile, beside making the text in one piece.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import http.client
import json
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from framebatch.app import App
from framebatch.config import Config
from framebatch.frame import Outcome
from framebatch.metrics import MAX_CAMERAS, OTHER_CAMERAS
from framebatch_client import AsyncClient
from framebatch_models import find

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

OK_MS: Final = 20_000.0
HELD_MS: Final = 800.0
"""Shorter than the time after which a device counts as one that hangs."""
TOGETHER: Final = 50
FEW: Final = 25
ROUNDS: Final = 25
"""So often misses are tried for; on a machine that is busy with other work frames may be refused before they can be late."""
BETWEEN_SECONDS: Final = 1.0
"""Longer than figures of the device are kept."""


class Device:
    """Stands between the batcher and the detector, which may be held up or refused."""

    def __init__(self, detect: Callable[[Sequence[Any]], Any]) -> None:
        self._detect = detect
        self.free = threading.Event()
        self.free.set()
        self.refuses = False

    def __call__(self, batch: Sequence[Any]) -> Any:
        """Run the batch when it may be run."""
        self.free.wait()
        if self.refuses:
            raise RuntimeError("the device refuses")
        return self._detect(batch)


async def send(client: AsyncClient, camera: str, *frames: bytes, **options: Any) -> None:
    """Open a stream, send these frames, and take all answers."""
    async with client.stream(camera=camera, **options) as stream:
        for frame in frames:
            await stream.send(frame)
        await stream.finish()
        async for _ in stream.answers():
            pass


async def all_of(cameras: list[str], one: Callable[[str], Awaitable[None]], together: int) -> None:
    """Let each camera do this, so many at a time."""
    room = asyncio.Semaphore(together)

    async def when_there_is_room(camera: str) -> None:
        async with room:
            await one(camera)

    await asyncio.gather(*map(when_there_is_room, cameras))


def lacks_a_miss(app: App, camera: str) -> bool:
    """Whether no frame of a camera that is told by name was replaced, or none had to wait too long."""
    answers = app.metrics.model(app.default).answers.get(camera, {})
    return Outcome.OK in answers and not (answers.get(Outcome.SUPERSEDED) and answers.get(Outcome.EXPIRED))


async def every_outcome(app: App, client: AsyncClient, cameras: list[str]) -> None:
    """Send frames of all cameras until each has had every outcome."""
    picture = cv2.imencode(".jpg", np.zeros((32, 32, 3), np.uint8))[1].tobytes()
    dispatch = app.repository.serving[app.default].batcher._dispatch  # noqa: SLF001 - no option breaks a device
    dispatch._detect = device = Device(dispatch._detect)  # noqa: SLF001
    await all_of(cameras, lambda camera: send(client, camera, picture, deadline_ms=OK_MS), TOGETHER)
    await all_of(cameras, lambda camera: send(client, camera, b"no picture"), TOGETHER)
    await all_of(cameras, lambda camera: send(client, camera, picture, deadline_ms=0.01), TOGETHER)
    for _ in range(ROUNDS):
        lacking = [camera for camera in cameras if lacks_a_miss(app, camera)]
        if not lacking:
            break
        device.free.clear()
        await all_of(
            lacking[:FEW],
            lambda camera: send(client, camera, *[picture] * 3, deadline_ms=HELD_MS, mode="live"),
            FEW,
        )
        device.free.set()
        await asyncio.sleep(BETWEEN_SECONDS)
    device.refuses = True
    await all_of(cameras, lambda camera: send(client, camera, picture, deadline_ms=OK_MS), TOGETHER)


def get(address: str) -> tuple[float, bytes]:
    """Seconds that a scrape takes, and its text."""
    connection = http.client.HTTPConnection(address, timeout=30)
    begin = time.perf_counter()
    connection.request("GET", "/metrics")
    text = connection.getresponse().read()
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds, text


async def watched(work: Awaitable[Any]) -> tuple[Any, float]:
    """What it gives, and for how long at the most nobody else ran meanwhile, in processor time of this thread."""
    running = asyncio.ensure_future(work)
    longest = 0.0
    while not running.done():
        before = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - before)
    return running.result(), longest


async def measure(cameras: int, scrapes: int) -> dict[str, Any]:
    """Serve, send, scrape."""
    app = App(
        Config(model="conveyor", device="sim:1,0.05", profile="off", port=0, http_port=0, decoders=1), find("conveyor")
    )
    await app.start()
    words = dict(word.split("=", 1) for word in app.ready_line.split() if "=" in word)
    names = [f"hall-{number // 100 + 1}/line-{number // 10 + 1:02}/camera-{number + 1:03}" for number in range(cameras)]
    async with AsyncClient(words["grpc"]) as client:
        await every_outcome(app, client, names)
    gc.collect()
    times, held, texts = [], [], b""
    for _ in range(scrapes):
        await asyncio.sleep(BETWEEN_SECONDS)
        (seconds, texts), longest = await watched(asyncio.to_thread(get, words["http"]))
        times.append(seconds)
        held.append(longest)
    begin = time.thread_time()
    for _ in range(scrapes):
        app.metrics.exposition()
    whole = (time.thread_time() - begin) / scrapes
    totals = app.metrics.totals()
    await app.stop()
    lines = texts.decode().splitlines()
    frames = [line for line in lines if line.startswith("framebatch_frames_total{")]
    told = {line.split('camera="')[1].split('"')[0] for line in frames}
    missing = {outcome.name for outcome in Outcome} - totals.keys()
    if missing or len(told) != min(cameras, MAX_CAMERAS) + (cameras > MAX_CAMERAS):
        raise RuntimeError(f"not what was to be sent: {totals}, {len(told)} cameras")
    return {
        "cameras": cameras,
        "told_by_name": len(told - {OTHER_CAMERAS}),
        "others_told_together": OTHER_CAMERAS in told,
        "frames": totals,
        "series_of_cameras_with_frames": len(frames),
        "series": sum(not line.startswith("#") for line in lines),
        "bytes": len(texts),
        "scrape_ms": {"median": ms(statistics.median(times)), "longest": ms(max(times))},
        "loop_held_ms": {"median": ms(statistics.median(held)), "longest": ms(max(held))},
        "in_one_piece_ms": ms(whole),
    }


def ms(seconds: float) -> float:
    """For people."""
    return round(1e3 * seconds, 2)


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, nargs="+", default=[500, 600])
    parser.add_argument("--scrapes", type=int, default=10)
    arguments = parser.parse_args()
    print(json.dumps([asyncio.run(measure(cameras, arguments.scrapes)) for cameras in arguments.cameras], indent=2))


if __name__ == "__main__":
    main()
