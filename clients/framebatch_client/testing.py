"""A small real server that does as it is told, for tests of code that uses this client.

It speaks the wire over a real socket and decides nothing: scripted answers, silence, refusals, going away and coming
back. Scheduling, decoding and detection do not belong here; nothing of the client imports this.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import grpc
import grpc.aio

from framebatch_proto.v1 import detector_pb2, detector_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType
    from typing import TypeAlias

    Reply: TypeAlias = Callable[[detector_pb2.Frame], Awaitable[detector_pb2.Answer | None]]
    Context: TypeAlias = "grpc.aio.ServicerContext[detector_pb2.Frame, detector_pb2.Answer]"

_HEALTH_MESSAGES = {"SERVING": b"\x08\x01", "NOT_SERVING": b"\x08\x02"}


async def reply_ok(frame: detector_pb2.Frame) -> detector_pb2.Answer:
    """Answer OK at once, with one detection, as if in a batch of 2."""
    return detector_pb2.Answer(
        sequence=frame.sequence,
        camera=frame.camera,
        outcome=detector_pb2.OUTCOME_OK,
        detections=[detector_pb2.Detection(x1=1, y1=2, x2=30, y2=40, score=0.5, class_id=3, label="bolt")],
        timing=detector_pb2.Timing(decode_seconds=0.001, device_seconds=0.004, total_seconds=0.005),
        batch_size=2,
        model="scripted",
        model_version="1",
        width=640,
        height=480,
    )


async def stay_silent(_: detector_pb2.Frame) -> None:
    """Give no answer; the stream stays open."""


class ScriptedServer:
    """A detector server whose answers are given by a function; all of it on the running event loop.

    ``reply`` may be changed at any time; it is called once per frame and may take its time, during which other frames
    are answered. A ``refusal`` ends every call with that status instead.
    """

    def __init__(
        self,
        reply: Reply = reply_ok,
        *,
        refusal: grpc.StatusCode | None = None,
        health: str = "SERVING",
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        """Prepare; ``health`` is "SERVING", "NOT_SERVING" or "" for a server without the health service.

        ``metadata`` has what each call carried, ``credentials`` are for TLS and may be changed between two starts.
        """
        self.reply = reply
        self.refusal = refusal
        self.health = health
        self.credentials = credentials
        self.metadata: list[dict[str, str | bytes]] = []
        self.frames: list[detector_pb2.Frame] = []
        self.streams = 0
        self.port = 0
        self._arrived = asyncio.Condition()
        self._server: grpc.aio.Server | None = None

    def __repr__(self) -> str:
        """Show the address, whether it runs, and what has come."""
        state = "stopped" if self._server is None else "running"
        return f"<ScriptedServer {self.address} {state}, {len(self.frames)} frames, {self.streams} streams>"

    @property
    def address(self) -> str:
        """HOST:PORT, the same after each start."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, on any free port the first time and on the same one afterwards."""
        self._server = grpc.aio.server(
            interceptors=(_Listener(self.metadata),), options=[("grpc.max_receive_message_length", -1)]
        )
        detector_pb2_grpc.add_DetectorServicer_to_server(_Servicer(self), self._server)
        if self.health:
            self._server.add_generic_rpc_handlers((_health_handler(self),))
        if self.credentials is None:
            self.port = self._server.add_insecure_port(self.address)
        else:
            self.port = self._server.add_secure_port(self.address, self.credentials)
        await self._server.start()

    async def stop(self, grace_seconds: float = 0.0) -> None:
        """Go away, breaking off calls that still run after ``grace_seconds``."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop(grace_seconds)

    async def received(self, count: int) -> None:
        """Wait until this many frames have come since the server was made."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.frames) >= count)

    async def answer(self, frame: detector_pb2.Frame) -> detector_pb2.Answer | None:
        """Note a frame and let the script answer."""
        async with self._arrived:
            self.frames.append(frame)
            self._arrived.notify_all()
        return await self.reply(frame)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()


class _Listener(grpc.aio.ServerInterceptor):
    """Notes what every call carries, whether or not there is such a method."""

    def __init__(self, metadata: list[dict[str, str | bytes]]) -> None:
        self._metadata = metadata

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        self._metadata.append(dict(handler_call_details.invocation_metadata))
        return await continuation(handler_call_details)


class _Servicer(detector_pb2_grpc.DetectorServicer):
    """Hands every frame to the script."""

    def __init__(self, script: ScriptedServer) -> None:
        self._script = script

    async def Detect(self, request: detector_pb2.Frame, context: Context) -> detector_pb2.Answer:  # noqa: N802 - gRPC's name
        await self._refuse(context)
        answer = await self._script.answer(request)
        return answer or await _never()

    async def DetectStream(  # type: ignore[override]  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[detector_pb2.Frame], context: Context
    ) -> None:
        self._script.streams += 1
        await self._refuse(context)
        writing = asyncio.Lock()

        async def pass_on(frame: detector_pb2.Frame) -> None:
            if (answer := await self._script.answer(frame)) is not None:
                async with writing:  # gRPC takes one message at a time
                    await context.write(answer)

        async with asyncio.TaskGroup() as group:
            async for frame in request_iterator:
                group.create_task(pass_on(frame))

    async def _refuse(self, context: Context) -> None:
        if self._script.refusal is not None:
            await context.abort(self._script.refusal, "refused by script")


async def _never() -> detector_pb2.Answer:
    """Wait until the end of the call cancels this."""
    answer: asyncio.Future[detector_pb2.Answer] = asyncio.get_running_loop().create_future()
    return await answer


def _health_handler(script: ScriptedServer) -> grpc.GenericRpcHandler:
    """Serve grpc.health.v1 with the one message that it needs."""

    async def check(_: bytes, __: object) -> bytes:
        return _HEALTH_MESSAGES[script.health]

    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)
