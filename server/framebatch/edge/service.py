"""framebatch.v1.Detector: thin handlers that convert, hand over and write back. What becomes of a frame is not decided here.

Messages are handled as bytes: one malformed frame is then an INVALID answer and not the end of its stream.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import grpc

from framebatch.clock import SECOND_NS, now_ns
from framebatch.edge.intake import call_deadline_ns
from framebatch.edge.pressure import SAMPLE_NS, Pressure
from framebatch.edge.stream import CameraStream
from framebatch.frame import Frame, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from framebatch.edge.intake import Context, Intake

__all__ = ["SERVICE_NAME", "DetectorService"]

log = logging.getLogger(__name__)

SERVICE_NAME: Final = "framebatch.v1.Detector"
OVERLOADED: Final = "the server's host cannot read the frames of all its cameras in time; try again in a minute"


class DetectorService:
    """The two methods of the service, and the watch over the event loop. Lives on the loop."""

    def __init__(self, intake: Intake, *, max_stream_frames: int) -> None:
        """Serve.

        Args:
            intake: where frames go and answers come from.
            max_stream_frames: frames of a stream that may be unanswered or unread.
        """
        self._intake = intake
        self._max_stream_frames = max_stream_frames
        self._streams: dict[CameraStream, None] = {}  # in the order in which they were opened
        self._pressure = Pressure()
        self._watch: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"DetectorService(streams={len(self._streams)}, {self._pressure!r})"

    @property
    def streams(self) -> int:
        """Open streams."""
        return len(self._streams)

    @property
    def lateness_ns(self) -> int:
        """How late the event loop was lately."""
        return self._pressure.lateness_ns

    def handlers(self) -> grpc.GenericRpcHandler:
        """For `grpc.aio.Server.add_generic_rpc_handlers`."""
        return grpc.method_handlers_generic_handler(
            SERVICE_NAME,
            {
                "Detect": grpc.unary_unary_rpc_method_handler(self._detect),
                "DetectStream": grpc.stream_stream_rpc_method_handler(self._detect_stream),
            },
        )

    def watch_pressure(self) -> None:
        """Look at the event loop's lateness from now on, and turn cameras away when it is overloaded."""
        self._sample_at(now_ns() + SAMPLE_NS)

    def end_streams(self) -> None:
        """Read no further frames; each stream ends when its last answer is written."""
        if self._watch is not None:
            self._watch.cancel()
        for stream in self._streams:
            stream.end()

    async def _detect(self, message: bytes, context: Context) -> bytes:
        arrival_ns = now_ns()
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        ledger, server, wire = self._intake.ledger, self._intake.server, self._intake.wire

        def reply(frame: Frame) -> None:
            ledger.answered(frame)
            if answered.done():
                ledger.undelivered(1)
            else:
                answered.set_result(wire.answer(frame))

        deadline_ns = call_deadline_ns(context, arrival_ns)
        frame, problem = wire.frame(
            message, camera="", arrival_ns=arrival_ns, call_deadline_ns=deadline_ns, reply=reply
        )
        if problem:
            server.refuse(frame, Outcome.INVALID, problem)
        else:
            server.submit(frame)
        try:
            return await answered
        finally:
            if frame.outcome is None:
                server.withdraw(frame, "the client went away")

    async def _detect_stream(self, _: AsyncIterator[bytes], context: Context) -> None:
        if not self._pressure.accepts(now_ns()):
            self._intake.ledger.turned_away(1)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, OVERLOADED)
        stream = CameraStream(self._intake, context, limit=self._max_stream_frames)
        self._streams[stream] = None
        try:
            await stream.run()
        finally:
            self._streams.pop(stream, None)

    def _sample_at(self, due_ns: int) -> None:
        delay_seconds = max(0, due_ns - now_ns()) / SECOND_NS
        self._watch = asyncio.get_running_loop().call_later(delay_seconds, self._sample, due_ns)

    def _sample(self, due_ns: int) -> None:
        now = now_ns()
        budgets = [stream.budget_ns for stream in self._streams if stream.budget_ns]
        budget_ns = sum(budgets) / len(budgets) if budgets else 0.0
        number = self._pressure.sample(now - due_ns, budget_ns=budget_ns, streams=len(self._streams), now_ns=now)
        if number:
            log.warning("overloaded: turning %d of %d cameras away, the newest first", number, len(self._streams))
            self._intake.ledger.turned_away(number)
            for stream in list(self._streams)[-number:]:
                del self._streams[stream]
                stream.end(OVERLOADED)
        self._sample_at(now + SAMPLE_NS)
