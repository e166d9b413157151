"""framebatch.app.bounds: descriptors, and what gRPC is told; in processes whose limits may be changed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from framebatch.app.bounds import bounds_of, connections_of, paced
from framebatch.app.router import Router
from framebatch.config import Config
from framebatch.edge.grpc_server import Bounds
from framebatch.edge.paced import Paced

PROGRAM = """
import logging, resource, sys
from framebatch.app.bounds import allow_descriptors
from framebatch.config import Config
logging.basicConfig(format="%(message)s", stream=sys.stdout)
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(allow_descriptors(Config(model="bolts")), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def raised(soft: int, hard: int) -> list[str]:
    """Answer what a process with these limits says and does."""
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_soft_limit_becomes_the_hard_one() -> None:
    """Many systems allow 1024 files softly, and much more when one asks."""
    assert raised(512, 4096) == ["4096 (4096, 4096)"]


def test_too_few_descriptors_are_told_with_the_remedy() -> None:
    """The server goes on, and takes fewer connections."""
    warning, done = raised(512, 1024)
    assert done == "1024 (1024, 1024)"
    assert warning == (
        "this process may have 1024 files and connections open, so the gRPC port accepts 512 connections instead of "
        "max_connections = 1024; allow 1536 (LimitNOFILE= of systemd, ulimit -Hn, --ulimit of Docker), "
        "or lower max_connections"
    )


@pytest.mark.parametrize(("descriptors", "connections"), [(100, 1), (1000, 488), (1536, 1024), (1 << 20, 1024)])
def test_connections_leave_room_for_what_else_is_open(descriptors: int, connections: int) -> None:
    """The HTTP port's connections, and 256 of the server's own."""
    assert connections_of(Config(model="bolts"), descriptors) == connections


def test_a_peer_can_be_told_that_it_has_too_many_streams() -> None:
    """More calls fit on a connection than a peer may have streams, and more into the server than it may have in all."""
    config = Config(model="bolts", max_streams=7, max_streams_per_peer=3, max_connections=5)
    assert bounds_of(config, 1 << 20) == Bounds(connections=5, calls=7 + 8192, calls_of_connection=3 + 1024)


async def test_no_limit_costs_nothing() -> None:
    """Frames go to whoever takes them, past nobody."""
    router = Router(asyncio.get_running_loop(), default="bolts")
    assert paced(router, Config(model="bolts", max_camera_fps=0)) is router
    assert isinstance(paced(router, Config(model="bolts")), Paced)


def test_the_unit_allows_what_the_defaults_want() -> None:
    """`LimitNOFILE` of the systemd unit."""
    unit = (Path(__file__).parents[1] / "deploy" / "framebatch.service").read_text(encoding="utf-8")
    allowed = next(int(line.partition("=")[2]) for line in unit.splitlines() if line.startswith("LimitNOFILE="))
    config = Config(model="bolts")
    assert connections_of(config, allowed) == config.max_connections
