"""The only module of the client that speaks gRPC: channel options, calls, and gRPC's errors turned into ours.

What a frame holds belongs to ``request``, what an answer means to ``answer``, when to try again to ``stream``.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import grpc
import grpc.aio

from framebatch_client.errors import (
    AnswerTimeout,
    CallFailed,
    ClientClosed,
    ClientError,
    ConnectionLost,
    InvalidRequest,
    ServerUnavailable,
)
from framebatch_client.handshake import Shown, advice
from framebatch_client.tls import Tls, TlsCredentials
from framebatch_client.token import metadata_of, warn_of_plain_text
from framebatch_proto.v1 import detector_pb2, detector_pb2_grpc, models_pb2, models_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Health: TypeAlias = Literal["SERVING", "NOT_SERVING", "UNKNOWN"]
Call: TypeAlias = "grpc.aio.StreamStreamCall[detector_pb2.Frame, detector_pb2.Answer]"

_T = TypeVar("_T")

BROKEN = (grpc.aio.AioRpcError, grpc.aio.UsageError, grpc.aio.InternalError, asyncio.InvalidStateError)
"""What gRPC raises when a stream call is over: the status itself, or that the call can no longer be used."""

MAX_BACKOFF_SECONDS = 5.0
_MAX_MESSAGE_BYTES = 64 * 2**20
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    # A server that comes back is found again within 5 s; gRPC multiplies the pause by 1.6 and adds 20 % jitter.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", int(MAX_BACKOFF_SECONDS * 1000)),
    ("grpc.min_reconnect_backoff_ms", int(MAX_BACKOFF_SECONDS * 1000)),  # in fact the time limit of one attempt
    # A pulled cable sends no goodbye: ask for a sign of life after 20 s of silence, and wait 5 s for it.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),  # one connection per client: two clients do not share fate or backoff
    ("grpc.enable_http_proxy", 0),  # an edge server is reached directly, whatever http_proxy says
)
_CONNECT_FAILURE = re.compile(r"failed to connect|resolution failed|resolve", re.IGNORECASE)
_TRANSIENT = {
    grpc.StatusCode.OK,  # the server ended the stream by itself
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # one message over the size limit; the next one may fit
}
_REMEDIES = {
    grpc.StatusCode.UNAUTHENTICATED: "give a token or a certificate that the server knows (token, --token-file, "
    "FRAMEBATCH_TOKEN; --certificate and --key)",
    grpc.StatusCode.PERMISSION_DENIED: "whoever calls is known, and may not do this; ask the server's operator",
}
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
_HEALTH: dict[bytes, Health] = {b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING"}  # field 1, an enum
_POLL_SECONDS = 0.1
_PROBE_SECONDS = 1.0


class Transport:
    """One connection to one server. Belongs to the event loop in which it is first used."""

    def __init__(self, server: str, *, token: str | None = None, tls: Tls | bool | None = None) -> None:
        """Prepare, without connecting yet: files of ``tls`` are read.

        Args:
            server: "HOST:PORT" or a full gRPC target such as "unix:/run/framebatch.sock".
            token: by which the server knows who calls; sent with every call, shown by nothing.
            tls: whom to trust and what to show; True: trust the system's authorities; None or False: plain text.

        Raises:
            InvalidRequest: the address has no port, a file cannot be used, or the token cannot be sent.
        """
        self.server = check_address(server)
        wanted = Tls() if tls is True else tls or None
        self._credentials = None if wanted is None else TlsCredentials(wanted)
        self._metadata = metadata_of(token)
        if token is not None and wanted is None:
            warn_of_plain_text(server)
        self._leaving: set[asyncio.Task[None]] = set()
        self._channel: grpc.aio.Channel | None = None
        self._stub: detector_pb2_grpc.DetectorAsyncStub | None = None
        self._closed = False

    def __repr__(self) -> str:
        """Show the address and the state of the connection."""
        return f"<Transport {self.server} {self.state}>"

    @property
    def state(self) -> str:
        """One of "new", "closed", or gRPC's own: "idle", "connecting", "ready", "transient_failure"."""
        if self._closed:
            return "closed"
        return "new" if self._channel is None else self._channel.get_state().name.lower()

    def open(self) -> None:
        """Make the channel, in the running event loop; again: nothing happens, unless its files were renewed.

        A connection that stands is left alone. One that does not is given up for one with the renewed files.
        """
        if self._closed:
            raise ClientClosed(f"the client of {self.server} is closed")
        if self._channel is not None:
            if not self._renewed(self._channel):
                return
            leaving = asyncio.create_task(self._channel.close())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        if self._credentials is None:
            self._channel = grpc.aio.insecure_channel(self.server, options=_OPTIONS)
        else:
            options = (*_OPTIONS, *self._credentials.options)
            self._channel = grpc.aio.secure_channel(self.server, self._credentials.current, options=options)
        self._stub = detector_pb2_grpc.DetectorStub(self._channel)

    async def detect(self, frame: detector_pb2.Frame, *, timeout_seconds: float) -> detector_pb2.Answer:
        """Send one frame and wait at most ``timeout_seconds`` for its answer.

        Raises:
            ServerUnavailable, ConnectionLost, AnswerTimeout, CallFailed, ClientClosed: see ``errors``.
        """
        self.open()
        assert self._stub is not None  # noqa: S101 - open() made it
        return await self._translated(self._stub.Detect(frame, timeout=timeout_seconds, metadata=self._metadata))

    async def list_models(self, *, timeout_seconds: float) -> models_pb2.ListModelsResponse:
        """Ask which models there are; errors as of ``detect``."""
        return await self._translated(
            self._models().ListModels(models_pb2.ListModelsRequest(), timeout=timeout_seconds, metadata=self._metadata)
        )

    async def load_model(self, name: str, version: int, *, timeout_seconds: float) -> models_pb2.LoadModelResponse:
        """Have a version served, 0 for the newest, and wait until it is; errors as of ``detect``."""
        request = models_pb2.LoadModelRequest(name=name, version=version)
        return await self._translated(
            self._models().LoadModel(request, timeout=timeout_seconds, metadata=self._metadata)
        )

    async def unload_model(self, name: str, *, timeout_seconds: float) -> models_pb2.UnloadModelResponse:
        """Have a model served no longer, and wait until it is gone; errors as of ``detect``."""
        request = models_pb2.UnloadModelRequest(name=name)
        return await self._translated(
            self._models().UnloadModel(request, timeout=timeout_seconds, metadata=self._metadata)
        )

    def _models(self) -> models_pb2_grpc.ModelsAsyncStub:
        self.open()
        assert self._channel is not None  # noqa: S101 - open() made it
        return models_pb2_grpc.ModelsStub(self._channel)

    def open_stream(self) -> Call:
        """Start a stream call; whether it holds shows in its first read."""
        self.open()
        assert self._stub is not None  # noqa: S101 - open() made it
        return self._stub.DetectStream(metadata=self._metadata)

    async def wait_connected(self, timeout_seconds: float | None) -> None:
        """Connect and wait until the connection stands, trying again as often as needed; None: without limit.

        Raises:
            ServerUnavailable: not within ``timeout_seconds``; the message says why as far as it is known.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while not await self._connects():
                    pass
        except TimeoutError:
            reason = await self._why_not()
            raise ServerUnavailable(
                f"no server at {self.server} within {timeout_seconds:g} s{': ' if reason else ''}{reason}"
            ) from None

    async def _connects(self) -> bool:
        """Wait until the connection stands; False: not yet, and files may have been renewed meanwhile."""
        self.open()
        assert self._channel is not None  # noqa: S101 - open() made it
        try:
            async with asyncio.timeout(None if self._credentials is None else MAX_BACKOFF_SECONDS):
                await self._channel.channel_ready()
        except TimeoutError:
            return False
        except grpc.aio.UsageError as error:
            if self._closed:
                raise ClientClosed(f"the client of {self.server} is closed") from error
            return False  # another stream found renewed files, and made a new channel
        return True

    async def health(self, *, timeout_seconds: float) -> Health:
        """Ask ``grpc.health.v1``; a server without that service is UNKNOWN.

        The message is a single enum, so its two bytes are read here rather than with one more dependency.
        """
        self.open()
        assert self._channel is not None  # noqa: S101 - open() made it
        check: Callable[..., Awaitable[bytes]] = self._channel.unary_unary(
            _HEALTH_CHECK, request_serializer=None, response_deserializer=None
        )
        try:
            return _HEALTH.get(
                await self._translated(check(b"", timeout=timeout_seconds, metadata=self._metadata)), "UNKNOWN"
            )
        except CallFailed as error:
            if error.status != grpc.StatusCode.UNIMPLEMENTED.name:
                raise
            return "UNKNOWN"

    async def wait_ready(self, timeout_seconds: float) -> None:
        """Wait until the server is connected and does not say that it cannot serve yet.

        Raises:
            ServerUnavailable: not within ``timeout_seconds``.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_seconds
        await self.wait_connected(timeout_seconds)
        while (health := await self._probe(end - loop.time())) in {"NOT_SERVING", "silent"}:
            if loop.time() >= end:
                raise ServerUnavailable(f"the server at {self.server} is {health} after {timeout_seconds:g} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def close(self) -> None:
        """Close the connection; calls in progress end at once."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()
        await asyncio.gather(*self._leaving)

    async def end_of(self, call: Call) -> ClientError:
        """Say why a stream call has ended, as the error to report."""
        return translate(self.server, await call.code(), await call.details(), shown=self._shown)

    @property
    def _shown(self) -> Shown:
        if self._credentials is None:
            return "plain text"
        return "TLS" if self._credentials.tls.certificate is None else "TLS with a certificate"

    def _renewed(self, channel: grpc.aio.Channel) -> bool:
        """Tell whether there are other files than those of a channel, whose connection does not stand."""
        return (
            self._credentials is not None
            and channel.get_state() is not grpc.ChannelConnectivity.READY
            and self._credentials.renewed()
        )

    async def _translated(self, call: Awaitable[_T]) -> _T:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise translate(self.server, error.code(), error.details(), shown=self._shown) from error
        except grpc.aio.UsageError as error:
            raise ClientClosed(f"the client of {self.server} is closed") from error

    async def _probe(self, timeout_seconds: float) -> str:
        """Ask for the health, for a second at least; a server that gives none in time is "silent"."""
        try:
            return await self.health(timeout_seconds=max(timeout_seconds, _PROBE_SECONDS))
        except AnswerTimeout:
            return "silent"

    async def _why_not(self) -> str:
        """Give gRPC's own words for why there is no connection; empty when it has none."""
        try:
            await self.health(timeout_seconds=_PROBE_SECONDS)
        except ServerUnavailable as error:
            return str(error).removeprefix(f"{self.server}: ")
        except ClientError:
            pass
        return ""


async def read_answer(call: Call) -> detector_pb2.Answer | None:
    """Read the next answer of a stream call; None after the last one, BROKEN when the call failed."""
    message = await call.read()
    return message if isinstance(message, detector_pb2.Answer) else None


def translate(server: str, code: grpc.StatusCode, details: str | None, *, shown: Shown = "plain text") -> ClientError:
    """The one place where a gRPC status becomes an error of ours; ``shown`` is how the client speaks."""
    details = "the server ended the stream" if code is grpc.StatusCode.OK else details or code.name.lower()
    words = details.rpartition("Failed to connect to remote host: ")[2]
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return AnswerTimeout(f"{server}: no answer within the call's time limit")
    if code is grpc.StatusCode.UNAVAILABLE and _CONNECT_FAILURE.search(details):
        check = advice(details, shown)
        return ServerUnavailable(f"{server}: {check} ({words})" if check else f"{server}: {words}")
    if code in _TRANSIENT and code is not grpc.StatusCode.RESOURCE_EXHAUSTED:
        return ConnectionLost(f"{server}: {words}")
    remedy = f"; {_REMEDIES[code]}" if code in _REMEDIES else ""
    return CallFailed(f"{server}: {code.name}: {words}{remedy}", status=code.name)


def is_final(error: ClientError) -> bool:
    """Tell whether opening the stream again is pointless after ``error``."""
    return isinstance(error, CallFailed) and error.status not in {code.name for code in _TRANSIENT}


def check_address(server: str) -> str:
    """Return the address if it names a port or a gRPC scheme, else raise InvalidRequest."""
    if re.match(r"(dns|unix|unix-abstract|ipv4|ipv6|vsock|xds):", server):
        return server
    host, _, port = server.rpartition(":")
    if "/" in server or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise InvalidRequest(f"the server must be HOST:PORT, for example localhost:8001, not {server!r}")
    return server
