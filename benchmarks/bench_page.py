"""What does the status page cost? Servers that nobody, one and ten look at, in turn under the same open load.

Prints one JSON document: CPU time of the server a frame and a second for each number of viewers, and the median ratio to the
neighbouring run that nobody looked at; what a picture costs that is asked for; the size of a state; how long the server's event loop is held up by making one, and what observing adds to a frame, in this process.
A viewer does what the page does: it reads each state and fetches the picture of each of the first cameras once a second.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import multiprocessing
import socket
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import openloop
import pictures
from serving import Server

from framebatch.app import App
from framebatch.app.live import document
from framebatch.clock import SECOND_NS, now_ns
from framebatch.config import Config
from framebatch.frame import EncodedPicture, Frame, Header, Outcome
from framebatch.testing import NOTHING
from framebatch_client import Client
from framebatch_models import find

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from framebatch.app.live.live import Live
    from framebatch.frame import Model

TRIES: Final = 3
VIEWERS: Final = (0, 1, 10)
SECONDS_OF_FRAMES: Final = 12
SHOTS: Final = 500
MODEL: Final = "conveyor"


async def look(host: str, port: int, cameras: int, counted: dict[str, int]) -> None:
    """One viewer: a state a second, and the pictures of as many cameras."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 24)
    writer.write(b"GET /page/events HTTP/1.1\r\nHost: here\r\n\r\n")
    asking, answers = None, None
    while line := await reader.readline():
        if not line.startswith(b"data: "):
            continue
        counted["states"] += 1
        counted["state_bytes"] = len(line)
        if answers is None or asking is None:
            answers, asking = await asyncio.open_connection(host, port, limit=1 << 24)
        for camera in json.loads(line[6:])["cameras"][:cameras]:
            if camera["shot"] is None:
                continue
            asking.write(b"GET /page/cameras/%s/shot HTTP/1.1\r\nHost: here\r\n\r\n" % camera["id"].encode())
            head = await answers.readuntil(b"\r\n\r\n")
            length = next(part for part in head.lower().split(b"\r\n") if part.startswith(b"content-length:"))
            await answers.readexactly(int(length.partition(b":")[2]))
            counted["shots"] += 1


def looking(address: str, viewers: int, cameras: int, ended: Event, out: Any) -> None:
    """A process of viewers, until it is told to end."""

    async def run() -> dict[str, int]:
        host, _, port = address.rpartition(":")
        counted = {"states": 0, "shots": 0, "state_bytes": 0}
        tasks = [asyncio.create_task(look(host, int(port), cameras, counted)) for _ in range(viewers)]
        await asyncio.to_thread(ended.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return counted

    out.send(asyncio.run(run()))


def measure(server: Server, viewers: int, arguments: argparse.Namespace, frames: list[bytes]) -> dict[str, Any]:
    """One valid run, or the last of three invalid ones; prints a line for each."""
    for _ in range(TRIES):
        row = measure_once(server, viewers, arguments, frames)
        print(json.dumps(row), file=sys.stderr, flush=True)
        if row["invalid"] is None:
            break
    return row


def measure_once(server: Server, viewers: int, arguments: argparse.Namespace, frames: list[bytes]) -> dict[str, Any]:
    """One run; CPU time is that of the whole run."""
    ended = multiprocessing.Event()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(
        target=looking, args=(server.facts["http"], viewers, arguments.pictures, ended, there)
    )
    process.start()
    before, begin = server.cpu(), time.monotonic()
    result = openloop.run(
        server.address,
        cameras=arguments.cameras,
        fps=arguments.fps,
        deadline_ms=arguments.deadline_ms,
        seconds=arguments.seconds,
        pictures=frames,
        live=True,
    )
    after, seconds = server.cpu(), time.monotonic() - begin
    carried = result.sent * (arguments.seconds + openloop.WARM_SECONDS) / arguments.seconds
    ended.set()
    counted = here.recv()
    process.join()
    return {
        "viewers": viewers,
        "server_cpu_us_per_frame": round(1e6 * (after[0] - before[0]) / carried),
        "server_cpu_ms_per_second": round(1e3 * (after[0] - before[0]) / seconds, 1),
        "decoders_cpu_ms_per_second": round(1e3 * (after[1] - before[1]) / seconds, 1),
        "misses": round(result.miss_share, 4),
        "p99_ms": round(result.latency(0.99) * 1e3, 1),
        **counted,
        "invalid": result.problem,
    }


async def in_process(cameras: int, fps: float) -> dict[str, Any]:
    """Of a session that is fed frames without a server around it: what a frame, a state and its text take."""
    config = Config(model=MODEL, device="sim:1,0.1", profile="off", port=0, http_port=0, decoders=1)
    app = App(config, find(MODEL))
    await app.start()
    live = app._live  # noqa: SLF001 - what is measured is inside
    if live is None:
        raise RuntimeError("the server has no page")
    viewer = live.join()
    if viewer is None:
        raise RuntimeError("nobody may look")
    row = fed(live, app.repository.serving[MODEL].model, cameras, fps)
    viewer.leave()
    await app.stop()
    return row


def fed(live: Live, model: Model, cameras: int, fps: float) -> dict[str, Any]:
    """The same, as values."""
    session, sources = live._session, live._sources  # noqa: SLF001 - as above
    if session is None:
        raise RuntimeError("nobody looks")
    watch, now = session.watch, now_ns()
    seen, number = watch.model(MODEL), round(cameras * fps)
    per_frame, per_state, per_text = [], [], []
    for _ in range(SECONDS_OF_FRAMES):
        frames = [answered(model, f"camera-{at % cameras}", now + at * SECOND_NS // number) for at in range(number)]
        for frame in frames:
            sources.metrics.answered(frame)
        begin = time.thread_time()
        for frame in frames:
            seen.received(frame)
            seen.answered(frame)
        per_frame.append((time.thread_time() - begin) / number)
        for at in range(60):
            end = now + at * SECOND_NS // 60
            seen.ran(rows=4, bucket=4, dispatched_ns=end, started_ns=end - 5_000_000, finished_ns=end, submitted_ns=end)
        now += SECOND_NS
        begin = time.thread_time()
        state = document.state(sources, watch, session.alerts, now)
        middle = time.thread_time()
        text = json.dumps(state, separators=(",", ":"), allow_nan=False)
        end_seconds = time.thread_time()
        document.look(sources, watch, now)
        per_state.append(middle - begin + time.thread_time() - end_seconds)
        per_text.append(end_seconds - middle)
    return {
        "observing_us_per_frame": round(1e6 * statistics.median(per_frame), 2),
        "state_ms": round(1e3 * statistics.median(per_state[-3:]), 2),
        "text_ms": round(1e3 * statistics.median(per_text[-3:]), 2),
        "text_bytes": len(text),
    }


def asked(device: str) -> dict[str, Any]:
    """CPU time of a server that has nothing else to do, for a shot that is made already; the picture is a JPEG as received."""
    with Server("--model", MODEL, "--device", device, "--profile", "off") as server:
        address = server.facts["http"]
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port))) as viewer, Client(server.facts["grpc"]) as client:
            viewer.sendall(b"GET /page/events HTTP/1.1\r\nHost: here\r\n\r\n")
            viewer.recv(1)  # somebody looks from now on
            picture = pictures.scenes(1)[0]
            client.detect(picture, camera="press-3", deadline_ms=10_000)
            connection = http.client.HTTPConnection(address)
            for number in range(2 * SHOTS):
                if number == SHOTS:  # the first ones warm up
                    before = server.cpu()[0]
                connection.request("GET", "/page/cameras/press-3/shot")
                connection.getresponse().read()
            spent = server.cpu()[0] - before
            connection.close()
    return {"shot_us": round(1e6 * spent / SHOTS), "picture_bytes": len(picture)}


