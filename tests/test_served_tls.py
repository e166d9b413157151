"""TLS of a whole server, in this process: both ports, clients' certificates, renewal while cameras stream."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import ssl
import sys
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pytest
from certificates import Authority, Pair

from framebatch.app import App
from framebatch.config import Config
from framebatch.edge.security.editing import with_entry
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.file import write_private
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest, new_token
from framebatch.errors import UsageError
from framebatch_client import AsyncClient, CallFailed, Outcome, ServerUnavailable, Tls
from framebatch_models import find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one loop: gRPC speaks to loops that are gone, otherwise
    pytest.mark.usefixtures("restored_interpreter"),
]
PICTURE = np.zeros((24, 32, 3), np.uint8)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Answer the plant's own authority."""
    return Authority(tmp_path / "plant")


@asynccontextmanager
async def started(pair: Pair, **settings: Any) -> AsyncIterator[App]:
    """Start a server with a certificate, with one decoder on a simulated device and free ports."""
    free = {"port": 0, "http_port": 0, "decoders": 1, "drain_seconds": 0.0, "profile": "off"}
    config = Config(
        model="conveyor",
        device="sim:1,0.1",
        tls_certificate=pair.certificate,
        tls_key=pair.key,
        **{**free, **settings},
    )
    app = App(config, find("conveyor"))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


def address_of(app: App, port: str) -> str:
    """Answer what the ready line says."""
    return dict(word.split("=", 1) for word in app.ready_line.split() if "=" in word)[port]


async def shown_by(address: str, context: ssl.SSLContext) -> bytes | None:
    """Answer the certificate that a new connection to a port gets."""
    host, _, port = address.rpartition(":")

    def ask() -> bytes | None:
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            context.set_alpn_protocols(["h2"])
            with context.wrap_socket(plain, server_hostname=host) as connection:
                return connection.getpeercert(binary_form=True)

    return await asyncio.to_thread(ask)


async def scraped(address: str, context: ssl.SSLContext | None) -> str:
    """Ask for the metrics, in plain text without a context."""

    def ask() -> str:
        connection = (
            http.client.HTTPConnection(address, timeout=10)
            if context is None
            else http.client.HTTPSConnection(address, timeout=10, context=context)
        )
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def until(reached: Callable[[], bool]) -> None:
    """Wait for something that comes by itself."""
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110 - another task does it, and tells nobody
            await asyncio.sleep(0.02)


def der(pair: Pair) -> bytes:
    """Answer the bytes of a certificate as a peer sees them."""
    return ssl.PEM_cert_to_DER_cert(
        pair.certificate.read_text().partition("-----END")[0] + "-----END CERTIFICATE-----\n"
    )


async def test_both_ports_speak_tls_and_nothing_else(authority: Authority) -> None:
    """Frames are answered and metrics served to who trusts the authority; plain text gets neither, and is told what to do."""
    pair = authority.issue("server", days=2)
    context = ssl.create_default_context(cafile=authority.path)
    async with started(pair) as app:
        grpc, web = address_of(app, "grpc"), address_of(app, "http")
        async with AsyncClient(grpc, tls=Tls(ca=authority.path)) as client:
            assert await client.health() == "SERVING"
            assert (await client.detect(PICTURE)).outcome == Outcome.OK
        async with AsyncClient(grpc) as client:
            with pytest.raises(ServerUnavailable, match="if the server speaks TLS, the client must too"):
                await client.detect(PICTURE)
        expiry = re.search(
            r"^framebatch_certificate_expiry_timestamp_seconds (\S+)$", await scraped(web, context), re.MULTILINE
        )
        assert expiry is not None
        assert 0 <= time.time() + 24 * 3600 - float(expiry[1]) < 60
        with pytest.raises(http.client.HTTPException):
            await scraped(web, None)


async def test_who_trusts_others_is_told_what_is_wrong(authority: Authority, tmp_path: Path) -> None:
    """Another authority, another name, the wrong port: nothing is sent to any of them."""
    pair = authority.issue("server")
    other = Authority(tmp_path / "other")
    async with started(pair) as app:
        for server, tls, words in (
            ("grpc", Tls(ca=other.path), "of no authority that is trusted here"),
            (
                "grpc",
                Tls(ca=authority.path, server_name="press.example"),
                "the server's certificate is for another name",
            ),
            ("http", Tls(ca=authority.path), "this is no gRPC port"),
        ):
            async with AsyncClient(address_of(app, server), tls=tls) as client:
                with pytest.raises(ServerUnavailable, match=words):
                    await client.health(timeout_seconds=10)


