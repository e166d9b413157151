"""framebatch.edge.security.local_names: what a server that asks nobody may be called, and what it says to others."""

from __future__ import annotations

import asyncio
import http.client
from typing import TYPE_CHECKING

import pytest

from framebatch.edge.http import HttpServer, bind
from framebatch.edge.security.local_names import LocalNames, is_local_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OURS = [
    "",
    "localhost",
    "localhost:8002",
    "LocalHost.:8002",
    "edge.localhost",
    "127.0.0.1:8002",
    "192.0.2.7",
    "[::1]:8002",
    "[::1]",
]
OTHERS = [
    "evil.example",
    "evil.example:8002",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1:8002@evil",
    "2130706433",
]


@pytest.mark.parametrize(("host", "ours"), [*((each, True) for each in OURS), *((each, False) for each in OTHERS)])
def test_an_address_or_localhost_cannot_be_anothers_name(host: str, ours: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Every other name can, whatever it looks like."""
    assert is_local_name(host) is ours


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Answer the port of a server behind it."""
    server = HttpServer(
        bind("127.0.0.1", 0), metrics=lambda: b"answers 42\n", content_type="text/plain", door=LocalNames
    )
    await server.start()
    yield server.port
    await server.stop()


async def test_a_page_of_another_site_reads_nothing(port: int) -> None:
    """Though its name leads here; it is told what to do, for the case that it is a proxy."""

    def ask(host: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/metrics", headers={"host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    assert await asyncio.to_thread(ask, f"localhost:{port}") == (200, "answers 42\n")
    status, text = await asyncio.to_thread(ask, f"evil.example:{port}")
    assert (status, "--access FILE" in text) == (421, True)
