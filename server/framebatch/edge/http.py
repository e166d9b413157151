"""The HTTP port: /metrics, /healthz, /readyz, what else it is given, and a plain page at /. Shows; changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from framebatch.edge.http_limits import KEEP_ALIVE_SECONDS, MAX_HEADER_BYTES, BoundedBody, BoundedProtocol
from framebatch.edge.listener import Listener
from framebatch.errors import UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

__all__ = ["HttpServer", "bind"]

PAGE: Final = "framebatch\n\n/metrics   Prometheus\n/healthz   the process lives\n/readyz    frames are accepted\n"


def bind(host: str, port: int, *, option: str = "--http-port", max_connections: int = 256) -> Listener:
    """A listening socket that accepts so many connections; port 0 takes any free one. The option is named where it cannot be had.

    Raises:
        UsageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = Listener(family, limit=max_connections)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # from here on nobody else can take the port
    except OSError as error:
        listener.close()
        raise UsageError(
            f"{option} {port}: cannot listen on {host}:{port}: {error.strerror}; choose another"
        ) from error
    return listener


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the application."""
        yield


class HttpServer:
    """Serves on the running event loop from `start` to `stop`.

    Attributes:
        not_ready: why no frames are accepted, for /readyz; empty when they are.
    """

    def __init__(
        self,
        listener: Listener,
        *,
        metrics: Callable[[], bytes | Awaitable[bytes]],
        content_type: str,
        routes: Sequence[BaseRoute] = (),
        door: Callable[[ASGIApp], ASGIApp] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Accept nothing yet.

        Args:
            listener: from `bind`; owned from now on.
            metrics: what /metrics answers.
            content_type: of that.
            routes: further ones, and others in place of those here.
            door: puts something before the application that every request passes; None: nothing.
            tls: encrypts; None: plain text.
        """
        self._listener = listener
        self._metrics = metrics
        self._content_type = content_type
        self.not_ready = "starting"
        every = [
            *routes,
            Route("/", self._page),
            Route("/metrics", self._scrape),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
        ]
        app: ASGIApp = Starlette(routes=every)
        config = uvicorn.Config(
            BoundedBody(app if door is None else door(app)),
            http=BoundedProtocol,
            ws="none",
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            log_config=None,  # its lines go where all others go
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = tls
        self._server = _Uvicorn(config)
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"HttpServer(port={self.port}, {f'not ready: {self.not_ready}' if self.not_ready else 'ready'})"

    @property
    def connections(self) -> int:
        """Open connections."""
        return self._listener.open

    @property
    def port(self) -> int:
        """The port that was bound."""
        port: int = self._listener.getsockname()[1]
        return port

    async def start(self) -> None:
        """Return once requests are answered."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Finish the requests under way and close the port."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def _page(self, _: Request) -> Response:
        return PlainTextResponse(PAGE)

    async def _scrape(self, _: Request) -> Response:
        text = self._metrics()
        return Response(text if isinstance(text, bytes) else await text, media_type=self._content_type)

    async def _healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self, _: Request) -> Response:
        if not self.not_ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"not ready: {self.not_ready}\n", status_code=503)
