"""One camera on one bidirectional stream, as callers see it: sending, receiving, pacing a source.

What happens when the server goes away belongs to ``connection``, due times to ``pacing``, counting to ``statistics``.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from framebatch_client.connection import Connection
from framebatch_client.errors import ClientClosed, InvalidRequest, ServerUnavailable
from framebatch_client.pacing import Pacer
from framebatch_client.pulling import pull_from
from framebatch_client.sources.base import SourceFrame
from framebatch_client.statistics import Ledger, StreamStats, combine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from framebatch_client.answer import Answer
    from framebatch_client.pulling import Pictures
    from framebatch_client.request import FrameOptions, Picture
    from framebatch_client.transport import Transport

_MAX_KEPT_ANSWERS = 10_000
_CLOSE_MARGIN_SECONDS = 5.0


class AsyncStream:
    """The stream of one camera; made by ``AsyncClient.stream``. Belongs to one event loop.

    Every frame handed to ``send`` is answered, in flight or lost: see ``StreamStats``. A stream that has been open
    comes back by itself when the server does. Up to 10 000 answers wait for ``answers()``; older ones are dropped and
    counted as unread.
    """

    def __init__(
        self, transport: Transport, options: FrameOptions, *, fps: float | None, connect_timeout_seconds: float
    ) -> None:
        """Prepare, without connecting; ``fps`` is the pace of ``run``."""
        self._options = options
        self._fps = fps
        self._connect_timeout_seconds = connect_timeout_seconds
        self._ledger = Ledger()
        self._news = asyncio.Event()
        self._connection = Connection(transport, self._ledger, on_answer=self._receive, on_end=self._news.set)
        self._next_sequence = 0
        self._kept: deque[Answer] = deque(maxlen=_MAX_KEPT_ANSWERS)
        self._on_answer: Callable[[Answer], None] | None = None
        self._stopped = False
        self._pause: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        """Show the camera, the state and the sum of frames."""
        return f"<AsyncStream {self._options.camera!r} {self.state}: {self._ledger.sum}>"

    @property
    def state(self) -> str:
        """One of "new", "open", "reconnecting", "finishing" (no more frames, answers still come), "closed"."""
        return self._connection.state

    @property
    def stats(self) -> StreamStats:
        """The figures so far."""
        return combine((self._ledger,))

    @property
    def unanswered(self) -> tuple[int, ...]:
        """Sequence numbers of the frames counted as lost, the latest 1000."""
        return tuple(self._ledger.unanswered)

    async def open(self) -> None:
        """Connect; opening again does nothing.

        Raises:
            ServerUnavailable: no server within the time limit given to ``stream``.
            ClientClosed: the stream or its client was closed.
        """
        if self._connection.failure is not None:
            raise self._connection.failure
        if self.state == "new":
            await self._connection.open(self._connect_timeout_seconds)
        elif self.state in {"finishing", "closed"}:
            raise ClientClosed(f"the stream of camera {self._options.camera!r} is {self.state}")

    async def send(
        self,
        picture: Picture,
        *,
        sequence: int | None = None,
        capture_time: float | None = None,
        next_frame_ms: float | None = None,
    ) -> int:
        """Send one frame, and wait only while the connection takes no more.

        Cancelling a ``send`` that waits breaks the connection, since half a frame cannot be taken back.

        Args:
            picture: encoded bytes, a path, or a uint8 array.
            sequence: number to be echoed; None: one more than the last, from 0 on.
            capture_time: when the picture was taken, seconds since the Unix epoch.
            next_frame_ms: a hint to the server, milliseconds until the camera's next frame will be sent, e.g. within a
                burst; None: as the stream's fps says, if it has one.

        Returns:
            The sequence number.

        Raises:
            InvalidRequest: the picture cannot be sent; it is not counted.
            ServerUnavailable: not connected at the moment; the frame was not sent and counts as skipped.
            ConnectionLost: the connection went while sending; the frame counts as sent and lost.
            ClientClosed, CallFailed: the stream has ended for good.
        """
        if self.state != "open":
            await self._check_usable()
        number = self._next_sequence if sequence is None else sequence
        frame = self._options.frame(picture, sequence=number, capture_time=capture_time, next_frame_ms=next_frame_ms)
        self._next_sequence = number + 1
        await self._connection.write(frame)
        return number

    async def answers(self) -> AsyncIterator[Answer]:
        """Give the answers as they come, until the stream is finished and all have come; for one consumer.

        Raises:
            CallFailed: the server refused the stream for good.
        """
        while answers := await self.take():
            for answer in answers:
                yield answer

    async def take(self) -> list[Answer]:
        """Wait for answers and give all that have come since; an empty list means that no more will come."""
        while not self._kept and not self._connection.ended:
            self._news.clear()
            await self._news.wait()
        answers = list(self._kept)
        self._kept.clear()
        if not answers and self._connection.failure is not None:
            raise self._connection.failure
        return answers

    async def run(
        self, source: Pictures, *, on_answer: Callable[[Answer], None] | None = None, count: int | None = None
    ) -> StreamStats:
        """Send the pictures of ``source`` at the stream's fps, then close. Ends early after ``stop()``.

        Frames go out at their due times whether or not answers come (open loop). Without a connection they are skipped,
        not kept: the picture of that moment is gone.

        Args:
            source: pictures, or ``SourceFrame`` values, whose ``index`` then tells the sequence number. What is only
                iterable is asked in a worker thread, as making a picture may take time; an async iterable is awaited.
            on_answer: called with each answer in the event loop's thread; keep it short. None: see ``answers()``.
            count: at most this many frames; None: until the source ends.

        Raises:
            InvalidRequest: the stream has no fps, or the source gave something that is no picture.
            SourceError: the source broke.
            CallFailed: the server refused the stream for good.
            ServerUnavailable: there was no server at the start.
        """
        if self._fps is None:
            raise InvalidRequest("run needs the fps of the stream: client.stream(fps=...)")
        pull, ask_when_due = pull_from(source)
        await self._check_usable()
        self._on_answer = on_answer
        first, sent = self._next_sequence, 0
        item = await pull() if count != 0 else None
        pacer = Pacer(fps=self._fps, start_ns=time.perf_counter_ns())
        while item is not None:
            await self._wait_until(pacer.due_ns)
            if self._stopped or self._connection.ended:
                break
            data, sequence = (item.data, first + item.index) if isinstance(item, SourceFrame) else (item, None)
            self._ledger.late += pacer.sent(time.perf_counter_ns())
            with contextlib.suppress(ServerUnavailable):  # counted as skipped or lost
                await self.send(data, sequence=sequence, capture_time=time.time())
            sent += 1
            if sent == count:
                break
            if ask_when_due:
                await self._wait_until(pacer.due_ns)
            item = await pull()
        await self.close()
        if self._connection.failure is not None:
            raise self._connection.failure
        return self.stats

    def stop(self) -> None:
        """Let ``run`` send no more frames and end, as if its source had ended now; from the event loop's thread."""
        self._stopped = True
        if self._pause is not None:
            _wake(self._pause)

    async def finish(self) -> None:
        """Say that no more frames follow; the answers of those already sent still come. Again: nothing happens."""
        self.stop()
        await self._connection.finish()

    async def close(self, *, timeout_seconds: float | None = None) -> None:
        """Finish, and wait for the answers of everything sent; what has none by then counts as lost.

        Args:
            timeout_seconds: how long to wait at most; None: the deadline of a frame and 5 s. 0 breaks off at once.
        """
        self.stop()
        if timeout_seconds is None:
            timeout_seconds = self._options.budget_seconds + _CLOSE_MARGIN_SECONDS
        await self._connection.close(timeout_seconds)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(timeout_seconds=None if error is None else 0.0)

    async def _check_usable(self) -> None:
        """Open a new stream; complain about one that is closed; leave alone one that is coming back."""
        if self.state not in {"open", "reconnecting"}:
            await self.open()

    def _receive(self, answer: Answer) -> None:
        if self._on_answer is not None:
            self._on_answer(answer)
            return
        if len(self._kept) == _MAX_KEPT_ANSWERS:
            self._ledger.unread += 1
        self._kept.append(answer)
        self._news.set()

    async def _wait_until(self, due_ns: int) -> None:
        """Sleep until then, or until ``stop``."""
        delay_seconds = (due_ns - time.perf_counter_ns()) / 1e9
        if delay_seconds <= 0 or self._stopped:
            return
        loop = asyncio.get_running_loop()
        self._pause = loop.create_future()
        timer = loop.call_later(delay_seconds, _wake, self._pause)
        try:
            await self._pause
        finally:
            timer.cancel()


def _wake(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