async def test_clients_without_a_good_certificate_are_refused(authority: Authority, tmp_path: Path) -> None:
    """None, a stranger's, an expired one; a camera that streams meanwhile notices nothing of it."""
    pair, camera = authority.issue("server"), authority.issue("camera")
    stranger = Authority(tmp_path / "other").issue("stranger")
    expired = authority.issue("expired", begins_in=-timedelta(days=9), days=2)
    async with (
        started(pair, tls_client_ca=authority.path) as app,
        AsyncClient(address_of(app, "grpc"), tls=tls_of(authority, camera)) as known,
        known.stream(camera="press-3") as stream,
    ):
        for tls, words in (
            (Tls(ca=authority.path), "the server may want a client's certificate"),
            (tls_of(authority, stranger), "may have refused this client's certificate"),
            (tls_of(authority, expired), "may have refused this client's certificate: has it expired"),
        ):
            async with AsyncClient(address_of(app, "grpc"), tls=tls) as client:
                with pytest.raises(ServerUnavailable, match=words):
                    await client.detect(PICTURE)
            await stream.send(PICTURE)
        await stream.close()
        assert (stream.stats.answered[Outcome.OK], stream.stats.reconnects) == (3, 0)
        everybody = ssl.create_default_context(cafile=authority.path)
        assert "framebatch_ready 1.0" in await scraped(address_of(app, "http"), everybody)


def tls_of(authority: Authority, pair: Pair) -> Tls:
    """Answer how a client shows a pair."""
    return Tls(ca=authority.path, certificate=pair.certificate, key=pair.key)


async def test_browsers_can_be_asked_for_certificates_too(authority: Authority) -> None:
    """With `tls_http_clients`, which is for plants that issue them to their people."""
    pair, person = authority.issue("server"), authority.issue("person")
    async with started(pair, tls_client_ca=authority.path, tls_http_clients=True) as app:
        context = ssl.create_default_context(cafile=authority.path)
        with pytest.raises((OSError, http.client.HTTPException)):
            await scraped(address_of(app, "http"), context)
        context.load_cert_chain(person.certificate, person.key)
        assert "framebatch_ready 1.0" in await scraped(address_of(app, "http"), context)


