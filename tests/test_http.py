"""framebatch.edge.http: metrics and health over HTTP."""

from __future__ import annotations

import asyncio
import http.client
from typing import TYPE_CHECKING

import pytest

from framebatch.edge.http import HttpServer, bind
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    """Answer a started server on a free port."""
    started = HttpServer(bind("127.0.0.1", 0), metrics=lambda: b"answers 42\n", content_type="text/x-figures")
    await started.start()
    yield started
    await started.stop()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Answer status, type and text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.getheader("content-type", ""), response.read().decode()
    finally:
        connection.close()


async def get(server: HttpServer, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Ask without holding up the server, which runs on the same loop."""
    return await asyncio.to_thread(ask, server.port, path, method)


async def test_metrics_are_served_as_they_are(server: HttpServer) -> None:
    """With the type that their format has."""
    status, kind, text = await get(server, "/metrics")
    assert (status, kind.split(";")[0], text) == (200, "text/x-figures", "answers 42\n")


async def test_figures_that_take_a_moment_are_awaited() -> None:
    """The loop is free meanwhile."""

    async def metrics() -> bytes:
        await asyncio.sleep(0)
        return b"prepared 1\n"

    server = HttpServer(bind("127.0.0.1", 0), metrics=metrics, content_type="text/plain")
    await server.start()
    assert (await get(server, "/metrics"))[2] == "prepared 1\n"
    await server.stop()


async def test_it_is_alive_before_it_is_ready(server: HttpServer) -> None:
    """A supervisor must not kill a server that only starts or drains; a balancer must not send frames to it."""
    assert [(await get(server, path))[0] for path in ("/healthz", "/readyz")] == [200, 503]
    server.not_ready = ""
    assert [(await get(server, path))[0] for path in ("/healthz", "/readyz")] == [200, 200]
    server.not_ready = "draining"
    assert (await get(server, "/readyz"))[2] == "not ready: draining\n"


async def test_the_first_page_shows_the_way(server: HttpServer) -> None:
    """Whoever opens the port in a browser finds what there is."""
    status, _, text = await get(server, "/")
    assert status == 200
    assert all(path in text for path in ("/metrics", "/healthz", "/readyz"))


@pytest.mark.parametrize(("path", "method", "status"), [("/nothing", "GET", 404), ("/metrics", "POST", 405)])
async def test_nothing_else_is_there(server: HttpServer, path: str, method: str, status: int) -> None:
    """It shows, and changes nothing."""
    assert (await get(server, path, method))[0] == status


async def test_a_taken_port_is_told(server: HttpServer) -> None:
    """With the option to change."""
    message = f"--http-port {server.port}: cannot listen on 127.0.0.1:{server.port}: Address already in use; choose"
    with pytest.raises(UsageError, match=message):
        bind("127.0.0.1", server.port)


def test_a_port_is_taken_from_the_moment_it_is_bound() -> None:
    """Two servers that start together do not both believe that it is theirs."""
    with bind("127.0.0.1", 0) as listener, pytest.raises(UsageError, match="Address already in use"):
        bind("127.0.0.1", listener.getsockname()[1])


def test_an_address_of_another_machine_is_told() -> None:
    """It cannot be listened on."""
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:8002: Cannot assign requested address"):
        bind("192.0.2.1", 8002)


async def test_stopping_closes_the_port() -> None:
    """Nobody is served afterwards."""
    server = HttpServer(bind("127.0.0.1", 0), metrics=bytes, content_type="text/plain")
    await server.start()
    port = server.port
    assert repr(server) == f"HttpServer(port={port}, not ready: starting)"
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(ask, port, "/healthz")
