"""A running server with low limits, and peers that go over them: they are told or closed, and cameras beside them are served."""

from __future__ import annotations

import http.client
import os
import selectors
import socket
from collections import Counter
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

import cv2
import grpc
import numpy as np
import pytest

from framebatch.testing import ServerProcess
from framebatch_client import Client, Outcome
from framebatch_proto.v1 import detector_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.end_to_end

LONG_MS = 60_000.0
"""A budget that no busy test machine exceeds."""
STREAM = "/framebatch.v1.Detector/DetectStream"
CROWD = 500
LIMITS = """
max_connections = 100
max_http_connections = 40
max_streams_per_peer = 4
max_camera_fps = 50
max_message_bytes = 1048576
"""
GOOD = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Answer a running server with low limits, shared by the tests of this file."""
    settings = tmp_path_factory.mktemp("limits") / "framebatch.toml"
    settings.write_text(LIMITS)
    with ServerProcess(
        "--config", settings, "--model", "conveyor", "--device", "sim:2,1", "--profile", "off"
    ) as process:
        yield process
        assert process.process.poll() is None
        assert "Traceback" not in process.log()


class Camera:
    """A stream that sends a frame and waits for its answer."""

    def __init__(self, address: str, name: str) -> None:
        self._channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self._frames: SimpleQueue[bytes | None] = SimpleQueue()
        call: Any = self._channel.stream_stream(STREAM)  # type: ignore[call-overload,unused-ignore]
        self.answers = call(iter(self._frames.get, None))
        self._name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._frames.put(None)
        self.answers.cancel()
        self._channel.close()

    def send(self) -> None:
        """Send a frame."""
        self._frames.put(pb.Frame(encoded=GOOD, deadline_ms=LONG_MS, camera=self._name).SerializeToString())

    def take(self) -> pb.Answer:
        """Wait for an answer."""
        return pb.Answer.FromString(next(self.answers))

    def outcomes(self, count: int) -> Counter[str]:
        """Send frames one after the other, and count how they were answered."""
        found: Counter[str] = Counter()
        for _ in range(count):
            self.send()
            found[pb.Outcome.Name(self.take().outcome).removeprefix("OUTCOME_")] += 1
        return found


@contextmanager
def crowd(address: str, saying: bytes) -> Iterator[list[socket.socket]]:
    """Open many connections that say this and nothing more."""
    host, _, port = address.rpartition(":")
    sockets = []
    for _ in range(CROWD):
        sockets.append(socket.create_connection((host, int(port)), timeout=20))
        sockets[-1].send(saying)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def wait_closed(sockets: list[socket.socket], count: int) -> None:
    """Wait until the server has closed so many of them."""
    closed = 0
    with selectors.DefaultSelector() as selector:
        for each in sockets:
            selector.register(each, selectors.EVENT_READ)
        while closed < count:
            for key, _ in selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                try:
                    gone = not sock.recv(4096)
                except ConnectionError:
                    gone = True
                if gone:
                    selector.unregister(sock)
                    closed += 1


def descriptors(server: ServerProcess) -> int:
    """Answer how many files and connections the server has open."""
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))  # noqa: PTH208 - their number is all


@pytest.mark.parametrize(
    "saying",
    [b"", b"PRI * HTT", b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"],
    ids=["silent", "half of HTTP/2", "half of TLS", "HTTP/2 without a call"],
)
def test_a_crowd_at_the_grpc_port_is_kept_out(server: ServerProcess, saying: bytes) -> None:
    """Only so many get in; a camera that is there has its answers meanwhile, and others come in afterwards."""
    before = descriptors(server)
    with Camera(server.address, "there") as camera:
        assert camera.outcomes(1) == {"OK": 1}
        with crowd(server.address, saying) as sockets:
            wait_closed(sockets, CROWD - 100)
            assert camera.outcomes(20) == {"OK": 20}
            assert descriptors(server) <= before + 100
    with Client(server.address) as client:
        assert client.detect(GOOD, deadline_ms=LONG_MS, camera="afterwards").outcome == Outcome.OK


@pytest.mark.parametrize("saying", [b"", b"GET /metr", b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"])
def test_a_crowd_at_the_http_port_is_kept_out(server: ServerProcess, saying: bytes) -> None:
    """One address gets half of the connections, so that others may still ask; cameras notice nothing."""
    with Camera(server.address, "there") as camera, crowd(server._http, saying) as sockets:
        wait_closed(sockets, CROWD - 20)
        assert camera.outcomes(5) == {"OK": 5}
        other = http.client.HTTPConnection(server._http, timeout=20, source_address=("127.0.0.2", 0))
        other.request("GET", "/metrics")
        series = other.getresponse().read().decode()
        other.close()
    held = next(line for line in series.splitlines() if line.startswith("framebatch_http_connections "))
    assert 1 <= float(held.split()[1]) <= 21
    assert "the HTTP port refuses connections" in server.log()


def test_a_stream_over_the_limit_is_told_and_others_go_on(server: ServerProcess) -> None:
    """With RESOURCE_EXHAUSTED, the limit and what to do; when one ends, another comes in."""
    name = 'framebatch_refused_streams_total{reason="max_streams_per_peer"}'
    before = server.series()[name]
    with ExitStack() as stack:
        cameras = [stack.enter_context(Camera(server.address, name)) for name in "abcd"]
        assert [camera.outcomes(1) for camera in cameras] == [{"OK": 1}] * 4
        with Camera(server.address, "e") as fifth, pytest.raises(grpc.RpcError) as caught:
            fifth.take()
        error: Any = caught.value
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.details() == (
            "127.0.0.1 has 4 streams open, and one peer may have 4; "
            "close some, or raise max_streams_per_peer on the server"
        )
        assert [camera.outcomes(1) for camera in cameras] == [{"OK": 1}] * 4
    assert server.series()[name] == before + 1
    while server.series()["framebatch_streams"]:
        pass
    with Camera(server.address, "e") as again:
        assert again.outcomes(1) == {"OK": 1}


def test_a_camera_above_its_rate_loses_frames_and_another_none(server: ServerProcess) -> None:
    """Over all of its streams; each frame above it is REJECTED with the limit and what to do, and counted as its own."""
    with (
        Camera(server.address, "greedy") as one,
        Camera(server.address, "greedy") as two,
        Camera(server.address, "modest") as modest,
    ):
        for _ in range(300):
            one.send()
            two.send()
        assert modest.outcomes(20) == {"OK": 20}
        answers = [camera.take() for camera in (one, two) for _ in range(300)]
    reasons = Counter(answer.reason for answer in answers if answer.outcome != pb.OUTCOME_OK)
    assert list(reasons) == [
        (
            "its camera sent more than 50 frames a second over all of its streams; "
            "send fewer, or raise max_camera_fps on the server"
        )
    ]
    assert 50 <= len(answers) - reasons.total() < 600
    counted = server.series()['framebatch_frames_total{camera="greedy",model="conveyor",outcome="REJECTED"}']
    assert counted == reasons.total()


def test_a_message_that_grows_when_it_is_unpacked_is_not_unpacked(server: ServerProcess) -> None:
    """Its limit holds for what comes of it, too; it takes no memory, and the server goes on."""
    with grpc.insecure_channel(server.address, options=[("grpc.max_send_message_length", -1)]) as channel:
        method: Any = channel.unary_unary("/framebatch.v1.Detector/Detect")  # type: ignore[call-overload,unused-ignore]
        with pytest.raises(grpc.RpcError) as caught:
            method(bytes(64 << 20), compression=grpc.Compression.Gzip, timeout=30)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
