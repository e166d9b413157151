"""The demo's parts at work: a server process, cameras that stream to it, and what became of every frame."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from framebatch.cli.demo.score import Score
from framebatch.errors import DeviceError
from framebatch_client import AsyncClient, Outcome, ServerUnavailable, open_source
from framebatch_client.drawing import annotate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from framebatch_client import Answer, AsyncStream, SourceFrame, StreamStats

__all__ = ["CameraRun", "DemoOptions", "ServerProcess", "stream_cameras", "summarise"]

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.25
NEWS: Final = ("framebatch.app.profiles", "framebatch.app.calibrating")
"""Who says in the server's log what is measured."""
LOG: Final = ("--log-format", "json", "--log-level", "info")
CAMERAS_A_STATION: Final = 4
START_DELAY_SECONDS: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions:
    """What to play.

    Attributes:
        cameras: how many.
        fps: frames a second of each.
        seconds: how long they stream.
        deadline_ms: budget of each frame, in milliseconds.
        model: a bundled model or an ONNX file.
        device: as for `framebatch serve`.
        http_port: of the status page and the metrics; 0: a free one.
    """

    cameras: int
    fps: float
    seconds: float
    deadline_ms: float
    model: str
    device: str
    http_port: int = 0


def read_log(path: Path) -> list[tuple[str, str]]:
    """The whole lines of a server's log: who says what. Nobody says a line that is none of the server's."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        if line.endswith("\n"):
            try:
                entry = json.loads(line)
                found.append((entry["logger"], entry["message"]))
            except (ValueError, KeyError, TypeError):
                found.append(("", line.strip()))
    return found


class ServerProcess:
    """`framebatch serve` as a process of its own, on a free port; its log goes to a file."""

    def __init__(self, options: DemoOptions, log: Path, *, on_news: Callable[[str], None] | None = None) -> None:
        """Nothing is started yet.

        Args:
            options: what to play.
            log: where its log goes.
            on_news: told what its log says of measuring, until it is ready.
        """
        self._options = options
        self._log = log
        self._on_news = on_news
        self._told = 0
        self._process: asyncio.subprocess.Process | None = None
        self.facts: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"ServerProcess({self.facts or 'not ready'})"

    @property
    def address(self) -> str:
        """HOST:PORT of its gRPC port."""
        return self.facts["grpc"]

    async def __aenter__(self) -> Self:
        """Start it and wait for its ready line.

        Raises:
            DeviceError: it ended, or took too long; the message holds the end of its log.
        """
        try:
            line = await self._start()
        except BaseException:  # told to end while it starts
            await self.__aexit__()
            raise
        if not line.startswith(b"ready "):
            await self.__aexit__()
            tail = [message for _, message in read_log(self._log)[-3:]]
            raise DeviceError("the server did not start: " + " / ".join(tail))
        self.facts = parse_ready_line(line.decode())
        return self

    async def _start(self) -> bytes:
        """Its first line on stdout; empty when it ended or took too long."""
        options = self._options
        command = ("serve", "--model", options.model, "--device", options.device, "--port", "0")
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "framebatch.cli", *command, "--http-port", str(options.http_port), *LOG),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        output = self._process.stdout
        line = b""
        if output is not None:
            following = asyncio.create_task(self._follow_log())
            with contextlib.suppress(TimeoutError):
                line = await asyncio.wait_for(output.readline(), START_SECONDS)
            following.cancel()
            self._tell_news()
        return line

    async def _follow_log(self) -> None:
        """Pass on what is new in the log: the first start on a device measures, and says why."""
        while True:
            self._tell_news()
            await asyncio.sleep(LOOK_SECONDS)

    def _tell_news(self) -> None:
        if self._on_news is None:
            return
        news = [message for logger, message in read_log(self._log) if logger in NEWS]
        for each in news[self._told :]:
            self._on_news(each)
        self._told = len(news)

    async def __aexit__(self, *_: object) -> None:
        """Let it drain; make sure that it is gone."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def parse_ready_line(line: str) -> dict[str, str]:
    """`ready grpc=... http=... model=... device=...` as a mapping; the device's name may hold spaces."""
    head, _, device = line.strip().removeprefix("ready ").partition(" device=")
    return dict(item.split("=", 1) for item in head.split(" ")) | {"device": device}


