"""Both clients against a real server in this process: calls, errors, closing."""

import asyncio
import gc
import threading
from typing import Any

import grpc
import pytest

from framebatch_client import (
    AnswerTimeout,
    AsyncClient,
    CallFailed,
    Client,
    ClientClosed,
    ConnectionLost,
    InvalidRequest,
    Outcome,
    ServerUnavailable,
)
from framebatch_client.testing import ScriptedServer, stay_silent
from framebatch_client.transport import check_address
from framebatch_proto.v1 import detector_pb2

JPEG = b"\xff\xd8\xff\xe0 not really"


async def test_a_picture_has_its_answer(client: AsyncClient) -> None:
    """The answer carries outcome, detections, timing and the latency seen from here."""
    answer = await client.detect(JPEG, deadline_ms=1000, camera="press-3", sequence=9)
    assert (answer.outcome, answer.sequence, answer.camera, answer.detections[0].label, answer.timing.batch_size) == (
        "OK",
        9,
        "press-3",
        "bolt",
        2,
    )
    assert answer.latency_seconds > 0


async def test_all_options_reach_the_server(server: ScriptedServer, client: AsyncClient) -> None:
    """What was asked for is what the server reads."""
    await client.detect(
        JPEG,
        deadline_ms=50,
        camera="c",
        mode="live",
        region=(1, 2, 3, 4),
        model="m",
        capture_time=2.0,
        sequence=1,
        priority="critical",
    )
    expected = detector_pb2.Frame(
        camera="c",
        sequence=1,
        encoded=JPEG,
        deadline_ms=50,
        capture_time_unix_ns=2_000_000_000,
        mode=detector_pb2.MODE_LIVE,
        region=detector_pb2.Region(x=1, y=2, width=3, height=4),
        model="m",
        priority=detector_pb2.PRIORITY_CRITICAL,
    )
    assert server.frames == [expected]


async def test_a_refused_frame_is_an_answer_and_no_exception(server: ScriptedServer, client: AsyncClient) -> None:
    """An outcome other than OK is returned with its reason."""

    async def reject(frame: detector_pb2.Frame) -> detector_pb2.Answer:
        return detector_pb2.Answer(sequence=frame.sequence, outcome=detector_pb2.OUTCOME_REJECTED, reason="full")

    server.reply = reject
    answer = await client.detect(JPEG)
    assert (answer.outcome, answer.reason) == (Outcome.REJECTED, "full")


async def test_the_servers_own_answer_comes_before_the_calls_time_limit(
    server: ScriptedServer, client: AsyncClient
) -> None:
    """The call waits longer than the frame's deadline, so that an EXPIRED that is a little late still arrives."""

    async def expire(frame: detector_pb2.Frame) -> detector_pb2.Answer:
        await asyncio.sleep(0.05)
        return detector_pb2.Answer(sequence=frame.sequence, outcome=detector_pb2.OUTCOME_EXPIRED)

    server.reply = expire
    assert (await client.detect(JPEG, deadline_ms=10)).outcome == "EXPIRED"


