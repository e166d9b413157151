"""What do metrics cost a frame? One server whose counting is switched off and on every half second, under a steady open load on a simulated device.

Prints one JSON document: CPU time of the server process a frame, with and without counting, and the median ratio of neighbouring halves. Off, nothing is
counted of frames, batches and streams, but for the number of frames, which this program needs. Where other work shares the machine, these differ by more
than counting takes; so what it takes is also measured in place, by the thread's clock around it for ten seconds, and alone, in a loop. A scrape is spread over
the frames between two of them, 15 seconds apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import openloop
import pictures

from framebatch.app import App
from framebatch.config import Config
from framebatch.frame import Frame, Model, Outcome
from framebatch.metrics import Metrics, ModelMetrics
from framebatch_models import find

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS: Final = 200_000
TIMED_SECONDS: Final = 10.0
SCRAPE_SECONDS: Final = 15.0
WINDOW_SECONDS: Final = 0.5
"""Short, so that what else the machine does is the same in neighbours."""


LEAST_SHARE: Final = 0.5
"""Of the frames that were to come; neighbours with fewer are left out: this machine was stopped meanwhile."""


class Switch:
    """Whether is counted, and how long that takes."""

    on = True
    timed = False
    spent_ns = 0

    @classmethod
    def count(cls, count: Callable[..., None], *values: Any, **named: Any) -> None:
        """Count, or not, or with a look at the thread's clock before and after."""
        if cls.timed:
            before, begin = time.thread_time_ns(), time.thread_time_ns()
            count(*values, **named)
            cls.spent_ns += time.thread_time_ns() - begin - (begin - before)  # what a look takes, here and now
        elif cls.on:
            count(*values, **named)


class SwitchedModel(ModelMetrics):
    """Counts while the switch is on."""

    def release(self, reason: str) -> None:
        """As the server does."""
        Switch.count(ModelMetrics.release, self, reason)

    def batch(self, *, frames: int, bucket: int, device_ns: int) -> None:
        """As the server does."""
        Switch.count(ModelMetrics.batch, self, frames=frames, bucket=bucket, device_ns=device_ns)


class SwitchedMetrics(Metrics):
    """Counts while the switch is on, and frames always."""

    frames = 0

    def model(self, name: str) -> ModelMetrics:
        """One that can be switched, too."""
        return self._models.setdefault(name, SwitchedModel())

    def answered(self, frame: Frame) -> None:
        """As the server does."""
        self.frames += 1
        Switch.count(Metrics.answered, self, frame)

    def stream_opened(self, camera: str) -> None:
        """As the server does."""
        Switch.count(Metrics.stream_opened, self, camera)


@dataclass(frozen=True)
class Window:
    """A while of the server."""

    counted: bool
    frames: int
    cpu_seconds: float

    @property
    def us(self) -> float:
        """CPU time a frame."""
        return 1e6 * self.cpu_seconds / self.frames


async def serve(arguments: argparse.Namespace) -> tuple[list[Window], float, float]:
    """Run the server and, in another process, its cameras; answer windows, CPU seconds of a scrape, and CPU us of counting a frame."""
    config = Config(model="conveyor", device=arguments.device, profile="off", port=0, http_port=0)
    app = App(config, find("conveyor"))
    app.metrics = metrics = SwitchedMetrics(info={"version": "benchmark"})
    await app.start()
    address = app.ready_line.split("grpc=")[1].split()[0]
    options = {
        "cameras": arguments.cameras,
        "fps": arguments.fps,
        "seconds": 3 * (arguments.windows * WINDOW_SECONDS + TIMED_SECONDS),
    }
    cameras = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--cameras-of", address),
        *(word for name, value in options.items() for word in (f"--{name}", str(value))),
        *("--deadline-ms", str(arguments.deadline_ms)),
    )
    while metrics.frames < arguments.cameras * arguments.fps * openloop.WARM_SECONDS:  # noqa: ASYNC110 - seconds, and nobody tells
        await asyncio.sleep(0.1)
    windows = []
    for number in range(arguments.windows):
        Switch.on = number % 4 in {0, 3}
        frames, cpu_seconds = metrics.frames, time.process_time()
        await asyncio.sleep(WINDOW_SECONDS)
        windows.append(Window(Switch.on, metrics.frames - frames, time.process_time() - cpu_seconds))
    Switch.timed, Switch.spent_ns, frames = True, 0, metrics.frames
    await asyncio.sleep(TIMED_SECONDS)
    in_place_us = Switch.spent_ns / 1_000 / (metrics.frames - frames)
    cameras.terminate()
    await cameras.wait()
    begin = time.process_time()
    for _ in range(10):
        metrics.exposition()
    scrape_seconds = (time.process_time() - begin) / 10
    await app.stop()
    return windows, scrape_seconds, in_place_us