async def test_a_certificate_is_somebody_where_an_entry_names_it(authority: Authority, tmp_path: Path) -> None:
    """A verified one that no entry names is nobody's, and a browser's session stays within TLS."""
    pair, known, unknown = (authority.issue(name) for name in ("server", "press-3", "press-9"))
    token = new_token()
    text = with_entry("", Entry(name="press-3", role=Role.CAMERA, certificate="press-3"))
    write_private(
        tmp_path / "access.toml", with_entry(text, Entry(name="olga", role=Role.OPERATOR, token=digest(token)))
    )
    async with started(pair, tls_client_ca=authority.path, access=tmp_path / "access.toml") as app:
        async with AsyncClient(address_of(app, "grpc"), tls=tls_of(authority, known)) as client:
            answer = await client.detect(PICTURE)
            assert (answer.outcome, answer.camera) == (Outcome.OK, "press-3")
        async with AsyncClient(address_of(app, "grpc"), tls=tls_of(authority, unknown)) as client:
            with pytest.raises(CallFailed, match="UNAUTHENTICATED"):
                await client.detect(PICTURE, camera="press-3")
        cookie = await asyncio.to_thread(_logged_in, address_of(app, "http"), authority, token)
        assert {"Secure", "HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))


def _logged_in(address: str, authority: Authority, token: str) -> str:
    """Send the form, and answer the cookie that comes."""
    connection = http.client.HTTPSConnection(
        address, timeout=10, context=ssl.create_default_context(cafile=authority.path)
    )
    try:
        connection.request("POST", "/login", urlencode({"token": token}))
        answer = connection.getresponse()
        answer.read()
        return str(answer.headers["set-cookie"])
    finally:
        connection.close()


async def test_renewal_is_for_new_connections(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams go on over what they began with; both ports show the new certificate to who comes then."""
    monkeypatch.setattr("framebatch.edge.tls.renewal.LOOK_SECONDS", 0.02)
    context = ssl.create_default_context(cafile=authority.path)
    old = authority.issue("server", days=2)
    before = der(old)
    async with started(old) as app:
        grpc, web = address_of(app, "grpc"), address_of(app, "http")
        async with (
            AsyncClient(grpc, tls=Tls(ca=authority.path)) as client,
            client.stream(camera="press-3") as stream,
        ):
            await stream.send(PICTURE)
            assert [await shown_by(each, context) for each in (grpc, web)] == [before, before]
            after = der(authority.issue("server", days=40))
            await until(lambda: 'certificate_reloads_total{result="loaded"} 1.0' in app.metrics.exposition().decode())
            assert [await shown_by(each, context) for each in (grpc, web)] == [after, after]
            await stream.send(PICTURE)
            await stream.close()
            assert (stream.stats.answered[Outcome.OK], stream.stats.reconnects) == (2, 0)
            old.key.write_text("not a key")
            await until(lambda: 'certificate_reloads_total{result="failed"} 1.0' in app.metrics.exposition().decode())
            assert [await shown_by(each, context) for each in (grpc, web)] == [after, after]
            assert (await client.detect(PICTURE)).outcome == Outcome.OK


async def test_authorities_of_clients_can_be_exchanged(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has a certificate of the old one only does not come in any more, on either port."""
    monkeypatch.setattr("framebatch.edge.tls.renewal.LOOK_SECONDS", 0.02)
    successor, trusted = Authority(tmp_path / "successor"), tmp_path / "trusted.pem"
    trusted.write_bytes(authority.path.read_bytes())
    pair, old, new = authority.issue("server"), authority.issue("old"), successor.issue("new")
    async with started(pair, tls_client_ca=trusted, tls_http_clients=True) as app:
        trusted.write_bytes(successor.path.read_bytes())
        await until(lambda: 'certificate_reloads_total{result="loaded"} 1.0' in app.metrics.exposition().decode())
        for known, client_pair in ((False, old), (True, new)):
            context = ssl.create_default_context(cafile=authority.path)
            context.load_cert_chain(client_pair.certificate, client_pair.key)
            tls = Tls(ca=authority.path, certificate=client_pair.certificate, key=client_pair.key)
            async with AsyncClient(address_of(app, "grpc"), tls=tls) as client:
                if known:
                    assert await client.health() == "SERVING"
                    assert "framebatch_ready 1.0" in await scraped(address_of(app, "http"), context)
                else:
                    with pytest.raises(ServerUnavailable):
                        await client.health(timeout_seconds=10)
                    with pytest.raises((OSError, http.client.HTTPException)):
                        await scraped(address_of(app, "http"), context)


async def test_a_wrong_certificate_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    """As wrong usage, with the setting and the path."""
    nowhere = tmp_path / "nowhere.pem"
    with pytest.raises(UsageError, match=f"setting 'tls_certificate': {nowhere} cannot be read"):
        async with started(Pair(nowhere, nowhere)):
            pass


async def test_the_camera_command_speaks_tls(authority: Authority, tmp_path: Path) -> None:
    """With a client's certificate; without trust in the server it fails, and says why."""
    pair, camera = authority.issue("server"), authority.issue("camera")
    picture = tmp_path / "picture.bmp"
    picture.write_bytes(bmp())
    async with started(pair, tls_client_ca=authority.path) as app:
        options = ["--server", address_of(app, "grpc"), "--source", str(picture), "--count", "3", "--fps", "50"]
        shown = ["--certificate", str(camera.certificate), "--key", str(camera.key)]
        runs = await asyncio.gather(
            camera_command(*options, "--ca", str(authority.path), *shown),
            camera_command(*options, "--connect-seconds", "1", *shown),
            camera_command(*options, "--ca", str(picture)),
        )
        words = ("OK", "of no authority that is trusted here", f"the ca {picture} holds no certificate")
        assert [code for code, _ in runs] == [0, 1, 2], runs
        assert [word in said for word, (_, said) in zip(words, runs, strict=True)] == [True] * 3, runs


async def camera_command(*options: str) -> tuple[int | None, str]:
    """Run it, and answer its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "framebatch_client", *options, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return process.returncode, " ".join(said.decode().split())


def bmp() -> bytes:
    """Answer a black picture, 32 x 24."""
    size = 54 + PICTURE.nbytes
    fields = (size, 0, 54, 40, 32, 24)
    head = b"BM" + b"".join(field.to_bytes(4, "little") for field in fields)
    return head + b"\x01\x00\x18\x00" + bytes(24) + PICTURE.tobytes()
