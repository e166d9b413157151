"""Fakes at the seams of the server, and the real server as a process: for tests of framebatch and of what uses it.

Nothing here decides anything, sleeps or patches: a fake does what its test tells it, when it is told. Nothing of the
server imports this.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from framebatch.clock import ms_to_ns, now_ns
from framebatch.frame import Detections, EncodedPicture, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from framebatch.frame import Picture

__all__ = ["NOTHING", "FakeDecoders", "FakeDetect", "FakeResult", "Replies", "ServerProcess", "Step"]

NOTHING: Final = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))
"""Detections of an empty belt."""


class Replies:
    """Makes frames and keeps those that were answered, in the order of their answers. Lives on one event loop.

    Invariant: a frame is in `frames` as often as its `reply` was called.
    """

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        return f"Replies({self.frames!r})"

    def frame(
        self,
        sequence: int = 0,
        *,
        camera: str = "camera",
        live: bool = False,
        deadline_ms: float = 600_000.0,
        picture: Picture | None = None,
    ) -> Frame:
        """A frame that arrives now and answers to this object."""
        arrival_ns = now_ns()
        return Frame(
            camera=camera,
            sequence=sequence,
            live=live,
            picture=picture or EncodedPicture(b"picture"),
            arrival_ns=arrival_ns,
            deadline_ns=arrival_ns + ms_to_ns(deadline_ms),
            reply=self._reply,
        )

    async def wait(self, count: int) -> list[Frame]:
        """Return the answered frames once there are `count` or more."""
        while len(self.frames) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.frames

    def _reply(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._changed.set()


class FakeDecoders:
    """Decoders that finish a frame when they are told to.

    Attributes:
        count: as if so many pictures were worked on at a time.
        frames: taken over and not finished, in the order of `put`.
        held: finished frames whose pixels were not released yet.
        closed: whether `close` was called.
    """

    def __init__(self, *, instant: bool = False) -> None:
        """Start with nothing; `instant` ones finish each frame on the loop's next turn, untold."""
        self.count = 1
        self.frames: list[Frame] = []
        self.held: set[Frame] = set()
        self.closed = False
        self._instant = instant
        self._deliver: Callable[[list[Frame]], None] = lambda _: None

    def __repr__(self) -> str:
        return f"FakeDecoders(frames={len(self.frames)}, held={len(self.held)}, closed={self.closed})"

    @property
    def queued(self) -> int:
        """All but the one that is worked on."""
        return max(0, len(self.frames) - self.count)

    def start(self, deliver: Callable[[list[Frame]], None]) -> None:
        """Deliver there."""
        self._deliver = deliver

    def put(self, frame: Frame) -> None:
        """Keep the frame until it is finished."""
        self.frames.append(frame)
        if self._instant:
            asyncio.get_running_loop().call_soon(self.finish)

    def finish(self, count: int = 1, *, error: Exception | None = None) -> None:
        """Deliver the first `count` frames together, those without an answer."""
        frames, self.frames = self.frames[:count], self.frames[count:]
        now = now_ns()
        alive = [frame for frame in frames if frame.outcome is None]
        for frame in alive:
            frame.ready_ns = now
            frame.error = error
            if error is None:
                rows = [(frame.sequence, row) for row in range(frame.rows)]
                frame.prepared = frame.sequence if frame.rows == 1 else rows
                self.held.add(frame)
        if alive:
            self._deliver(alive)

    def release(self, frame: Frame) -> None:
        """Take the pixels back."""
        frame.prepared = None
        self.held.discard(frame)

    def close(self) -> None:
        """Note it."""
        self.closed = True


class FakeResult(NamedTuple):
    """What a batch came to."""

    detections: Sequence[Detections]
    bucket: int
    submitted_ns: int
    started_ns: int
    finished_ns: int
    parsed_ns: int


