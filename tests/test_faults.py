"""A running server and everything that can be wrong with what it is sent: each frame has its answer, others are unharmed."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import cv2
import grpc
import numpy as np
import pytest

from framebatch.testing import ServerProcess
from framebatch_client import Client, Outcome
from framebatch_proto.v1 import detector_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.end_to_end

MIB = 1 << 20
LONG_MS = 60_000.0
"""A budget that no busy test machine exceeds."""
DETECT = "/framebatch.v1.Detector/Detect"
STREAM = "/framebatch.v1.Detector/DetectStream"


def jpeg(high: int = 48, wide: int = 64) -> bytes:
    """Answer a good picture."""
    done, data = cv2.imencode(".jpg", np.full((high, wide, 3), 90, np.uint8))
    assert done
    return data.tobytes()


def png_bomb(side: int = 30_000) -> bytes:
    """Answer a valid PNG of side x side black pixels, one bit each, in some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)  # the first byte names the filter
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


GOOD = jpeg()
BUDGET = "give a budget above 0 and at most 3600000 ms, or leave it out for the server's default"


def message(**fields: Any) -> bytes:
    """Answer a good frame with these fields over it."""
    return pb.Frame(**{"encoded": GOOD, "deadline_ms": LONG_MS, "camera": "faulty", **fields}).SerializeToString()


def raw(pixels: int, layout: int = pb.PIXEL_LAYOUT_BGR, *, wide: int = 4, high: int = 3) -> bytes:
    """Answer a frame with so many bytes of pixels; the layout may be one that nobody knows."""
    picture = pb.RawPicture(width=wide, height=high, pixels=bytes(pixels)).SerializeToString() + bytes([0x18, layout])
    head = pb.Frame(deadline_ms=LONG_MS, camera="faulty").SerializeToString()
    return head + b"\x22" + bytes([len(picture)]) + picture


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """Answer a running server with a simulated device, shared by the tests of this file."""
    with ServerProcess("--model", "conveyor", "--device", "sim:2,1") as process:
        yield process
        assert process.process.poll() is None, process.log()


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    """Answer a client of the kind that cameras use."""
    with Client(server.address) as connected:
        yield connected


@pytest.fixture(autouse=True)
def _still_serving(server: ServerProcess, client: Client) -> Iterator[None]:
    """Whatever a test did to the server, it answers afterwards, and has logged no exception."""
    yield
    answer = client.detect(GOOD, deadline_ms=LONG_MS, camera="afterwards")
    assert (answer.outcome, answer.reason) == (Outcome.OK, "")
    assert "Traceback" not in server.log()


@pytest.fixture(scope="module")
def raw_calls(server: ServerProcess) -> Iterator[RawCalls]:
    """Answer calls that send what our client would refuse to."""
    with grpc.insecure_channel(server.address, options=[("grpc.max_send_message_length", -1)]) as channel:
        yield RawCalls(channel)


