"""framebatch.edge.service: frames in, answers out, for calls and streams; with a fake call and a fake batcher."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from grpc import aio

from framebatch.edge.intake import CALL_MARGIN_NS, Intake, call_deadline_ns
from framebatch.edge.quota import StreamQuota
from framebatch.edge.service import DetectorService
from framebatch.edge.wire import WireFormat
from framebatch.frame import Frame, Header, Model, Outcome
from framebatch_proto.v1 import detector_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 1_000_000_000


class Books:
    """Whoever takes the frames over, and who counts: keeps frames until the test answers them."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.counted: list[Frame] = []
        self.lost = 0
        self.opened: list[str] = []
        self._changed = asyncio.Event()

    def submit(self, frame: Frame) -> None:
        """Keep it."""
        self.frames.append(frame)
        self._changed.set()

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Answer at once."""
        self.give(frame, outcome, reason)

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Answer as the batcher does."""
        self.give(frame, Outcome.EXPIRED, reason)

    def give(self, frame: Frame, outcome: Outcome = Outcome.OK, reason: str = "") -> None:
        """Set the outcome and reply."""
        frame.outcome, frame.reason = outcome, reason
        frame.reply(frame)

    def answered(self, frame: Frame) -> None:
        """Count."""
        self.counted.append(frame)

    def stream_opened(self, camera: str) -> None:
        """Count."""
        self.opened.append(camera)

    def undelivered(self, answers: int) -> None:
        """Count."""
        self.lost += answers

    async def wait(self, count: int) -> list[Frame]:
        """Answer the frames submitted once there are so many."""
        while len(self.frames) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.frames


class Call:
    """A call whose client sends these messages and takes answers while `readable` is set."""

    def __init__(self, messages: Sequence[bytes] = (), *, remaining_seconds: float | None = None) -> None:
        self.answers: list[pb.Answer] = []
        self.reads = 0
        self.readable = asyncio.Event()
        self.readable.set()
        self._messages = list(messages)
        self._remaining_seconds = remaining_seconds

    async def read(self) -> object:
        """The next message, or the end."""
        self.reads += 1
        return self._messages.pop(0) if self._messages else aio.EOF

    async def write(self, data: bytes) -> None:
        """Wait until the client takes it."""
        await self.readable.wait()
        self.answers.append(pb.Answer.FromString(data))

    @staticmethod
    def peer() -> str:
        """As gRPC says it."""
        return "ipv4:192.0.2.7:50514"

    def time_remaining(self) -> float | None:
        """Seconds until the call's deadline."""
        return self._remaining_seconds


def make(books: Books, limit: int = 100) -> DetectorService:
    """Answer a service."""
    wire = WireFormat(
        read_header=lambda _: Header(4, 3, "jpeg"),
        find_model=lambda _: Model("bolts", "1", ()),
        deadline_ns=SECOND,
        wall_clock_ns=lambda: 0,
    )
    quota = StreamQuota(streams=10, per_peer=10)
    return DetectorService(Intake(books, wire, books), max_stream_frames=limit, quota=quota)


def messages(*sequences: int, **fields: Any) -> list[bytes]:
    """Answer frames with these numbers."""
    return [pb.Frame(sequence=sequence, encoded=b"x", **fields).SerializeToString() for sequence in sequences]


def stream(service: DetectorService, call: Any) -> asyncio.Task[None]:
    """Start a stream."""
    return asyncio.create_task(service._detect_stream(call, call))


