"""framebatch.v1.Detector: thin handlers that convert, hand over and write back. What becomes of a frame is not decided here.

Messages are handled as bytes: one malformed frame is then an INVALID answer and not the end of its stream.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

import grpc
from grpc import aio

from framebatch.clock import MILLISECOND_NS, SECOND_NS, now_ns
from framebatch.frame import Frame, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from framebatch.edge.wire import WireFormat

    Context = aio.ServicerContext[bytes, bytes]

__all__ = ["SERVICE_NAME", "DetectorService"]

SERVICE_NAME: Final = "framebatch.v1.Detector"
CALL_MARGIN_NS: Final = 5 * MILLISECOND_NS
"""Answers to a call with a gRPC deadline are due this much earlier: the client has given up when it comes."""
FOREVER_SECONDS: Final = 3600.0


class Server(Protocol):
    """Who takes the frames over."""

    def submit(self, frame: Frame) -> None:
        """Owns the frame from now on."""

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Answers the frame at once."""

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Nobody waits for the answer any more."""


class Ledger(Protocol):
    """Who counts."""

    def answered(self, frame: Frame) -> None:
        """A frame has its outcome."""

    def undelivered(self, answers: int) -> None:
        """So many answers had nobody left to go to."""


class DetectorService:
    """The two methods of the service. Lives on the event loop."""

    def __init__(self, *, server: Server, wire: WireFormat, ledger: Ledger, max_stream_frames: int) -> None:
        self._server = server
        self._wire = wire
        self._ledger = ledger
        self._max_stream_frames = max_stream_frames
        self._streams: set[_Stream] = set()

    def __repr__(self) -> str:
        return f"DetectorService(streams={len(self._streams)})"

    @property
    def streams(self) -> int:
        """Open streams."""
        return len(self._streams)

    def handlers(self) -> grpc.GenericRpcHandler:
        """For `grpc.aio.Server.add_generic_rpc_handlers`."""
        return grpc.method_handlers_generic_handler(
            SERVICE_NAME,
            {
                "Detect": grpc.unary_unary_rpc_method_handler(self._detect),
                "DetectStream": grpc.stream_stream_rpc_method_handler(self._detect_stream),
            },
        )

    def end_streams(self) -> None:
        """Read no further frames; each stream ends when its last answer is written."""
        for stream in self._streams:
            stream.end()

    async def _detect(self, message: bytes, context: Context) -> bytes:
        arrival_ns = now_ns()
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        frame: Frame | None = None

        def reply(frame: Frame) -> None:
            self._ledger.answered(frame)
            if answered.done():
                self._ledger.undelivered(1)
            else:
                answered.set_result(self._wire.answer(frame))

        frame, problem = self._wire.frame(
            message,
            camera="",
            arrival_ns=arrival_ns,
            call_deadline_ns=_call_deadline_ns(context, arrival_ns),
            reply=reply,
        )
        self._hand_over(frame, problem)
        try:
            return await answered
        finally:
            if frame.outcome is None:
                self._server.withdraw(frame, "the client went away")

    async def _detect_stream(self, _: AsyncIterator[bytes], context: Context) -> None:
        stream = _Stream(self, context)
        self._streams.add(stream)
        try:
            await stream.run()
        finally:
            self._streams.discard(stream)

    def _hand_over(self, frame: Frame, problem: str) -> None:
        if problem:
            self._server.refuse(frame, Outcome.INVALID, problem)
        else:
            self._server.submit(frame)


class _Stream:
    """One camera's stream: a reader that hands frames over, a writer that sends what is answered.

    The reader stops while `max_stream_frames` frames are unanswered or unread: a client that never reads costs
    bounded memory, and feels it as back pressure.
    """

    def __init__(self, service: DetectorService, context: Context) -> None:
        self._service = service
        self._server = service._server  # noqa: SLF001 - a stream is a part of its service
        self._wire = service._wire  # noqa: SLF001
        self._ledger = service._ledger  # noqa: SLF001
        self._limit = service._max_stream_frames  # noqa: SLF001
        self._context = context
        self._call_deadline_ns: int | None = None
        self._camera = ""
        self._in_flight: set[Frame] = set()
        self._answers: deque[Frame] = deque()
        self._ended = False
        self._closed = False
        self._writer: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._reader: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"_Stream({self._camera!r}, in_flight={len(self._in_flight)}, to_write={len(self._answers)})"

    def end(self) -> None:
        """Stop reading; `run` returns when what was read is answered and written."""
        self._ended = True
        if self._reader is not None:
            self._reader.cancel()
        self._wake_writer()

    async def run(self) -> None:
        self._call_deadline_ns = _call_deadline_ns(self._context, now_ns())
        self._reader = asyncio.create_task(self._read())
        try:
            await self._write()
        finally:
            self._closed = True
            self._reader.cancel()
            self._ledger.undelivered(len(self._answers))
            for frame in list(self._in_flight):
                self._server.withdraw(frame, "the client went away")

    async def _read(self) -> None:
        read = self._context.read
        take = self._take
        try:
            while isinstance(message := await read(), bytes):  # aio.EOF is not
                take(message)
                if len(self._in_flight) + len(self._answers) >= self._limit:
                    await self._wait_for_room()
        finally:
            self._ended = True
            self._wake_writer()

    def _take(self, message: bytes) -> None:
        frame, problem = self._wire.frame(
            message,
            camera=self._camera,
            arrival_ns=now_ns(),
            call_deadline_ns=self._call_deadline_ns,
            reply=self._answered,
        )
        self._camera = frame.camera
        self._in_flight.add(frame)
        if problem:
            self._server.refuse(frame, Outcome.INVALID, problem)
        else:
            self._server.submit(frame)

    def _answered(self, frame: Frame) -> None:
        self._in_flight.discard(frame)
        self._ledger.answered(frame)
        if self._closed:
            self._ledger.undelivered(1)
            return
        self._answers.append(frame)
        if self._writer is not None:
            self._wake_writer()

    async def _write(self) -> None:
        write, answers, serialise = self._context.write, self._answers, self._wire.answer
        while True:
            while answers:
                await write(serialise(answers.popleft()))
                if self._room is not None:
                    if not self._room.done():  # cancelled when the stream is ended meanwhile
                        self._room.set_result(None)
                    self._room = None
            if self._ended and not self._in_flight:
                return
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    def _wake_writer(self) -> None:
        writer = self._writer
        if writer is not None:
            self._writer = None
            if not writer.done():
                writer.set_result(None)

    async def _wait_for_room(self) -> None:
        while len(self._in_flight) + len(self._answers) >= self._limit:
            self._room = asyncio.get_running_loop().create_future()
            await self._room


def _call_deadline_ns(context: Context, now: int) -> int | None:
    """When the answer to a call with a gRPC deadline must have left; None when it has none worth the name."""
    remaining_seconds: float | None = context.time_remaining()  # None without a deadline, whatever its type says
    if remaining_seconds is None or remaining_seconds > FOREVER_SECONDS:
        return None
    return now + max(0, round(remaining_seconds * SECOND_NS) - CALL_MARGIN_NS)
