"""Both ports of one server: what stands behind them, and in which order they open and close. Wires; handles no frame."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from framebatch.app.opening import limits_of
from framebatch.clock import ms_to_ns
from framebatch.detection.headers import read_header
from framebatch.edge.grpc_server import GrpcServer
from framebatch.edge.http import HttpServer, bind
from framebatch.edge.intake import Intake
from framebatch.edge.models import ModelsService
from framebatch.edge.page import page_routes
from framebatch.edge.priorities import Priorities
from framebatch.edge.service import DetectorService
from framebatch.edge.wire import WireFormat
from framebatch.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from framebatch.app.live import Live
    from framebatch.app.repository import Repository
    from framebatch.app.router import Router
    from framebatch.config import Config
    from framebatch.metrics import Metrics

__all__ = ["Doors"]

STOP_SECONDS: Final = 0.5


class Doors:
    """The HTTP port and the gRPC port of one server, from `open` to `close`, on one event loop.

    Attributes:
        service: takes the frames.
    """

    def __init__(
        self, config: Config, *, router: Router, repository: Repository, metrics: Metrics, live: Live | None = None
    ) -> None:
        """Take the HTTP port, and accept nothing yet.

        Args:
            config: the settings.
            router: takes the frames.
            repository: keeps the models.
            metrics: counts.
            live: shows the status page, and is closed with the HTTP port; None: there is no such page.

        Raises:
            UsageError: the port is taken.
        """
        self._config = config
        self._live = live
        self._http = HttpServer(
            bind(config.host, config.http_port),
            metrics=metrics.exposition,
            content_type=CONTENT_TYPE,
            routes=[] if live is None else page_routes(live),
        )
        wire = WireFormat(
            read_header=partial(read_header, limits=limits_of(config)),
            find_model=router.find,
            deadline_ns=ms_to_ns(config.deadline_ms),
            wall_clock_ns=time.time_ns,
            priorities=Priorities(config.priorities),
        )
        self.service = DetectorService(Intake(router, wire, metrics), max_stream_frames=config.max_stream_frames)
        self._grpc = GrpcServer(
            self.service,
            ModelsService(repository, control=config.model_control),
            max_message_bytes=config.max_message_bytes,
        )

    def __repr__(self) -> str:
        return f"Doors({self._grpc!r}, {self._http!r})"

    @property
    def addresses(self) -> str:
        """Where they are, as the ready line says it."""
        host = self._config.host
        return f"grpc={host}:{self._grpc.port} http={host}:{self._http.port}"

    async def open(self) -> None:
        """Answer requests; both ports say that no frames are taken until `tell` says otherwise.

        Raises:
            UsageError: the gRPC port is taken.
        """
        await self._http.start()
        await self._grpc.start(self._config.host, self._config.port)

    async def tell(self, why_not_ready: str) -> None:
        """Tell on both ports whether frames are taken; empty: they are."""
        self._http.not_ready = why_not_ready
        await self._grpc.set_serving(serving=not why_not_ready)

    async def close(self) -> None:
        """Let the streams end with their last answers, then close both ports."""
        self.service.end_streams()
        await self._grpc.stop(STOP_SECONDS)
        if self._live is not None:
            self._live.close()
        await self._http.stop()
