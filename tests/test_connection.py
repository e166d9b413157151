"""Streams whose server goes away, refuses, or comes back: what becomes of their frames."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import pytest

from framebatch_client import (
    AsyncClient,
    AsyncStream,
    CallFailed,
    ClientClosed,
    ConnectionLost,
    Outcome,
    ServerUnavailable,
    StreamStats,
)
from framebatch_client.testing import ScriptedServer, reply_ok, stay_silent
from framebatch_proto.v1 import detector_pb2

JPEG = b"\xff\xd8\xff\xe0 not really"


def balanced(stats: StreamStats) -> bool:
    """Tell whether every frame sent is answered, lost or in flight."""
    return stats.sent == sum(stats.answered.values()) + stats.lost + stats.in_flight


async def send_until_it_shows(stream: AsyncStream) -> None:
    """Send frames until the stream knows that its connection is gone."""
    while True:
        with contextlib.suppress(ConnectionLost):
            await stream.send(JPEG)


async def send_for_ever(stream: AsyncStream) -> None:
    """Send large frames without a pause."""
    while True:
        await stream.send(bytes(1_000_000))


async def test_no_server_is_an_error_in_time(server: ScriptedServer, client: AsyncClient) -> None:
    """Opening gives up after its time limit."""
    await server.stop()
    with pytest.raises(ServerUnavailable, match="no server at"):
        await client.stream(connect_timeout_seconds=0.05).open()


async def test_a_stream_opens_once(server: ScriptedServer, client: AsyncClient) -> None:
    """Tasks that send at the same time on a new stream share the one that the first of them opens."""
    stream = client.stream()
    await asyncio.gather(*(stream.send(JPEG) for _ in range(5)))
    await stream.close()
    assert (server.streams, stream.stats.answered[Outcome.OK]) == (1, 5)


async def test_closing_while_opening_stays_closed(server: ScriptedServer, client: AsyncClient) -> None:
    """A stream that is closed before its server was there does not open when the server comes."""
    await server.stop()
    stream = client.stream()
    opening = asyncio.create_task(stream.open())
    await asyncio.sleep(0)
    await stream.close()
    await server.start()
    with pytest.raises(ClientClosed, match="closed while it was opened"):
        await opening
    assert (stream.state, server.streams) == ("closed", 0)


async def test_a_final_refusal_ends_the_stream(server: ScriptedServer, client: AsyncClient) -> None:
    """A server that does not let this client stream is not asked again."""
    server.refusal = grpc.StatusCode.UNAUTHENTICATED
    async with client.stream(fps=100) as stream:
        with pytest.raises(CallFailed, match="UNAUTHENTICATED"):
            await stream.take()
        with pytest.raises(CallFailed, match="UNAUTHENTICATED"):
            await stream.send(JPEG)
    assert (stream.state, server.streams) == ("closed", 1)


async def test_a_stream_survives_its_server(server: ScriptedServer, client: AsyncClient) -> None:
    """The server dies with a frame unanswered and comes back: that frame is lost, later ones are answered."""
    stream = client.stream(fps=100)
    seen = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield JPEG
        await server.received(1)
        await stream.take()
        server.reply = stay_silent
        yield JPEG
        await server.received(2)
        await server.stop()
        yield JPEG
        server.reply = reply_ok
        await server.start()
        while not seen.is_set():
            yield JPEG

    async def watch() -> None:
        while not any(answer.sequence > 1 for answer in await stream.take()):
            pass
        seen.set()

    running = asyncio.create_task(stream.run(source()))
    await server.received(2)
    await watch()
    stats = await running
    assert (stats.reconnects, 1 in stream.unanswered, server.streams) == (1, True, 2)
    assert stats.answered[Outcome.OK] >= 2
    assert stats.skipped >= 1
    assert balanced(stats)


async def test_frames_due_without_a_server_are_skipped(server: ScriptedServer, client: AsyncClient) -> None:
    """While the server is away sending fails at once and is counted, and closing does not wait for it."""
    server.reply = stay_silent
    async with client.stream() as stream:
        await stream.send(JPEG)
        await server.received(1)
        await server.stop()
        with pytest.raises(ServerUnavailable, match="is away"):
            await send_until_it_shows(stream)
        state = stream.state
    stats = stream.stats
    assert (state, stats.skipped, stats.in_flight, sum(stats.answered.values())) == ("reconnecting", 1, 0, 0)
    assert stats.lost == stats.sent >= 1
    assert stats.last_error.startswith(server.address)


async def test_cancelling_a_send_does_not_break_the_books(server: ScriptedServer, client: AsyncClient) -> None:
    """A send that is cancelled while the connection takes no more is lost, and the sum still holds."""
    block = asyncio.Event()

    async def slow(frame: detector_pb2.Frame) -> detector_pb2.Answer:
        await block.wait()
        return await reply_ok(frame)

    server.reply = slow
    async with client.stream() as stream:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_for_ever(stream), 0.05)
        assert balanced(stream.stats)
        await stream.close(timeout_seconds=0)
    assert (balanced(stream.stats), stream.stats.in_flight) == (True, 0)


async def test_a_connection_and_a_server_show_their_state(server: ScriptedServer, client: AsyncClient) -> None:
    """Connection, transport and scripted server have reprs that tell how it stands."""
    async with client.stream() as stream:
        shown = [repr(stream._connection), repr(client._transport), repr(server)]
    assert shown == [
        f"<Connection {server.address} open>",
        f"<Transport {server.address} ready>",
        f"<ScriptedServer {server.address} running, 0 frames, 0 streams>",
    ]