class Step:
    """One batch on a fake device, which holds the calling thread until the test finishes it."""

    def __init__(self, batch: Sequence[object]) -> None:
        self.batch = list(batch)
        self._begun_ns = now_ns()
        self._service_ns = 0
        self._error: Exception | None = None
        self._go = threading.Event()

    def __repr__(self) -> str:
        return f"Step({self.batch}, {'finished' if self._go.is_set() else 'running'})"

    def finish(self, *, service_ns: int = 1, error: Exception | None = None) -> None:
        """Let the batch end now: as if the device had needed `service_ns`, or failed with `error`."""
        self._service_ns, self._error = service_ns, error
        self._go.set()

    def run(self) -> FakeResult:
        """Wait for `finish`; on the device's thread."""
        self._go.wait()
        if self._error is not None:
            raise self._error
        now = now_ns()
        count = len(self.batch)
        return FakeResult([NOTHING] * count, count, self._begun_ns, now - self._service_ns, now, now)


class FakeDetect:
    """A device whose batches end when the test says so. `steps` are all batches so far, in the order of their start."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        return f"FakeDetect({self.steps!r})"

    def __call__(self, batch: Sequence[object]) -> FakeResult:
        """Hold the batch; called on the device's threads."""
        step = Step(batch)
        self._loop.call_soon_threadsafe(self._begun, step)
        return step.run()

    async def step(self, number: int) -> Step:
        """Return the batch with this number, from 0 on, once it has begun."""
        while len(self.steps) <= number:
            self._changed.clear()
            await self._changed.wait()
        return self.steps[number]

    def _begun(self, step: Step) -> None:
        self.steps.append(step)
        self._changed.set()


@dataclass(frozen=True, slots=True)
class Response:
    """What the HTTP port said."""

    status: int
    text: str


class ServerProcess:
    """`framebatch serve` as a process of its own, on free ports; for use with `with`, or until `stop`.

    Blocks where it waits: for tests, not for event loops that must go on.
    """

    def __init__(self, *options: str | Path) -> None:
        """Start it; `options` follow `framebatch serve --port 0 --http-port 0`."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        command = [sys.executable, "-m", "framebatch.cli", "serve", "--port", "0", "--http-port", "0"]
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, *map(str, options)], stdout=subprocess.PIPE, stderr=self._stderr, text=True
        )
        self.ready_line = ""
        self.address = ""
        self._http = ""

    def __repr__(self) -> str:
        return f"ServerProcess({self.ready_line or 'not ready'}, exit={self.process.poll()})"

    def wait_ready(self) -> str:
        """Return the ready line.

        Raises:
            RuntimeError: the process ended instead; with its log.
        """
        stdout = self.process.stdout
        self.ready_line = stdout.readline().strip() if stdout is not None else ""
        if not self.ready_line.startswith("ready "):
            raise RuntimeError(f"no ready line but {self.ready_line!r}; log: {self.log()}")
        words = dict(word.split("=", 1) for word in self.ready_line.split() if "=" in word)
        self.address, self._http = words["grpc"], words["http"]
        return self.ready_line

    def get(self, path: str) -> Response:
        """Ask the HTTP port."""
        connection = http.client.HTTPConnection(self._http, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return Response(response.status, response.read().decode())
        finally:
            connection.close()

    def series(self) -> dict[str, float]:
        """The present value of every series of /metrics, by name with labels."""
        rows = [line.rsplit(" ", 1) for line in self.get("/metrics").text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def answered(self) -> int:
        """Frames answered so far, whatever the outcome."""
        return int(sum(value for name, value in self.series().items() if name.startswith("framebatch_frames_total")))

    def resident_bytes(self) -> int:
        """Memory of the server process, without its decoders."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))

    def log(self) -> str:
        """What it wrote to stderr so far."""
        file = self._stderr.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")  # the process goes on writing there

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_seconds: float) -> int:
        """Return the exit code; subprocess.TimeoutExpired when it does not end in time."""
        return self.process.wait(timeout_seconds)

    def stop(self) -> None:
        """End it, by force if need be."""
        if self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._stderr.close()

    def __enter__(self) -> Self:
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
