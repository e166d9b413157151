"""The end of a running server: SIGTERM under load, when idle, during the start, and twice."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest

from framebatch.testing import ServerProcess
from framebatch_client import Client, Outcome
from framebatch_proto.v1 import detector_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.end_to_end

PROMISED_SECONDS = 5.0
"""How long a server may take to exit."""
STREAMS = 4
FRAMES_BEFORE = 300
"""Of all streams together, answered before the signal comes."""
PIXELS = pb.RawPicture(width=64, height=48, layout=pb.PIXEL_LAYOUT_BGR, pixels=bytes(64 * 48 * 3))


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    """Answer a running server on a simulated device that can do about 900 frames a second."""
    with ServerProcess("--model", "conveyor", "--device", "sim:2,1") as process:
        yield process


class Camera:
    """A stream that sends a frame every few milliseconds until it is told to stop, and keeps every answer."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.sent: list[int] = []
        self.answers: list[pb.Answer] = []
        self.status: grpc.StatusCode | None = None
        self._address = address
        self._stopped = False

    def run(self) -> None:
        """Send and receive until the server ends the stream."""
        with grpc.insecure_channel(self._address) as channel:
            stream: Any = channel.stream_stream("/framebatch.v1.Detector/DetectStream")  # type: ignore[call-overload,unused-ignore]
            call = stream(self._frames())
            try:
                self.answers += map(pb.Answer.FromString, call)
            except grpc.RpcError:
                pass
            finally:
                self._stopped = True
            self.status = call.code()

    def _frames(self) -> Iterator[bytes]:
        for sequence in range(100_000):
            if self._stopped:
                return
            self.sent.append(sequence)
            frame = pb.Frame(camera=self.name, sequence=sequence, raw=PIXELS, deadline_ms=1_000.0)
            yield frame.SerializeToString()
            time.sleep(0.003)


def decoders(process: ServerProcess) -> list[Path]:
    """Answer the /proc folders of its child processes."""
    own = process.process.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text(encoding="ascii").split()
    return [Path("/proc", child) for child in children]


def wait_until_gone(folders: list[Path]) -> None:
    """Return once these processes are no more; waits for ever otherwise."""
    while any(folder.exists() for folder in folders):
        time.sleep(0.01)


def test_under_load_every_frame_is_answered(server: ServerProcess) -> None:
    """All frames sent before the signal have one answer each, readiness is withdrawn, and the exit is clean and soon."""
    cameras = [Camera(f"camera {number}", server.address) for number in range(STREAMS)]
    with ThreadPoolExecutor(STREAMS) as threads:
        running = [threads.submit(camera.run) for camera in cameras]
        while server.answered() < FRAMES_BEFORE:
            pass
        children = decoders(server)
        sent = [camera.sent[:-1] for camera in cameras]  # the last one may still be on its way out
        server.terminate()
        while (ready := server.get("/readyz").status) == 200:
            pass
        code = server.wait(PROMISED_SECONDS)
        for each in running:
            each.result()
    assert (ready, code) == (503, 0)
    for camera, numbers in zip(cameras, sent, strict=True):
        answered = [answer.sequence for answer in camera.answers]
        assert len(answered) == len(set(answered))
        assert set(numbers) - set(answered) == set()
        assert camera.status is grpc.StatusCode.OK
    outcomes = {pb.Outcome.Name(answer.outcome) for camera in cameras for answer in camera.answers}
    assert outcomes <= {"OUTCOME_OK", "OUTCOME_REJECTED", "OUTCOME_EXPIRED"}
    assert "stopped; answered: " in server.log()
    assert "Traceback" not in server.log()
    wait_until_gone(children)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(server: ServerProcess, number: signal.Signals) -> None:
    """Cleanly, by SIGTERM or by Ctrl-C, and its decoders with it."""
    children = decoders(server)
    server.process.send_signal(number)
    assert server.wait(PROMISED_SECONDS) == 0
    wait_until_gone(children)


def test_a_second_signal_changes_nothing(server: ServerProcess) -> None:
    """Whoever is impatient does not lose the answers of what was accepted."""
    with Client(server.address) as client:
        answer = client.detect(np.zeros((48, 64, 3), np.uint8), deadline_ms=60_000)
    assert answer.outcome is Outcome.OK
    server.terminate()
    while server.get("/readyz").status == 200:
        pass
    server.terminate()
    assert server.wait(PROMISED_SECONDS) == 0
    assert "stopped; answered: {'OK': 1}" in server.log()


def test_a_signal_during_the_start_ends_it() -> None:
    """Either drained or, before there is anything to drain, by the signal; no decoder is left behind."""
    process = ServerProcess("--model", "conveyor", "--device", "sim:2,1")
    try:
        while "serving <Detector" not in process.log():
            assert process.process.poll() is None, process.log()
        children = decoders(process)
        process.terminate()
        assert process.wait(PROMISED_SECONDS) in {0, -signal.SIGTERM}
        wait_until_gone(children)
        assert len(children) >= 1
    finally:
        process.stop()
