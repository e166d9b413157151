"""framebatch_client.token: the token goes with every call, and nowhere else."""

from __future__ import annotations

import asyncio
import logging

import grpc
import pytest

from framebatch_client import AsyncClient, CallFailed, Client, InvalidRequest
from framebatch_client.testing import ScriptedServer
from framebatch_client.token import is_local, metadata_of

TOKEN = "fb_press-3.0123456789abcdef"
JPEG = b"\xff\xd8\xff\xe0 as it came"


async def test_every_call_carries_the_token(server: ScriptedServer) -> None:
    """Single frames, streams, health, models."""
    async with AsyncClient(server.address, token=TOKEN) as client:
        await client.detect(JPEG)
        await client.wait_ready()
        for call in (client.list_models(), client.load_model("m"), client.unload_model("m")):
            with pytest.raises(CallFailed):
                await call
        async with client.stream(camera="press-3") as stream:
            await stream.send(JPEG)
    assert len(server.metadata) == 6
    assert {each.get("authorization") for each in server.metadata} == {f"Bearer {TOKEN}"}


async def test_a_stream_that_comes_back_carries_it_again(server: ScriptedServer) -> None:
    """The new call is as the one before."""
    async with AsyncClient(server.address, token=TOKEN) as client, client.stream(camera="press-3") as stream:
        await stream.send(JPEG)
        await server.received(1)
        await server.stop()
        await server.start()
        while stream.stats.reconnects == 0:  # noqa: ASYNC110 - tells nobody
            await asyncio.sleep(0.01)
        await stream.send(JPEG)
        await server.received(2)
    assert [each.get("authorization") for each in server.metadata] == [f"Bearer {TOKEN}"] * 2


async def test_without_a_token_there_is_no_authorization(server: ScriptedServer) -> None:
    """Not an empty one either."""
    async with AsyncClient(server.address) as client:
        await client.detect(JPEG)
    assert [each.get("authorization") for each in server.metadata] == [None]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "give a token or a certificate that the server knows"),
        (grpc.StatusCode.PERMISSION_DENIED, "may not do this; ask the server's operator"),
    ],
)
async def test_a_stream_that_may_not_is_given_up_with_a_remedy(status: grpc.StatusCode, remedy: str) -> None:
    """It is not tried again; the token is in no message and no repr."""
    async with (
        ScriptedServer(refusal=status) as server,
        AsyncClient(server.address, token=TOKEN) as client,
        client.stream(camera="press-3") as stream,
    ):
        with pytest.raises(CallFailed, match=f"{status.name}: refused by script; .*{remedy}") as caught:
            await stream.take()
        assert (stream.state, caught.value.status, server.streams) == ("closed", status.name, 1)
        said = (caught.value, caught.value.__cause__, client, stream, client._transport, stream.stats)
        assert TOKEN not in repr(said) + "".join(map(str, said))


@pytest.mark.parametrize("token", ["", "two words", "line\n", "größe", "tab\t"])
def test_a_token_that_cannot_be_sent_is_refused_unseen(token: str) -> None:
    """Before anything is sent, and without being shown."""
    with pytest.raises(InvalidRequest, match="printable ASCII") as caught:
        metadata_of(token)
    assert token == "" or token not in str(caught.value)


@pytest.mark.parametrize(
    ("server", "local"),
    [
        ("localhost:8001", True),
        ("127.0.0.1:8001", True),
        ("127.1.2.3:8001", True),
        ("[::1]:8001", True),
        ("unix:/run/framebatch.sock", True),
        ("dns:///localhost:8001", True),
        ("ipv4:127.0.0.1:8001", True),
        ("192.168.1.5:8001", False),
        ("edge-1:8001", False),
        ("dns://8.8.8.8/edge-1:8001", False),
        ("ipv6:[fe80::1]:8001", False),
        ("localhost.example:8001", False),
    ],
)
def test_plain_text_to_another_machine_is_warned_of(
    server: str, caplog: pytest.LogCaptureFixture, *, local: bool
) -> None:
    """Once for each client, without the token; nothing is said where nobody can listen, or without a token."""
    assert is_local(server) is local
    with caplog.at_level(logging.WARNING):
        Client(server).close()
        assert caplog.messages == []
        Client(server, token=TOKEN).close()
    assert len(caplog.messages) == (0 if local else 1)
    assert all(f"the token goes to {server} in plain text" in message for message in caplog.messages)
    assert TOKEN not in caplog.text
