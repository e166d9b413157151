"""framebatch.edge.listener: a listening socket that bounds what it accepts; with real connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from framebatch.edge.listener import AT_ONCE, GONE_AFTER_MS, Listener

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Answer one on this machine that takes four connections."""
    with Listener(socket.AF_INET, limit=4) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        listening.settimeout(0)
        yield listening


def connect(listener: Listener, address: str = "127.0.0.1") -> socket.socket:
    """Answer a connection from an address of this machine."""
    return socket.create_connection(listener.getsockname(), timeout=10, source_address=(address, 0))


def accept(listener: Listener) -> list[socket.socket]:
    """Answer all connections that are taken."""
    taken: list[socket.socket] = []
    with contextlib.suppress(BlockingIOError):
        while True:
            taken.append(listener.accept()[0])
    return taken


async def until_open(listener: Listener, count: int) -> None:
    """Let the loop turn until so many connections are open; waits for ever otherwise."""
    while listener.open != count:
        await asyncio.to_thread(bool)


def test_one_address_may_have_half_of_the_connections(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """Further ones are closed at once, and the log says so once; another address still comes in."""
    greedy = [connect(listener, "127.0.0.2") for _ in range(4)]
    taken = accept(listener)
    assert (len(taken), repr(listener)) == (2, "Listener(open=2 of 4, refused=2)")
    assert [client.recv(1) for client in greedy[2:]] == [b"", b""]
    other = connect(listener)
    taken += accept(listener)
    assert (len(taken), listener.open) == (3, 3)
    said = (
        "the HTTP port refuses connections: 2 of 4 are open, 2 of them from 127.0.0.2; "
        "find out who opens them, or raise max_http_connections"
    )
    assert [record.getMessage() for record in caplog.records] == [said]
    for each in (*greedy, other, *taken):
        each.close()


def test_all_together_may_have_so_many(listener: Listener) -> None:
    """From however many addresses they come."""
    clients = [connect(listener, f"127.0.0.{number}") for number in range(2, 8)]
    taken = accept(listener)
    assert (len(taken), listener.open, listener.refused) == (4, 4, 2)
    for each in (*clients, *taken):
        each.close()


def test_a_connection_that_ends_makes_room_once(listener: Listener) -> None:
    """However often it is closed."""
    with connect(listener) as client:
        (taken,) = accept(listener)
        taken.close()
        taken.close()
        assert client.recv(1) == b""
    assert (listener.open, dict(listener._of)) == (0, {})


def test_a_crowd_does_not_hold_up_the_loop(listener: Listener) -> None:
    """After some connections, taken or not, others have their turn."""
    clients = [connect(listener) for _ in range(AT_ONCE + 3)]
    taken = accept(listener)
    assert len(taken) + listener.refused == AT_ONCE
    taken += accept(listener)
    assert len(taken) + listener.refused == AT_ONCE + 3
    for each in (*clients, *taken):
        each.close()


def test_the_kernel_gives_up_peers_that_take_nothing(listener: Listener) -> None:
    """Accepted connections have the listener's patience, and are probed while nothing is said."""
    with connect(listener):
        (taken,) = accept(listener)
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == GONE_AFTER_MS
        assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        taken.close()


async def test_asyncio_closes_what_it_is_told_to(listener: Listener) -> None:
    """Under a real server every end of a connection is counted: the client's and the server's."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1) == b"x":
            await reader.read()  # the client hangs up
        writer.close()

    server = await asyncio.start_server(serve, sock=listener)
    for first in (b"x", b"y"):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(first)
        if first == b"x":
            writer.close()
            await writer.wait_closed()
        else:
            assert await reader.read() == b""
            writer.close()
    await until_open(listener, 0)
    assert listener.refused == 0
    server.close()
    await server.wait_closed()


async def test_a_connection_counts_from_before_tls_to_its_end(listener: Listener) -> None:
    """One that says nothing has its place from the start; one whose handshake fails gives it back."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    served = asyncio.Event()
    server = await asyncio.start_server(lambda *_: served.set(), sock=listener, ssl=context)
    silent = await asyncio.to_thread(connect, listener, "127.0.0.2")
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await reader.read()  # until the server hangs up
    writer.close()
    await until_open(listener, 1)
    silent.close()
    await until_open(listener, 0)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    _, writer = await asyncio.open_connection(*listener.getsockname(), ssl=trusting)
    await served.wait()
    assert listener.open == 1
    writer.close()
    await until_open(listener, 0)
    server.close()
    await server.wait_closed()
