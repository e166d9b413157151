"""framebatch_client.tls: whom a client trusts, what it shows, and that renewed files are read again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from certificates import Authority, Pair

from framebatch_client import AsyncClient, Client, InvalidRequest, ServerUnavailable, Tls
from framebatch_client.testing import ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

JPEG = b"\xff\xd8\xff\xe0 as it came"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Answer an authority."""
    return Authority(tmp_path / "plant")


def credentials(pair: Pair, client_ca: Path | None = None) -> grpc.ServerCredentials:
    """Answer those of a server."""
    known = None if client_ca is None else client_ca.read_bytes()
    return grpc.ssl_server_credentials(
        [(pair.key.read_bytes(), pair.certificate.read_bytes())], known, require_client_auth=known is not None
    )


async def test_the_systems_authorities_are_trusted_if_asked_for(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of this system, not a list that gRPC brings; none at all is an error."""
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", str(nowhere))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    async with (
        ScriptedServer(credentials=credentials(authority.issue("server"))) as server,
        AsyncClient(server.address, tls=True) as client,
    ):
        assert await client.health() == "SERVING"
    monkeypatch.setenv("SSL_CERT_FILE", str(nowhere / "none.pem"))
    with pytest.raises(InvalidRequest, match="this system trusts no authorities"):
        Client("localhost:1", tls=True)


async def test_another_name_can_be_checked(authority: Authority) -> None:
    """For a server that is called by an address which its certificate does not have."""
    async with ScriptedServer(credentials=credentials(authority.issue("edge-1"))) as server:
        async with AsyncClient(server.address, tls=Tls(ca=authority.path, server_name="edge-1")) as client:
            assert await client.health() == "SERVING"
        async with AsyncClient(server.address, tls=Tls(ca=authority.path, server_name="edge-2")) as client:
            with pytest.raises(ServerUnavailable, match="for another name"):
                await client.wait_ready(1)


@pytest.mark.parametrize(
    ("begins_in", "words"),
    [(-timedelta(days=9), "the server's certificate has expired"), (timedelta(days=9), "is not valid yet")],
)
async def test_a_server_out_of_its_time_is_told_of(authority: Authority, begins_in: timedelta, words: str) -> None:
    """A clock may be the reason, and is named too."""
    pair = authority.issue("server", begins_in=begins_in, days=2)
    async with (
        ScriptedServer(credentials=credentials(pair)) as server,
        AsyncClient(server.address, tls=Tls(ca=authority.path)) as client,
    ):
        with pytest.raises(ServerUnavailable, match=f"{words}.*clock"):
            await client.detect(JPEG)


async def test_tls_to_a_plain_port_is_told_of(authority: Authority, server: ScriptedServer) -> None:
    """The reverse is tested with a whole server."""
    async with AsyncClient(server.address, tls=Tls(ca=authority.path)) as client:
        with pytest.raises(ServerUnavailable, match="the server speaks no TLS on this port"):
            await client.detect(JPEG)


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    """Before anything is sent."""
    pair, other, nowhere = authority.issue("camera"), authority.issue("other"), tmp_path / "nowhere"
    for tls, words in (
        (Tls(ca=nowhere), f"the ca {nowhere} cannot be read: No such file"),
        (Tls(ca=pair.key), f"the ca {pair.key} holds no certificate"),
        (Tls(ca=authority.path, certificate=nowhere, key=pair.key), f"the certificate {nowhere} cannot be read"),
        (Tls(ca=authority.path, certificate=pair.certificate, key=other.key), "they do not fit"),
        (Tls(ca=authority.path, certificate=pair.certificate, key=pair.certificate), "one is no PEM, or is encrypted"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            Client("localhost:1", tls=tls)
    with pytest.raises(InvalidRequest, match=f"the certificate {nowhere} is given without its key"):
        Tls(certificate=nowhere)


async def test_a_stream_comes_back_with_the_renewed_certificate(authority: Authority, tmp_path: Path) -> None:
    """The server that comes back knows another authority: what was read at the start would not do."""
    successor = Authority(tmp_path / "successor")
    server_pair, camera = authority.issue("server"), authority.issue("camera")
    server = ScriptedServer(credentials=credentials(server_pair, authority.path))
    tls = Tls(ca=authority.path, certificate=camera.certificate, key=camera.key)
    async with (
        server,
        AsyncClient(server.address, tls=tls) as client,
        client.stream(camera="press-3") as stream,
        client.stream(camera="press-4") as other,
    ):
        await stream.send(JPEG)
        await other.send(JPEG)
        await server.received(2)
        await server.stop()
        renewed = successor.issue("camera")
        camera.certificate.write_bytes(renewed.certificate.read_bytes())
        camera.key.write_bytes(renewed.key.read_bytes())
        server.credentials = credentials(server_pair, successor.path)
        await server.start()
        async with asyncio.timeout(30):
            while not stream.stats.reconnects or not other.stats.reconnects:  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0.01)
        await stream.send(JPEG)
        await other.send(JPEG)
        await server.received(4)
        assert (stream.state, other.state) == ("open", "open")


async def test_a_refused_client_comes_in_once_its_certificate_is_renewed(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits, and looks for other files; a renewal that is half there is left alone."""
    monkeypatch.setattr("framebatch_client.transport.MAX_BACKOFF_SECONDS", 0.1)
    camera = Authority(tmp_path / "foreign").issue("camera")
    tls = Tls(ca=authority.path, certificate=camera.certificate, key=camera.key)
    async with (
        ScriptedServer(credentials=credentials(authority.issue("server"), authority.path)) as server,
        AsyncClient(server.address, tls=tls) as client,
    ):
        waiting = asyncio.create_task(client.wait_ready(30))
        with pytest.raises(ServerUnavailable, match="may have refused this client's certificate"):
            await client.detect(JPEG)
        renewed = authority.issue("camera")
        camera.certificate.write_bytes(renewed.certificate.read_bytes())
        with pytest.raises(ServerUnavailable):
            await client.detect(JPEG)
        camera.key.write_bytes(renewed.key.read_bytes())
        await waiting
        assert await client.health() == "SERVING"