def cameras_of(arguments: argparse.Namespace) -> None:
    """Be the cameras of a server."""
    host, _, port = arguments.cameras_of.rpartition(":")
    openloop.run(
        (host, int(port)),
        cameras=arguments.cameras,
        fps=arguments.fps,
        deadline_ms=arguments.deadline_ms,
        seconds=arguments.seconds,
        pictures=pictures.padded(8, side=32, total_bytes=10_000),
    )


def alone_us() -> dict[str, float]:
    """CPU time for counting one answered frame, and one batch with why it was released, in microseconds."""
    metrics = Metrics(info={})
    model = metrics.model("conveyor")
    model.expect(reasons=("full",), buckets=(8,))
    frame = Frame(camera="c", sequence=0, live=False, picture=None, arrival_ns=0, deadline_ns=50_000_000, reply=print)
    frame.model, frame.outcome = Model("conveyor", "1", ()), Outcome.OK
    frame.ready_ns, frame.started_ns, frame.finished_ns = 1_000_000, 3_000_000, 6_000_000
    frame.parsed_ns, frame.answered_ns = 10_000_000, 11_000_000
    begin = time.process_time()
    for _ in range(REPEATS):
        metrics.answered(frame)
    between = time.process_time()
    for _ in range(REPEATS):
        model.release("full")
        model.batch(frames=8, bucket=8, device_ns=5_000_000)
    end = time.process_time()
    return {
        "answered_frame": round(1e6 * (between - begin) / REPEATS, 2),
        "batch": round(1e6 * (end - between) / REPEATS, 2),
    }


def summary(windows: list[Window], scrape_seconds: float, in_place_us: float, fps: float) -> dict[str, Any]:
    """Neighbours are compared, in either order, so that what drifts cancels."""
    least = LEAST_SHARE * WINDOW_SECONDS * fps
    neighbours = zip(windows[::2], windows[1::2], strict=True)
    pairs = [
        sorted(pair, key=lambda each: each.counted) for pair in neighbours if min(each.frames for each in pair) > least
    ]
    if len(pairs) < LEAST_SHARE * len(windows) / 2:
        raise RuntimeError(f"only {len(pairs)} pairs have frames enough: other work keeps the cameras from sending")
    ratios = [counted.us / plain.us for plain, counted in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    scrape_us = 1e6 * scrape_seconds / (SCRAPE_SECONDS * fps)
    without = statistics.median(plain.us for plain, _ in pairs)
    return {
        "offered_fps": fps,
        "pairs": len(pairs),
        "server_cpu_us_per_frame": {
            "without": round(without, 1),
            "counting": round(statistics.median(counted.us for _, counted in pairs), 1),
        },
        "ratio": {"median": round(middle, 4), "quartiles": [round(low, 4), round(high, 4)]},
        "scrape_cpu_ms": round(1e3 * scrape_seconds, 2),
        "scrape_cpu_us_per_frame": round(scrape_us, 2),
        "ratio_with_scrapes": round(middle + scrape_us / without, 4),
        "counting_cpu_us_per_frame": round(in_place_us, 2),
        "ratio_by_what_counting_takes": round(1 + in_place_us / without, 4),
        "alone_cpu_us": alone_us(),
        "python": platform.python_version(),
    }


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=40)
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--deadline-ms", type=float, default=50.0)
    parser.add_argument("--windows", type=int, default=200, help="of half a second each; half of them with counting")
    parser.add_argument("--device", default="sim:1.5,0.12")
    parser.add_argument("--cameras-of", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cameras_of:
        cameras_of(arguments)
        return
    print(json.dumps(summary(*asyncio.run(serve(arguments)), arguments.cameras * arguments.fps), indent=2))


if __name__ == "__main__":
    main()