def answered(model: Model, camera: str, arrival_ns: int) -> Frame:
    """A frame that went all the way."""
    frame = Frame(
        camera=camera,
        sequence=0,
        live=True,
        picture=EncodedPicture(bytes(10_000)),
        arrival_ns=arrival_ns,
        deadline_ns=arrival_ns + SECOND_NS // 10,
        reply=lambda _: None,
    )
    frame.model, frame.header, frame.outcome, frame.detections = model, Header(640, 480, "jpeg"), Outcome.OK, NOTHING
    for at, field in enumerate(("ready_ns", "started_ns", "finished_ns", "parsed_ns", "answered_ns"), 1):
        setattr(frame, field, arrival_ns + at * 3_000_000)
    return frame


def beside(arguments: argparse.Namespace) -> dict[str, Any]:
    """Real servers beside each other, which take turns."""
    frames = pictures.scenes(8)
    options = ("--model", MODEL, "--device", arguments.device, "--profile", "off")
    rows: dict[int, list[dict[str, Any]]] = {viewers: [] for viewers in VIEWERS}
    with Server(*options) as first, Server(*options) as second, Server(*options) as third:
        for _ in range(arguments.rounds):
            for viewers, server in zip(VIEWERS, (first, second, third), strict=True):
                rows[viewers].append(measure(server, viewers, arguments, frames))
    cpu = {viewers: [row["server_cpu_us_per_frame"] for row in of] for viewers, of in rows.items()}
    return {
        "offered_fps": arguments.cameras * arguments.fps,
        "invalid_runs": sum(row["invalid"] is not None for of in rows.values() for row in of),
        "server_cpu_us_per_frame": cpu,
        "server_cpu_ms_per_second": {
            viewers: [row["server_cpu_ms_per_second"] for row in of] for viewers, of in rows.items()
        },
        "median_ratio": {
            viewers: round(statistics.median(more / less for more, less in zip(cpu[viewers], cpu[0], strict=True)), 3)
            for viewers in VIEWERS[1:]
        },
        "misses": {viewers: [row["misses"] for row in of] for viewers, of in rows.items()},
        "state_bytes": rows[1][-1]["state_bytes"],
    }


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--pictures", type=int, default=8, help="cameras whose pictures each viewer fetches")
    parser.add_argument("--deadline-ms", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each run, after three that count as little")
    parser.add_argument("--device", default="sim:1.5,0.12")
    parser.add_argument("--rounds", type=int, default=4, help="of servers; 0: only what needs no load")
    arguments = parser.parse_args()
    served = beside(arguments) if arguments.rounds else {}
    alone = {"asked": asked(arguments.device), "in_process": asyncio.run(in_process(arguments.cameras, arguments.fps))}
    print(json.dumps(served | alone, indent=2))


if __name__ == "__main__":
    main()
