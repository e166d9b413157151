"""One camera's stream: a reader that hands frames over, a writer that sends what is answered. Decides nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from framebatch.clock import now_ns
from framebatch.edge.intake import call_deadline_ns
from framebatch.edge.security.caller import CALLER
from framebatch.edge.trace_context import trace_parent_of
from framebatch.frame import Frame, Outcome

if TYPE_CHECKING:
    from framebatch.edge.intake import Context, Intake

__all__ = ["CameraStream"]


class CameraStream:
    """From the first frame to the last answer of one call.

    The reader stops while `limit` frames are unanswered or unread: a client that never reads costs bounded memory, and
    feels it as back pressure. Invariant: a frame that was read is in `in_flight`, or in `answers`, or written.

    Attributes:
        caller: whose call it is.
    """

    def __init__(self, intake: Intake, context: Context, *, limit: int) -> None:
        self._server, self._wire, self._ledger = intake.server, intake.wire, intake.ledger
        self._context = context
        self._limit = limit
        self._call_deadline_ns = call_deadline_ns(context, now_ns())
        self._trace_parent = trace_parent_of(context) if intake.traced else None
        self.caller: Final = CALLER.get()
        self._camera = ""
        self._in_flight: set[Frame] = set()
        self._answers: deque[Frame] = deque()
        self._ended = False
        self._closed = False
        self._writer: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._reader: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"CameraStream({self._camera!r}, in_flight={len(self._in_flight)}, to_write={len(self._answers)})"

    @property
    def camera(self) -> str:
        """Who sends; empty before its first frame."""
        return self._camera

    def end(self) -> None:
        """Stop reading; `run` returns when what was read is answered and written."""
        self._ended = True
        if self._reader is not None:
            self._reader.cancel()
        self._wake_writer()

    async def run(self) -> None:
        """Serve the call to its end; frames of a client that vanished are withdrawn."""
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
        read, take = self._context.read, self._take
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
            camera=self._camera or self.caller.own,
            arrival_ns=now_ns(),
            call_deadline_ns=self._call_deadline_ns,
            reply=self._answered,
        )
        if frame.camera != self._camera:
            frame.camera, refusal = self.caller.named(frame.camera)
            problem = refusal or problem
            if not self._camera:
                self._ledger.stream_opened(frame.camera)
            self._camera = frame.camera
        frame.trace_parent = self._trace_parent
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
                    if not self._room.done():  # cancelled where the stream is ended meanwhile
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
