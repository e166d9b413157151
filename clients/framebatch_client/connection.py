"""The life of one stream's connection: which call is the current one, and what becomes of its frames when it ends.

Pauses are decided in ``pacing``, counting is done in ``statistics``, gRPC lives in ``transport``. What callers see, and
when frames are due, belongs to ``stream``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING

from framebatch_client.answer import answer_from_wire
from framebatch_client.errors import ClientClosed, ConnectionLost, ServerUnavailable
from framebatch_client.pacing import backoff_seconds
from framebatch_client.transport import BROKEN, MAX_BACKOFF_SECONDS, is_final, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch_client.answer import Answer
    from framebatch_client.statistics import Ledger
    from framebatch_client.transport import Call, Transport
    from framebatch_proto.v1 import detector_pb2


class Connection:
    """One stream call after the other, until it is finished or the server refuses it for good. One event loop.

    A task of its own reads the answers; when a call ends by itself, its frames are noted as lost and the next call is
    opened after a pause of 0.1 s to 5 s, for as long as it takes. Writing happens in the caller's task.

    Invariants: ``failure`` is set only when ``ended``; no frame is in flight while there is no call.
    """

    def __init__(
        self,
        transport: Transport,
        ledger: Ledger,
        *,
        on_answer: Callable[[Answer], None],
        on_end: Callable[[], None],
    ) -> None:
        """Prepare, without connecting.

        Args:
            transport: shared with other streams, not owned.
            ledger: the book of this stream.
            on_answer: called with each answer, already noted, in the reading task; an error from it ends everything.
            on_end: called when no more answers can come.
        """
        self._transport = transport
        self._ledger = ledger
        self._on_answer = on_answer
        self._on_end = on_end
        self._call: Call | None = None
        self._reader: asyncio.Task[None] | None = None
        self._finished = False
        self._writing = asyncio.Lock()
        self.failure: Exception | None = None
        self.ended = False

    def __repr__(self) -> str:
        """Show the address and the state."""
        return f"<Connection {self._transport.server} {self.state}>"

    @property
    def state(self) -> str:
        """One of "new", "open", "reconnecting", "finishing" (no more frames, answers still come), "closed"."""
        if self.ended:
            return "closed"
        if self._reader is None:
            return "new"
        if self._finished:
            return "finishing"
        return "open" if self._call is not None else "reconnecting"

    async def open(self, timeout_seconds: float) -> None:
        """Connect for the first time; again: nothing happens.

        Raises:
            ServerUnavailable: that takes longer than ``timeout_seconds``.
            ClientClosed: the connection was finished meanwhile.
        """
        async with self._writing:
            if self._reader is not None:
                return
            await self._transport.wait_connected(timeout_seconds)
            if self.ended:
                raise ClientClosed("the stream was closed while it was opened")
            self._call = self._transport.open_stream()
            self._reader = asyncio.create_task(self._live(self._call))

    async def write(self, frame: detector_pb2.Frame) -> None:
        """Send a frame and note it as sent, or as skipped while there is no call; waits while the call takes no more.

        Raises:
            InvalidRequest: a frame with this number is still in flight; not counted.
            ServerUnavailable: no call at the moment, counted as skipped.
            ConnectionLost: the call ended meanwhile, counted as sent and lost.
        """
        async with self._writing:  # gRPC takes one message at a time
            call = self._call
            if call is None:
                self._ledger.skipped += 1
                await asyncio.sleep(0)  # who tries again at once must not keep the reading task from its work
                raise ServerUnavailable(f"{self._transport.server} is away: {self._ledger.last_error}")
            self._ledger.send(frame.sequence, time.perf_counter_ns())
            try:
                await call.write(frame)
            except BROKEN as error:
                self._ledger.lose(frame.sequence)
                await asyncio.sleep(0)
                raise ConnectionLost(f"{self._transport.server}: the connection went while sending") from error
            except asyncio.CancelledError as error:
                self._ledger.lose(frame.sequence)
                if _cancelled_from_outside():
                    raise
                raise ConnectionLost(f"{self._transport.server}: the connection went while sending") from error

    async def finish(self) -> None:
        """Half-close: no more frames, the answers still come. Without a call, this is the end. Again: nothing happens."""
        if self._finished:
            return
        self._finished = True
        if self._reader is None:
            self._end()
        elif self._call is None:
            self._reader.cancel()
        else:
            async with self._writing:
                if self._call is not None:
                    with contextlib.suppress(*BROKEN):
                        await self._call.done_writing()

    async def close(self, timeout_seconds: float) -> None:
        """Finish and wait for the last answer, at most that long; then break off."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.finish()
                if self._reader is not None:
                    await asyncio.wait((self._reader,))
        except TimeoutError:
            pass
        finally:
            if self._call is not None:
                self._call.cancel()
        if self._reader is not None:
            await asyncio.wait((self._reader,))

    async def _live(self, call: Call) -> None:
        """Read answers from one call after the other; the body of the reading task."""
        failures = 0
        try:
            while True:
                failures = 1 if await self._listen(call) else failures + 1
                self._call = None
                self._ledger.lose_all()
                if self._finished:
                    break
                error = await self._transport.end_of(call)
                self._ledger.last_error = str(error)
                if is_final(error):
                    self.failure = error
                    break
                await asyncio.sleep(
                    backoff_seconds(failures, chance=random.random(), longest_seconds=MAX_BACKOFF_SECONDS)  # noqa: S311
                )
                await self._transport.wait_connected(None)
                self._ledger.reconnects += 1
                call = self._call = self._transport.open_stream()
        except Exception as error:  # noqa: BLE001 - whatever it is, the owner of the stream gets it
            self.failure = error
        finally:
            if self._call is not None:
                self._call.cancel()
            self._end()

    async def _listen(self, call: Call) -> bool:
        """Hand on the answers of one call until it ends, for whatever reason; True when there was any."""
        heard = False
        try:
            while (message := await read_answer(call)) is not None:
                now_ns = time.perf_counter_ns()
                latency_seconds = self._ledger.latency_seconds(message.sequence, now_ns)
                if latency_seconds is None:
                    continue
                heard = True
                answer = answer_from_wire(message, latency_seconds=latency_seconds)
                self._ledger.answer(answer)
                self._on_answer(answer)
        except BROKEN:
            pass
        except asyncio.CancelledError:
            if _cancelled_from_outside():
                raise
        return heard

    def _end(self) -> None:
        self._call = None
        self._ledger.lose_all()
        self.ended = True
        self._on_end()


def _cancelled_from_outside() -> bool:
    """Tell a cancelled task from a cancelled call, for which gRPC raises the same exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