@dataclass(slots=True)
class CameraRun:
    """One camera: what it sent, what came back, and its most telling picture."""

    name: str
    score: Score = field(default_factory=Score)
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    device_runs: float = 0.0
    sent_until_seconds: float = 0.0
    """From the first trigger to a period after its last frame was sent."""
    stats: Callable[[], StreamStats] | None = None
    sample: tuple[bytes, Answer] | None = None
    _sent: dict[int, SourceFrame] = field(default_factory=dict)

    def remember(self, frame: SourceFrame) -> None:
        """Keep a frame until its answer comes."""
        self._sent[frame.index] = frame

    def receive(self, answer: Answer) -> None:
        """Count one answer."""
        frame = self._sent.pop(answer.sequence)
        self.outcomes[answer.outcome.value] += 1
        if answer.outcome is not Outcome.OK:
            return
        self.latencies_ms.append(answer.latency_seconds * 1e3)
        self.device_runs += 1 / answer.timing.batch_size
        self.score.add(answer.detections, frame.truth or ())
        if self.sample is None or len(answer.detections) > len(self.sample[1].detections):
            self.sample = (frame.data, answer)


async def stream_cameras(
    options: DemoOptions, address: str, *, on_tick: Callable[[dict[str, StreamStats], float], None], tick_seconds: float
) -> list[CameraRun]:
    """Stream all cameras until their last answer is there.

    Cameras stand in stations of four around the belt; a station's light barrier triggers its cameras together.

    Args:
        options: what to play.
        address: of the server.
        on_tick: called with each camera's figures and the seconds since the start.
        tick_seconds: how often.
    """
    runs = [
        CameraRun(f"station-{n // CAMERAS_A_STATION + 1}/cam-{n % CAMERAS_A_STATION + 1}")
        for n in range(options.cameras)
    ]
    stations = -(-options.cameras // CAMERAS_A_STATION)
    begin = time.monotonic()

    async def play(client: AsyncClient, run: CameraRun, station: int) -> None:
        source = open_source("sim:conveyor", fps=options.fps, camera=run.name)
        async with client.stream(camera=run.name, fps=options.fps, deadline_ms=options.deadline_ms) as stream:
            run.stats = lambda: stream.stats
            listening = asyncio.create_task(listen(stream, run))
            for number in range(max(1, round(options.seconds * options.fps))):
                frame = await asyncio.to_thread(next, source)  # rendered ahead of its moment
                trigger = begin + START_DELAY_SECONDS + (station / stations + number) / options.fps
                await asyncio.sleep(max(0.0, trigger - time.monotonic()))
                run.remember(frame)
                with contextlib.suppress(ServerUnavailable):  # counted by the stream
                    await stream.send(frame.data, sequence=frame.index, capture_time=time.time())
                run.sent_until_seconds = time.monotonic() - begin - START_DELAY_SECONDS + 1 / options.fps
            await stream.finish()
            await listening

    async def listen(stream: AsyncStream, run: CameraRun) -> None:
        async for answer in stream.answers():
            run.receive(answer)

    def tick() -> None:
        on_tick({run.name: run.stats() for run in runs if run.stats is not None}, time.monotonic() - begin)

    async def watch() -> None:
        while True:
            tick()
            await asyncio.sleep(tick_seconds)

    async with AsyncClient(address) as client, asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        await asyncio.gather(*(play(client, run, n // CAMERAS_A_STATION) for n, run in enumerate(runs)))
        watcher.cancel()
    tick()
    return runs


def summarise(options: DemoOptions, facts: dict[str, str], runs: list[CameraRun]) -> dict[str, Any]:
    """The figures of a finished run, as in `demo-summary.json`."""
    stats = [run.stats() for run in runs if run.stats is not None]
    sent = sum(each.sent for each in stats)
    outcomes = {outcome.value: sum(run.outcomes[outcome.value] for run in runs) for outcome in Outcome}
    answered = sum(outcomes.values())
    latencies = sorted(latency for run in runs for latency in run.latencies_ms)
    score = Score()
    for run in runs:
        score.hits += run.score.hits
        score.false_alarms += run.score.false_alarms
        score.missed += run.score.missed
    device_runs = sum(run.device_runs for run in runs)
    streamed_seconds = max(options.seconds, *(run.sent_until_seconds for run in runs))
    return {
        "device": facts["device"],
        "model": facts["model"],
        "cameras": options.cameras,
        "fps": options.fps,
        "seconds": options.seconds,
        "streamed_seconds": round(streamed_seconds, 3),
        "deadline_ms": options.deadline_ms,
        "frames_sent": sent,
        "answered": answered,
        "outcomes": outcomes,
        "unaccounted": sent - answered,
        "goodput_fps": sum(latency <= options.deadline_ms for latency in latencies) / streamed_seconds,
        "p50_ms": _percentile(latencies, 0.5),
        "p99_ms": _percentile(latencies, 0.99),
        "mean_batch": outcomes["OK"] / device_runs if device_runs else None,
        "precision": score.precision,
        "recall": score.recall,
    }


def _percentile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def write_samples(runs: list[CameraRun], folder: Path) -> list[str]:
    """One annotated picture a camera; returns their paths."""
    paths = []
    for run in runs:
        if run.sample is not None:
            path = folder / f"{run.name.replace('/', '-')}.jpg"
            path.write_bytes(annotate(*run.sample))
            paths.append(str(path))
    return paths