class RawCalls:
    """The two methods of the service, for any bytes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.unary: Any = channel.unary_unary(DETECT)  # type: ignore[call-overload,unused-ignore]
        self.stream: Any = channel.stream_stream(STREAM)  # type: ignore[call-overload,unused-ignore]

    def detect(self, data: bytes) -> pb.Answer:
        """Send these bytes in one call."""
        return pb.Answer.FromString(self.unary(data, timeout=60))

    def exchange(self, messages: Sequence[bytes]) -> list[pb.Answer]:
        """Send these bytes on one stream and answer what comes back, in the order of coming."""
        return [pb.Answer.FromString(data) for data in self.stream(iter(messages), timeout=60)]


def outcomes(answers: Sequence[pb.Answer]) -> Counter[str]:
    """Count the outcomes."""
    return Counter(pb.Outcome.Name(answer.outcome).removeprefix("OUTCOME_") for answer in answers)


INVALID = {
    "truncated JPEG": (message(encoded=GOOD[:-20]), "encoded is a truncated jpeg: it stops after"),
    "JPEG header only": (message(encoded=GOOD[:10]), "encoded is a JPEG that ends inside its header, after 10 bytes"),
    "empty": (message(encoded=b""), "encoded is empty; send JPEG, PNG, WebP, BMP or raw pixels"),
    "text": (message(encoded=b"hello, camera"), "encoded looks like text ('hello, camera'); accepted are JPEG, PNG"),
    "noise": (message(encoded=bytes(range(56))), "encoded looks like an unknown format (first bytes 00 01"),
    "PNG bomb": (
        message(encoded=png_bomb()),
        "the png picture is 30000 x 30000 = 900000000 pixels; the limit is 50000000",
    ),
    "zero deadline": (message(deadline_ms=0.0), f"deadline_ms is 0; {BUDGET}"),
    "negative deadline": (message(deadline_ms=-5.0), f"deadline_ms is -5; {BUDGET}"),
    "NaN deadline": (message(deadline_ms=float("nan")), f"deadline_ms is nan; {BUDGET}"),
    "infinite deadline": (message(deadline_ms=float("inf")), f"deadline_ms is inf; {BUDGET}"),
    "huge deadline": (message(deadline_ms=1e300), f"deadline_ms is 1e+300; {BUDGET}"),
    "unknown model": (message(model="nuts"), "model 'nuts' is not served here; this server has: conveyor"),
    "too few raw pixels": (raw(35), "raw.pixels has 35 bytes; 4 x 3 in layout bgr needs exactly 36"),
    "too many raw pixels": (raw(37), "raw.pixels has 37 bytes; 4 x 3 in layout bgr needs exactly 36"),
    "raw without size": (raw(0, wide=0, high=0), "raw.pixels is empty"),
    "no layout": (raw(36, 0), "raw.layout is 0; give PIXEL_LAYOUT_BGR, _RGB or _GRAY"),
    "unknown layout": (raw(36, 9), "raw.layout is 9; give PIXEL_LAYOUT_BGR, _RGB or _GRAY"),
    "region outside": (
        message(region=pb.Region(x=1, width=64, height=1)),
        "region is 64 x 1 at (1, 0); it must have an area and lie inside the picture of 64 x 48 pixels",
    ),
    "empty region": (message(region=pb.Region(x=1)), "region is 0 x 0 at (1, 0); it must have an area"),
    "long camera name": (message(camera="c" * 129), "camera has 129 characters; at most 128 are allowed"),
    "no picture": (pb.Frame(deadline_ms=LONG_MS, camera="faulty").SerializeToString(), "picture is missing; give"),
    "no protobuf": (b"\xff\xff\xff not a message", "the message is not a framebatch.v1.Frame"),
    "no UTF-8": (b"\x0a\x02\xff\xfe", "the message is not a framebatch.v1.Frame"),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_faulty_frame_is_told_what_is_wrong_with_it(raw_calls: RawCalls, name: str) -> None:
    """Alone in a call it is answered INVALID, with the field, its value and the remedy."""
    data, reason = INVALID[name]
    answer = raw_calls.detect(data)
    assert outcomes([answer]) == {"INVALID": 1}
    assert answer.reason.startswith(reason)
    assert len(answer.detections) == 0


def test_faulty_frames_harm_no_other(server: ServerProcess, raw_calls: RawCalls) -> None:
    """Only they are refused, among good frames of their stream and of others at the same moment; all are counted."""
    before = server.answered()
    mixed = [data for bad, _ in INVALID.values() for data in (message(), bad, message())]
    good = [message(camera="neighbour")] * 30
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(raw_calls.exchange, (mixed, good))
    assert outcomes(first) == {"OK": 2 * len(INVALID), "INVALID": len(INVALID)}
    assert outcomes(second) == {"OK": 30}
    assert server.answered() == before + len(mixed) + len(good)


def test_a_picture_of_many_pixels_takes_no_memory(server: ServerProcess, raw_calls: RawCalls) -> None:
    """What its header claims is refused before anything is decoded."""
    bomb = INVALID["PNG bomb"][0]
    assert len(bomb) < 200_000
    before = server.resident_bytes()
    assert outcomes(raw_calls.exchange([bomb] * 50)) == {"INVALID": 50}
    assert server.resident_bytes() - before < 100 * MIB


def test_a_message_over_the_limit_ends_its_call_only(raw_calls: RawCalls) -> None:
    """With RESOURCE_EXHAUSTED; a stream beside it goes on."""
    frames: SimpleQueue[bytes | None] = SimpleQueue()
    answers = raw_calls.stream(iter(frames.get, None), timeout=60)
    frames.put(message(sequence=1))
    assert pb.Answer.FromString(next(answers)).sequence == 1
    with pytest.raises(grpc.RpcError) as caught:
        raw_calls.detect(message(encoded=bytes(65 * MIB)))
    assert getattr(caught.value, "code")() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: B009 - types lack it
    frames.put(message(sequence=2))
    assert pb.Answer.FromString(next(answers)).sequence == 2
    frames.put(None)
    assert list(answers) == []


def test_a_picture_over_the_limit_is_refused(raw_calls: RawCalls) -> None:
    """Within what a message may hold, it is a frame like any other and has its answer."""
    answer = raw_calls.detect(message(encoded=bytes(33 * MIB)))
    assert answer.reason.startswith(f"encoded has {33 * MIB} bytes; the limit is {32 * MIB}")


def test_a_deadline_that_cannot_be_met_is_refused(raw_calls: RawCalls) -> None:
    """At once, with what would do."""
    answer = raw_calls.detect(message(deadline_ms=0.5))
    assert outcomes([answer]) == {"REJECTED": 1}
    assert "the smallest budget that fits is " in answer.reason


def settled(server: ServerProcess) -> dict[str, float]:
    """Answer the series once no stream is open and nothing is owed; waits for ever otherwise.

    Of a later scrape: within one, frames may pass between a family and the next.
    """
    while True:
        series = server.series()
        if not series["framebatch_streams"] and not series["framebatch_unanswered_frames"]:
            return server.series()


def answers_of(series: dict[str, float], camera: str) -> int:
    """Answer how many frames of a camera have an outcome."""
    return int(
        sum(
            value
            for name, value in series.items()
            if name.startswith("framebatch_frames") and f'camera="{camera}"' in name
        )
    )


def test_a_stream_cancelled_in_the_middle_leaves_nothing(server: ServerProcess, raw_calls: RawCalls) -> None:
    """Frames whose client is gone have an outcome, and those that were answered in vain are counted."""
    before = server.series()["framebatch_undelivered_answers_total"]
    frames: SimpleQueue[bytes | None] = SimpleQueue()
    for sequence in range(20):
        frames.put(message(sequence=sequence, camera="cancelled"))
    answers = raw_calls.stream(iter(frames.get, None))
    next(answers)
    answers.cancel()
    frames.put(None)
    series = settled(server)
    assert 1 <= answers_of(series, "cancelled") <= 20
    assert series["framebatch_undelivered_answers_total"] - before < answers_of(series, "cancelled")


def test_calls_cancelled_in_the_middle_leave_nothing(server: ServerProcess, raw_calls: RawCalls) -> None:
    """The same for single frames."""
    calls = [raw_calls.unary.future(message(camera="calls")) for _ in range(20)]
    calls[0].result()
    for call in calls:
        call.cancel()
    assert 1 <= answers_of(settled(server), "calls") <= 20


def test_a_client_that_is_killed_leaves_nothing(server: ServerProcess) -> None:
    """Its process is gone in the middle of a stream; all its frames that arrived have an outcome."""
    program = """if True:
        import sys
        from framebatch_client import Client
        picture = bytes.fromhex(sys.argv[2])
        with Client(sys.argv[1]) as client, client.stream(camera="killed", deadline_ms=60_000) as stream:
            while True:
                stream.send(picture)
                print("sent", flush=True)
    """
    command = [sys.executable, "-c", program, server.address, GOOD.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as camera:
        assert camera.stdout is not None
        for _ in range(50):
            assert camera.stdout.readline() == b"sent\n"
        camera.kill()
    assert answers_of(settled(server), "killed") >= 1


def test_a_client_that_never_reads_is_held_back(server: ServerProcess, client: Client, raw_calls: RawCalls) -> None:
    """It sends 540 MB in 3000 frames and reads no answer: memory stays bounded, and other cameras are served."""
    pixels = pb.RawPicture(width=300, height=200, layout=pb.PIXEL_LAYOUT_BGR, pixels=bytes(180_000))
    data = pb.Frame(raw=pixels, deadline_ms=LONG_MS, camera="deaf").SerializeToString()
    numbers = count()
    sent = 0

    def frames() -> Iterator[bytes]:
        nonlocal sent
        while (sent := next(numbers)) < 3_000:
            yield data

    before = server.resident_bytes()
    call = raw_calls.stream(frames())
    while sent < 3_000:
        answer = client.detect(GOOD, deadline_ms=LONG_MS, camera="patient")
        assert (answer.outcome, answer.reason) == (Outcome.OK, "")
        assert server.resident_bytes() - before < 350 * MIB
    call.cancel()
    assert answers_of(settled(server), "deaf") >= 2_000
