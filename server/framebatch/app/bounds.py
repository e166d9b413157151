"""What the peers of one server may cost the others, from its settings: descriptors, calls, rates. Wires; counts nothing."""

from __future__ import annotations

import logging
import resource
from typing import TYPE_CHECKING, Final

from framebatch.edge.grpc_server import Bounds
from framebatch.edge.paced import Paced
from framebatch.logs import event
from framebatch.scheduling.rate import CameraRate

if TYPE_CHECKING:
    from framebatch.config import Config
    from framebatch.edge.http import HttpServer
    from framebatch.edge.intake import Server
    from framebatch.edge.quota import StreamQuota
    from framebatch.metrics import Metrics

__all__ = ["allow_descriptors", "bounds_of", "export_bounds", "paced"]

log = logging.getLogger(__name__)

PLENTY: Final = 1 << 20
"""Where the kernel names no limit."""
OWN_DESCRIPTORS: Final = 256
"""Kept for the server itself: models, decoders, libraries, recordings."""
CALLS_BESIDE_STREAMS: Final = 8192
"""Single frames, health, models, reflection."""
CALLS_OF_CONNECTION: Final = 1024
"""Beside as many streams as a peer may have, so that it is told when it has too many, and does not wait instead."""


def allow_descriptors(config: Config) -> int:
    """Let this process open as many files and connections as its hard limit allows; answers how many that are.

    Warns where these are too few for what the settings allow.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = config.max_connections + config.max_http_connections + OWN_DESCRIPTORS
    if hard == resource.RLIM_INFINITY:
        hard = PLENTY
    if hard < wanted:
        log.warning(
            "this process may have %d files and connections open, so the gRPC port accepts %d connections instead of "
            "max_connections = %d; allow %d (LimitNOFILE= of systemd, ulimit -Hn, --ulimit of Docker), or lower max_connections",
            hard,
            connections_of(config, hard),
            config.max_connections,
            wanted,
            extra=event("connections.bounded", allowed=hard, wanted=wanted),
        )
    return hard


def connections_of(config: Config, descriptors: int) -> int:
    """How many connections the gRPC port accepts: as set, or as many as descriptors are left for."""
    return min(config.max_connections, max(1, descriptors - config.max_http_connections - OWN_DESCRIPTORS))


def bounds_of(config: Config, descriptors: int) -> Bounds:
    """What gRPC holds its peers to, where this process may have so many descriptors."""
    return Bounds(
        connections=connections_of(config, descriptors),
        calls=config.max_streams + CALLS_BESIDE_STREAMS,
        calls_of_connection=config.max_streams_per_peer + CALLS_OF_CONNECTION,
    )


def paced(server: Server, config: Config) -> Server:
    """The same server, which takes of each camera no more frames a second than the settings allow."""
    return Paced(server, CameraRate(config.max_camera_fps)) if config.max_camera_fps else server


def export_bounds(metrics: Metrics, quota: StreamQuota, http: HttpServer) -> None:
    """Export who was kept out, and how many are in."""
    metrics.counters(
        "framebatch_refused_streams",
        "Camera streams that ended at once, by the limit that kept them out.",
        ("reason",),
        lambda: [((reason,), count) for reason, count in quota.refused.items()],
    )
    metrics.gauge("framebatch_http_connections", "Open connections to the HTTP port.", lambda: http.connections)