async def turns(number: int = 20) -> None:
    """Let everything that can happen happen."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_answers_are_written_as_they_come() -> None:
    """In the order of the answers; the stream ends when the client has finished and all are answered."""
    books = Books()
    service, call = make(books), Call(messages(0, 1, 2, camera="press-3"))
    running = stream(service, call)
    frames = await books.wait(3)
    await turns()
    assert (service.streams, repr(service)) == (1, "DetectorService(streams=1)")
    for number in (2, 0, 1):
        books.give(frames[number])
    await running
    assert [answer.sequence for answer in call.answers] == [2, 0, 1]
    assert (service.streams, books.counted, books.lost) == (0, [frames[2], frames[0], frames[1]], 0)


async def test_the_first_frame_names_the_camera() -> None:
    """It holds for the stream, and so for frames that cannot be read."""
    books = Books()
    call = Call([*messages(0, camera="press-3"), *messages(1), b"\xff\xff"])
    running = stream(make(books), call)
    for frame in await books.wait(2):
        books.give(frame)
    await running
    assert [answer.camera for answer in call.answers] == ["press-3"] * 3


async def test_a_stream_is_read_only_so_far_ahead() -> None:
    """With as many unanswered frames as allowed nothing more is read until an answer was written."""
    books = Books()
    call = Call(messages(*range(10)))
    running = stream(make(books, limit=4), call)
    frames = await books.wait(4)
    await turns()
    assert (len(frames), call.reads) == (4, 4)
    books.give(frames[0])
    await books.wait(5)
    await turns()
    assert (len(frames), call.reads) == (5, 5)
    for number in range(1, 10):
        books.give((await books.wait(number + 1))[number])
    await running
    assert len(call.answers) == 10


async def test_a_client_that_does_not_read_is_not_read_either() -> None:
    """Answers that it does not take count like frames without one."""
    books = Books()
    call = Call(messages(*range(10)))
    call.readable.clear()
    running = stream(make(books, limit=4), call)
    for frame in list(await books.wait(4)):
        books.give(frame)
    await turns()
    assert len(books.frames) <= 5  # one answer is in the writer's hand
    call.readable.set()
    for number in range(4, 10):
        books.give((await books.wait(number + 1))[number])
    await running
    assert len(call.answers) == 10


async def test_ending_the_streams_loses_no_answer() -> None:
    """What was read is answered and written, also where the stream had been held back."""
    books = Books()
    service, call = make(books, limit=4), Call(messages(*range(10)))
    call.readable.clear()
    running = stream(service, call)
    frames = await books.wait(4)
    for frame in frames[:3]:
        books.give(frame)
    await turns()
    service.end_streams()
    await turns()
    read = len(frames)
    call.readable.set()
    for frame in frames[3:]:
        books.give(frame)
    await running
    assert sorted(answer.sequence for answer in call.answers) == list(range(read))
    assert books.lost == 0


async def test_a_stream_whose_client_is_gone_is_cleared() -> None:
    """Its frames are withdrawn, and answers that nobody takes are counted."""
    books = Books()
    service, call = make(books), Call(messages(0, 1, 2))
    call.readable.clear()
    running = stream(service, call)
    frames = await books.wait(3)
    await turns()
    for frame in frames[:2]:
        books.give(frame)
    await turns()
    running.cancel()
    await asyncio.wait([running])
    assert (frames[2].outcome, frames[2].reason) == (Outcome.EXPIRED, "the client went away")
    assert (len(books.counted), service.streams, call.answers) == (3, 0, [])
    assert books.lost >= 2


async def test_one_frame_one_answer() -> None:
    """A single call waits for its answer."""
    books = Books()
    call: Any = Call()
    asking = asyncio.create_task(make(books)._detect(messages(7)[0], call))
    books.give((await books.wait(1))[0])
    assert pb.Answer.FromString(await asking).sequence == 7


async def test_a_faulty_frame_in_a_call_is_answered() -> None:
    """Without being submitted."""
    books = Books()
    call: Any = Call()
    answer = pb.Answer.FromString(await make(books)._detect(b"\xff\xff", call))
    assert (answer.outcome, books.frames) == (pb.OUTCOME_INVALID, [])
    assert len(books.counted) == 1


async def test_a_call_whose_client_is_gone_is_withdrawn() -> None:
    """Its answer is counted as undelivered."""
    books = Books()
    call: Any = Call()
    asking = asyncio.create_task(make(books)._detect(messages(7)[0], call))
    (frame,) = await books.wait(1)
    asking.cancel()
    await asyncio.wait([asking])
    assert (frame.outcome, books.counted, books.lost) == (Outcome.EXPIRED, [frame], 1)


@pytest.mark.parametrize(
    ("remaining_seconds", "expected_ns"),
    [(None, None), (1e9, None), (2.0, 7 * SECOND - CALL_MARGIN_NS), (0.001, 5 * SECOND)],
)
def test_the_deadline_of_a_call_counts(remaining_seconds: float | None, expected_ns: int | None) -> None:
    """With a margin, so that the answer is there before the client gives up; one far away is none."""
    call: Any = Call(remaining_seconds=remaining_seconds)
    assert call_deadline_ns(call, 5 * SECOND) == expected_ns


async def test_a_stream_is_counted_when_it_names_its_camera() -> None:
    """Once, by the first frame that does; a call is no stream, and a stream without a camera is nobody's."""
    books = Books()
    service = make(books)
    named = [*messages(0), *messages(1, 2, camera="press-3")]
    running = [stream(service, Call(sent)) for sent in (named, messages(3), messages(4, camera="press-3"))]
    running.append(asyncio.create_task(service._detect(messages(5, camera="saw")[0], Call())))  # type: ignore[arg-type]
    for frame in list(await books.wait(6)):
        books.give(frame)
    await asyncio.gather(*running)
    assert books.opened == ["press-3", "press-3"]
