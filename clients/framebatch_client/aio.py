"""The client for asyncio: one connection, any number of calls and streams on one event loop.

Only wiring belongs here: frames are built in ``request``, gRPC is spoken in ``transport``, a stream lives in ``stream``.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Self

from framebatch_client.answer import Answer, answer_from_wire
from framebatch_client.errors import InvalidRequest
from framebatch_client.models import model_from_wire, models_from_wire
from framebatch_client.pacing import next_frame_ms
from framebatch_client.request import FrameOptions
from framebatch_client.stream import AsyncStream
from framebatch_client.transport import Transport

if TYPE_CHECKING:
    from types import TracebackType

    from framebatch_client.models import ServerModel, ServerModels
    from framebatch_client.request import Mode, Picture, Priority, Region
    from framebatch_client.tls import Tls
    from framebatch_client.transport import Health

_MARGIN_SECONDS = 2.0
_NO_DEADLINE_TIMEOUT_SECONDS = 60.0
DEFAULT_CONNECT_SECONDS = 10.0
DEFAULT_LOAD_SECONDS = 600.0


class AsyncClient:
    """A connection to one server, for use with ``async with`` or until ``close()``. Belongs to one event loop.

    Nothing is sent before the first call; a lost connection is made again by itself.
    """

    def __init__(self, server: str, *, token: str | None = None, tls: Tls | bool | None = None) -> None:
        """Prepare, without connecting yet; files of ``tls`` are read.

        Args:
            server: "HOST:PORT", or a full gRPC target such as "unix:/run/framebatch.sock".
            token: by which the server knows who calls; sent with every call, shown by nothing. In plain text to
                another machine it is logged that it can be read on the way.
            tls: whom to trust and what to show; True: trust the system's authorities; None or False: plain text. Files
                that were renewed are read again when the connection has to be made anew.

        Raises:
            InvalidRequest: the address names no port, a file cannot be used, or the token cannot be sent.
        """
        self._transport = Transport(server, token=token, tls=tls)
        self._streams: set[AsyncStream] = set()

    def __repr__(self) -> str:
        """Show the address, the state of the connection and the streams that are not closed."""
        return f"<AsyncClient {self._transport.server} {self._transport.state}, {len(self._live_streams())} streams>"

    async def detect(
        self,
        picture: Picture,
        *,
        deadline_ms: float | None = None,
        camera: str = "",
        mode: Mode = "inspect",
        region: Region | None = None,
        model: str = "",
        priority: Priority = "normal",
        capture_time: float | None = None,
        sequence: int = 0,
    ) -> Answer:
        """Send one frame and wait for its answer, at most 2 s longer than its deadline (60 s when it has none).

        Args:
            picture: encoded bytes (JPEG, PNG, WebP, BMP), the path of such a file, or a uint8 array, (height, width, 3)
                in BGR order or (height, width) gray.
            deadline_ms: the frame's budget in milliseconds; None: the server's default.
            camera: who took it, at most 128 characters.
            mode: "inspect", or "live" if a newer frame of the camera may supersede this one.
            region: x, y, width, height in source pixels to look at; None: the whole picture.
            model: which model; empty: the server's default.
            priority: "critical" (answered before all others; for few), "normal", or "best-effort" (lost first).
            capture_time: when it was taken, seconds since the Unix epoch; gives ``answer.timing.age``.
            sequence: echoed in the answer.

        Returns:
            The answer, whatever its outcome: EXPIRED, REJECTED, ... are no exceptions.

        Raises:
            InvalidRequest: the picture or an option cannot be sent.
            ServerUnavailable: nobody answers at the address; ConnectionLost: the connection went meanwhile.
            AnswerTimeout: the server kept silent.
            CallFailed: the server refused the call as a whole.
        """
        options = FrameOptions(
            camera=camera, deadline_ms=deadline_ms, mode=mode, region=region, model=model, priority=priority
        )
        frame = options.frame(picture, sequence=sequence, capture_time=capture_time)
        timeout_seconds = (
            _NO_DEADLINE_TIMEOUT_SECONDS if deadline_ms is None else options.budget_seconds + _MARGIN_SECONDS
        )
        start = time.perf_counter()
        message = await self._transport.detect(frame, timeout_seconds=timeout_seconds)
        return answer_from_wire(message, latency_seconds=time.perf_counter() - start)

    def stream(
        self,
        *,
        camera: str = "",
        fps: float | None = None,
        deadline_ms: float | None = None,
        mode: Mode = "inspect",
        region: Region | None = None,
        model: str = "",
        priority: Priority = "normal",
        connect_timeout_seconds: float = DEFAULT_CONNECT_SECONDS,
    ) -> AsyncStream:
        """Make the stream of one camera; ``async with`` opens and closes it.

        Args:
            camera: who takes the pictures; this and the other options hold for all frames, and mean what they do in
                ``detect``.
            deadline_ms: budget of each frame.
            mode: "live" or "inspect".
            region: part to look at.
            model: which model.
            priority: "critical" (answered before all others; for few), "normal", or "best-effort" (lost first).
            fps: pace of ``run``, and the hint to the server when the next frame will come; None: no pace, no hint.
            connect_timeout_seconds: how long opening may take when there is no server yet; once open, a stream keeps
                trying to come back for as long as it is not closed.

        Raises:
            InvalidRequest: an option is out of its range.
        """
        options = FrameOptions(
            camera=camera,
            deadline_ms=deadline_ms,
            mode=mode,
            region=region,
            model=model,
            priority=priority,
            next_frame_ms=None if fps is None else next_frame_ms(fps),
        )
        self._streams = self._live_streams()
        stream = AsyncStream(self._transport, options, fps=fps, connect_timeout_seconds=connect_timeout_seconds)
        self._streams.add(stream)
        return stream

    async def list_models(self, *, timeout_seconds: float = 10.0) -> ServerModels:
        """Ask which models the server has, in which versions, and what has become of each.

        Raises:
            ServerUnavailable, AnswerTimeout: nobody answers; CallFailed: a server without this service.
        """
        return models_from_wire(await self._transport.list_models(timeout_seconds=timeout_seconds))

    async def load_model(
        self, name: str, *, version: int = 0, timeout_seconds: float = DEFAULT_LOAD_SECONDS
    ) -> ServerModel:
        """Have the server serve a version of a model, and wait until it does; frames are answered meanwhile.

        Args:
            name: of the model.
            version: which; 0: the newest, or the one that the server's folder pins.
            timeout_seconds: how long to wait; the server goes on loading after that.

        Raises:
            InvalidRequest: ``version`` is none.
            CallFailed: ``status`` is NOT_FOUND (no such model or version), FAILED_PRECONDITION (it cannot be loaded: the
                message says why, and what served before serves on) or PERMISSION_DENIED.
            ServerUnavailable, AnswerTimeout: nobody answers.
        """
        if not 0 <= version < 2**64:
            raise InvalidRequest(f"version must be 1 or more, or 0 for the newest, not {version!r}")
        response = await self._transport.load_model(name, version, timeout_seconds=timeout_seconds)
        return model_from_wire(response.model)

    async def unload_model(self, name: str, *, timeout_seconds: float = DEFAULT_LOAD_SECONDS) -> ServerModel:
        """Have the server serve a model no longer, and wait until its last frames are answered and it is gone.

        Raises:
            CallFailed: ``status`` is NOT_FOUND (it is not served) or PERMISSION_DENIED.
            ServerUnavailable, AnswerTimeout: nobody answers.
        """
        response = await self._transport.unload_model(name, timeout_seconds=timeout_seconds)
        return model_from_wire(response.model)

    async def health(self, *, timeout_seconds: float = 2.0) -> Health:
        """Ask for "SERVING", "NOT_SERVING" or "UNKNOWN" (a server without the health service).

        Raises:
            ServerUnavailable, AnswerTimeout: nobody answers.
        """
        return await self._transport.health(timeout_seconds=timeout_seconds)

    async def wait_ready(self, timeout_seconds: float = DEFAULT_CONNECT_SECONDS) -> None:
        """Wait until the server is there and can serve; raises ServerUnavailable when that takes too long."""
        await self._transport.wait_ready(timeout_seconds)

    async def close(self) -> None:
        """Close the connection; streams still open are broken off, their unanswered frames count as lost."""
        await asyncio.gather(*(stream.close(timeout_seconds=0.0) for stream in self._live_streams()))
        await self._transport.close()

    async def __aenter__(self) -> Self:
        self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _live_streams(self) -> set[AsyncStream]:
        return {stream for stream in self._streams if stream.state != "closed"}
