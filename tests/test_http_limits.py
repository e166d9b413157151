"""framebatch.edge.http_limits: what one HTTP client may send, and how long it may take; over real connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from framebatch.edge.http import HttpServer, _Uvicorn, bind
from framebatch.edge.http_limits import MAX_BODY_BYTES, MAX_HEADER_BYTES, BoundedProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

HEAD = b"GET /healthz HTTP/1.1\r\nhost: here\r\n"


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Answer the port of a server that waits a fifth of a second for a request."""
    monkeypatch.setattr(BoundedProtocol, "request_seconds", 0.2)
    server = HttpServer(bind("127.0.0.1", 0), metrics=lambda: b"figures\n", content_type="text/plain")
    await server.start()
    yield server.port
    await server.stop()
    assert server.connections == 0


async def say(port: int, *parts: bytes, gap_seconds: float = 0.0) -> bytes:
    """Send the parts with pauses in between, and answer all that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = asyncio.create_task(reader.read())
    for part in parts:
        if answered.done():
            break
        writer.write(part)
        await asyncio.sleep(gap_seconds)
    try:
        return await answered
    except ConnectionResetError:
        return b"reset"
    finally:
        writer.close()


@pytest.mark.parametrize("parts", [(), (b"GET",), tuple(bytes([byte]) for byte in HEAD * 10)])
async def test_a_request_that_does_not_come_is_not_waited_for(port: int, parts: tuple[bytes, ...]) -> None:
    """Nothing at all, half a header, or one byte after the other: the clock runs from the beginning."""
    assert (await say(port, *parts, gap_seconds=0.02)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_does_not_come_is_not_waited_for(port: int) -> None:
    """The rest of what a header promised; the answer may be out by then."""
    said = await say(port, HEAD + b"content-length: 100\r\n\r\n", b"x", gap_seconds=0.05)
    assert said == b"reset" or said.startswith(b"HTTP/1.1 200 ")


async def test_a_second_request_has_its_own_time(port: int) -> None:
    """And is cut off like the first when it does not end."""
    said = await say(port, HEAD + b"\r\n", b"GET /", gap_seconds=0.15)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in said


async def test_an_answer_may_take_longer_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams of events go on; the clock runs only while the client owes something."""
    monkeypatch.setattr(BoundedProtocol, "request_seconds", 0.05)
    release = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await PlainTextResponse("at last")(scope, receive, send)

    with bind("127.0.0.1", 0) as listener:
        server = _Uvicorn(uvicorn.Config(app, http=BoundedProtocol, lifespan="off", log_level="error"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        asked = asyncio.create_task(say(listener.getsockname()[1], HEAD + b"connection: close\r\n\r\n"))
        assert await asyncio.wait([asked], timeout=0.3) == (set(), {asked})
        release.set()
        assert (await asked).endswith(b"at last")
        server.should_exit = True
        await serving


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (HEAD + b"content-length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), b"413"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"411"),
        (HEAD + b"x: " + b"y" * MAX_HEADER_BYTES, b"400"),
        (HEAD + b"content-length: -1\r\n\r\n", b"400"),
        (b"\x16\x03\x01 a TLS hello\r\n\r\n", b"400"),
    ],
)
async def test_what_is_too_large_is_refused(port: int, request_bytes: bytes, status: bytes) -> None:
    """By its header, before a body is read; and the connection ends."""
    assert (await say(port, request_bytes)).startswith(b"HTTP/1.1 " + status)


async def test_a_small_body_is_taken(port: int) -> None:
    """As a form for signing in has one; here nobody looks at it."""
    body = b"x" * MAX_BODY_BYTES
    head = HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    assert (await say(port, head + body)).startswith(b"HTTP/1.1 200 ")
