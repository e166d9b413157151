"""framebatch.v1.Detector: thin handlers that convert, hand over and write back. Nothing is decided here.

Messages are handled as bytes: one malformed frame is then an INVALID answer and not the end of its stream.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import grpc

from framebatch.clock import now_ns
from framebatch.edge.intake import call_deadline_ns
from framebatch.edge.quota import StreamQuota, peer_of
from framebatch.edge.security.caller import CALLER
from framebatch.edge.security.grpc_door import end_call
from framebatch.edge.stream import CameraStream
from framebatch.edge.trace_context import trace_parent_of
from framebatch.frame import Frame, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from framebatch.edge.intake import Context, Intake

__all__ = ["SERVICE_NAME", "DetectorService"]

SERVICE_NAME: Final = "framebatch.v1.Detector"


class DetectorService:
    """The two methods of the service. Lives on the event loop."""

    def __init__(self, intake: Intake, *, max_stream_frames: int, quota: StreamQuota) -> None:
        """Serve.

        Args:
            intake: where frames go and answers come from.
            max_stream_frames: frames of a stream that may be unanswered or unread.
            quota: how many streams may be open; further ones end with RESOURCE_EXHAUSTED.
        """
        self._intake = intake
        self._max_stream_frames = max_stream_frames
        self.quota = quota
        self._streams: set[CameraStream] = set()

    def __repr__(self) -> str:
        return f"DetectorService(streams={len(self._streams)})"

    @property
    def streams(self) -> int:
        """Open streams."""
        return len(self._streams)

    @property
    def cameras(self) -> dict[CameraStream, str]:
        """The cameras of open streams that have sent a frame."""
        return {stream: stream.camera for stream in self._streams if stream.camera}

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

    def end_unwelcome(self) -> None:
        """End the streams of callers whose credentials have ended; each gets its last answers first."""
        for stream in self._streams:
            if stream.caller.ended is not None:
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
        caller = CALLER.get()
        frame, problem = wire.frame(
            message, camera=caller.own, arrival_ns=arrival_ns, call_deadline_ns=deadline_ns, reply=reply
        )
        if frame.camera != caller.own:
            frame.camera, refusal = caller.named(frame.camera)
            problem = refusal or problem
        if self._intake.traced:
            frame.trace_parent = trace_parent_of(context)
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
        peer = peer_of(context)
        if full := self.quota.enter(peer):
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, full)
        stream = CameraStream(self._intake, context, limit=self._max_stream_frames)
        self._streams.add(stream)
        try:
            await stream.run()
        finally:
            self._streams.discard(stream)
            self.quota.leave(peer)
        if stream.caller.ended is not None:
            await end_call(context, stream.caller.ended)