async def test_a_silent_server_is_given_up(
    server: ScriptedServer, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call without any answer ends after the deadline and the margin."""
    monkeypatch.setattr("framebatch_client.aio._MARGIN_SECONDS", 0.05)
    server.reply = stay_silent
    with pytest.raises(AnswerTimeout):
        await client.detect(JPEG, deadline_ms=10)


async def test_a_connection_that_breaks_is_an_error(server: ScriptedServer, client: AsyncClient) -> None:
    """A call whose server goes away meanwhile raises ConnectionLost, which is a kind of ServerUnavailable."""
    server.reply = stay_silent
    call = asyncio.create_task(client.detect(JPEG))
    await server.received(1)
    await server.stop()
    with pytest.raises(ConnectionLost, match=server.address):
        await call
    assert issubclass(ConnectionLost, ServerUnavailable)


async def test_nobody_at_the_address_is_an_error(server: ScriptedServer, client: AsyncClient) -> None:
    """A call without a server fails at once, in words."""
    await server.stop()
    with pytest.raises(ServerUnavailable, match=f"^{server.address}: Connection refused"):
        await client.detect(JPEG)


async def test_a_client_finds_a_server_that_came_back(server: ScriptedServer, client: AsyncClient) -> None:
    """After the server was away, the same client works again."""
    await client.detect(JPEG)
    await server.stop()
    await server.start()
    await client.wait_ready()
    assert (await client.detect(JPEG)).outcome == "OK"


async def test_a_refused_call_names_its_status(server: ScriptedServer, client: AsyncClient) -> None:
    """What the server refuses as a whole is CallFailed with the name of the gRPC status."""
    server.refusal = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(CallFailed, match="PERMISSION_DENIED: refused by script") as caught:
        await client.detect(JPEG)
    assert caught.value.status == "PERMISSION_DENIED"


async def test_a_bad_request_never_reaches_the_server(server: ScriptedServer, client: AsyncClient) -> None:
    """The caller's mistakes are found before anything is sent."""
    with pytest.raises(InvalidRequest):
        await client.detect(JPEG, sequence=-1)
    assert server.frames == []


@pytest.mark.parametrize(("health", "expected"), [("SERVING",) * 2, ("NOT_SERVING",) * 2, ("", "UNKNOWN")])
async def test_health_is_what_the_server_says(health: str, expected: str) -> None:
    """The three states, and UNKNOWN for a server without the health service."""
    async with ScriptedServer(health=health) as server, AsyncClient(server.address) as client:
        assert await client.health() == expected


async def test_ready_is_a_server_that_serves(server: ScriptedServer, client: AsyncClient) -> None:
    """Waiting ends when the server turns from NOT_SERVING to SERVING."""
    server.health = "NOT_SERVING"
    waiting = asyncio.create_task(client.wait_ready())
    assert await client.health() == "NOT_SERVING"
    server.health = "SERVING"
    await waiting
    assert await client.health() == "SERVING"


async def test_waiting_for_readiness_has_an_end(server: ScriptedServer, client: AsyncClient) -> None:
    """A server that never serves, and one that is not there, are named when the time is over."""
    assert await client.health() == "SERVING"
    server.health = "NOT_SERVING"
    with pytest.raises(ServerUnavailable, match=r"is NOT_SERVING after 0\.2 s"):
        await client.wait_ready(0.2)
    await server.stop()
    async with AsyncClient(server.address) as late:
        with pytest.raises(ServerUnavailable, match=f"no server at {server.address} within 0.05 s: Connection refused"):
            await late.wait_ready(0.05)


async def test_a_closed_client_says_so(client: AsyncClient) -> None:
    """Calls after close raise ClientClosed, and closing again does nothing."""
    await client.close()
    await client.close()
    for call in (client.detect(JPEG), client.health(), client.wait_ready()):
        with pytest.raises(ClientClosed):
            await call


async def test_closing_breaks_off_streams(server: ScriptedServer) -> None:
    """Frames without an answer count as lost when the client is closed under its stream."""
    server.reply = stay_silent
    async with AsyncClient(server.address) as client:
        stream = client.stream()
        await stream.open()
        await stream.send(JPEG)
        await server.received(1)
    assert (stream.state, stream.stats.lost) == ("closed", 1)


async def test_an_async_client_shows_its_state(server: ScriptedServer) -> None:
    """The repr gives address, connection and open streams."""
    client = AsyncClient(server.address)
    shown = [repr(client)]
    async with client, client.stream():
        shown.append(repr(client))
    shown.append(repr(client))
    assert shown == [
        f"<AsyncClient {server.address} new, 0 streams>",
        f"<AsyncClient {server.address} ready, 1 streams>",
        f"<AsyncClient {server.address} closed, 0 streams>",
    ]


@pytest.mark.parametrize("address", ["localhost:8001", "10.0.0.7:1", "[::1]:8001", "unix:/run/x.sock", "dns:///h:1"])
def test_addresses_with_a_port_or_a_scheme_are_taken(address: str) -> None:
    """What gRPC understands without guessing a port is passed on unchanged."""
    assert check_address(address) == address


@pytest.mark.parametrize("address", ["localhost", "", ":8001", "localhost:", "localhost:http", "h:70000", "http://h:1"])
def test_other_addresses_are_refused(address: str) -> None:
    """Without a port gRPC would quietly take 443; the error shows the form instead."""
    with pytest.raises(InvalidRequest, match="the server must be HOST:PORT, for example localhost:8001"):
        Client(address)


async def test_the_blocking_client_does_the_same(server: ScriptedServer) -> None:
    """Without asyncio: calls, readiness, health and errors are those of the asyncio client."""

    def use() -> tuple[Any, ...]:
        with Client(server.address) as client:
            client.wait_ready()
            answer = client.detect(JPEG, deadline_ms=1000, camera="c", sequence=3)
            with pytest.raises(InvalidRequest):
                client.detect(JPEG, sequence=-1)
            health = client.health()
            shown = repr(client)
        with pytest.raises(ClientClosed):
            client.detect(JPEG)
        client.close()
        return answer.outcome, answer.sequence, health, shown, repr(client)

    assert await asyncio.to_thread(use) == (
        "OK",
        3,
        "SERVING",
        f"<Client {server.address} ready, 0 streams>",
        f"<Client {server.address} closed, 0 streams>",
    )


async def test_a_blocking_client_may_be_shared_by_threads(server: ScriptedServer) -> None:
    """Calls from several threads at once each get their own answer."""
    with Client(server.address) as client:
        calls = [asyncio.to_thread(client.detect, JPEG, sequence=number) for number in range(8)]
        assert [answer.sequence for answer in await asyncio.gather(*calls)] == list(range(8))


async def test_a_forgotten_blocking_client_ends_its_thread(server: ScriptedServer) -> None:
    """Dropping the last reference stops the private thread."""
    before = set(threading.enumerate())
    client = Client(server.address)
    started = set(threading.enumerate()) - before
    assert [thread.name for thread in started] == ["framebatch client"]
    del client
    gc.collect()
    assert started & set(threading.enumerate()) == set()


def test_a_runner_shows_whether_it_runs() -> None:
    """The repr of the private thread tells its state."""
    client = Client("localhost:1")
    shown = [repr(client._runner)]
    client.close()
    shown.append(repr(client._runner))
    assert shown == ["<_Runner running>", "<_Runner stopped>"]
