"""Both ports of one server: what stands behind them, and in which order they open and close. Wires; handles no frame."""

from __future__ import annotations

import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from framebatch.app.bounds import allow_descriptors, bounds_of, export_bounds, paced
from framebatch.app.opening import limits_of
from framebatch.app.security import control_of
from framebatch.clock import ms_to_ns
from framebatch.detection.headers import read_header
from framebatch.edge.grpc_server import GrpcServer
from framebatch.edge.http import HttpServer, bind
from framebatch.edge.intake import Intake
from framebatch.edge.models import ModelsService
from framebatch.edge.page import page_routes
from framebatch.edge.priorities import Priorities
from framebatch.edge.quota import StreamQuota
from framebatch.edge.security.grpc_door import GrpcDoor
from framebatch.edge.security.http_door import HttpDoor
from framebatch.edge.security.local_names import LocalNames
from framebatch.edge.service import DetectorService
from framebatch.edge.wire import WireFormat
from framebatch.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from framebatch.app.live import Live
    from framebatch.app.repository import Repository
    from framebatch.app.router import Router
    from framebatch.app.security import Security
    from framebatch.config import Config
    from framebatch.edge.security.guard import Guard
    from framebatch.metrics import Metrics

__all__ = ["Doors", "check_ports", "url_of"]

STOP_SECONDS: Final = 0.5
EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - what others were told to listen on


def check_ports(config: Config) -> None:
    """Look whether both ports can be had, before minutes are spent on loading; they are given back at once.

    Raises:
        UsageError: one is taken, or the address is none of this machine.
    """
    for port, option in ((config.port, "--port"), (config.http_port, "--http-port")):
        bind(config.host, port, option=option).close()


def _http_door(config: Config, guard: Guard | None) -> Callable[[ASGIApp], ASGIApp] | None:
    """What every request over HTTP passes; None: nothing, where everybody was allowed in so many words."""
    if guard is not None:
        return partial(HttpDoor, guard=guard)
    return None if config.anonymous else LocalNames


class Doors:
    """The HTTP port and the gRPC port of one server, from `open` to `close`, on one event loop.

    Attributes:
        service: takes the frames.
    """

    def __init__(
        self,
        config: Config,
        *,
        router: Router,
        repository: Repository,
        metrics: Metrics,
        security: Security,
        live: Live | None = None,
    ) -> None:
        """Take the HTTP port, and accept nothing yet.

        Args:
            config: the settings.
            router: takes the frames.
            repository: keeps the models.
            metrics: counts.
            security: what stands between the ports and their callers.
            live: shows the status page, and is closed with the HTTP port; None: there is no such page.

        Raises:
            UsageError: the port is taken.
        """
        self._config = config
        self._live = live
        self._guard, self._tls = guard, tls = security.guard, security.tls
        descriptors = allow_descriptors(config)
        self._http = HttpServer(
            bind(config.host, config.http_port, max_connections=config.max_http_connections),
            metrics=metrics.scrape,
            content_type=CONTENT_TYPE,
            routes=[] if live is None else page_routes(live),
            door=_http_door(config, guard),
            tls=None if tls is None else tls.http_context,
        )
        wire = WireFormat(
            read_header=partial(read_header, limits=limits_of(config)),
            find_model=router.find,
            deadline_ns=ms_to_ns(config.deadline_ms),
            wall_clock_ns=time.time_ns,
            priorities=Priorities(config.priorities),
        )
        self.service = DetectorService(
            Intake(paced(router, config), wire, metrics, bool(config.traces)),
            max_stream_frames=config.max_stream_frames,
            quota=StreamQuota(streams=config.max_streams, per_peer=config.max_streams_per_peer),
        )
        bounds = bounds_of(config, descriptors)
        self._grpc = GrpcServer(
            self.service,
            ModelsService(repository, control=control_of(config)),
            max_message_bytes=config.max_message_bytes,
            interceptors=() if guard is None else (GrpcDoor(guard, most_calls=bounds.calls_of_connection),),
            bounds=bounds,
        )
        export_bounds(metrics, self.service.quota, self._http)

    def __repr__(self) -> str:
        return f"Doors({self._grpc!r}, {self._http!r})"

    @property
    def addresses(self) -> str:
        """Where they are, as the ready line says it."""
        host = self._config.host
        return f"grpc={host}:{self._grpc.port} http={host}:{self._http.port}"

    @property
    def page_url(self) -> str:
        """Where a browser finds the status page; empty: there is none."""
        if self._live is None:
            return ""
        return url_of(self._config.host, self._http.port, encrypted=self._tls is not None)

    async def open(self) -> None:
        """Answer requests; both ports say that no frames are taken until `tell` says otherwise.

        Raises:
            UsageError: the gRPC port is taken.
        """
        if self._guard is not None:
            self._guard.start(on_ended=self.service.end_unwelcome)
        await self._http.start()
        tls = None if self._tls is None else self._tls.grpc_credentials()
        await self._grpc.start(self._config.host, self._config.port, tls=tls)
        if self._tls is not None:
            self._tls.start()

    async def tell(self, why_not_ready: str) -> None:
        """Tell on both ports whether frames are taken; empty: they are."""
        self._http.not_ready = why_not_ready
        await self._grpc.set_serving(serving=not why_not_ready)

    async def close(self) -> None:
        """Let the streams end with their last answers, then close both ports."""
        if self._guard is not None:
            self._guard.stop()
        self.service.end_streams()
        if self._tls is not None:
            self._tls.stop()
        await self._grpc.stop(STOP_SECONDS)
        if self._live is not None:
            self._live.close()
        await self._http.stop()


def url_of(host: str, port: int, *, encrypted: bool) -> str:
    """The address for a browser: of a server that listens everywhere, by the machine's name."""
    name = socket.gethostname() if host in EVERYWHERE else host
    return f"{'https' if encrypted else 'http'}://{f'[{name}]' if ':' in name else name}:{port}/"
