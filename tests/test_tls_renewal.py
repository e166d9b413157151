"""framebatch.edge.tls.renewal: renewed files are taken, broken ones are told of once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import grpc.aio
import pytest
from certificates import Authority

from framebatch.edge.tls import Tls, TlsFiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Answer an authority."""
    return Authority(tmp_path)


def tls_of(authority: Authority) -> Tls:
    """Answer what serves a certificate of it."""
    pair = authority.issue("server")
    return Tls(TlsFiles(certificate=pair.certificate, key=pair.key))


def test_files_are_taken_when_they_have_come_to_rest(authority: Authority) -> None:
    """Unchanged in two looks: a certificate without its key is not looked at."""
    tls = tls_of(authority)
    before = tls.material
    tls.look()
    assert (tls.material, tls.loaded, tls.failed) == (before, 0, 0)
    renewed = authority.issue("server", days=60)
    key = renewed.key.read_bytes()
    renewed.key.write_bytes(before.key)
    tls.look()
    renewed.key.write_bytes(key)
    os.utime(renewed.key, ns=(1, 1))  # another time than before, however coarse the clock of files is
    tls.look()
    assert tls.material is before
    tls.look()
    assert tls.material.chain == renewed.certificate.read_bytes()
    assert (tls.loaded, tls.failed) == (1, 0)


def test_a_broken_renewal_keeps_what_was_served(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged and counted once, and the next one that is whole is taken."""
    tls = tls_of(authority)
    before, path = tls.material, authority.path.with_name("server.pem")
    path.write_text("nothing")
    for _ in range(5):
        tls.look()
    assert (tls.material, tls.loaded, tls.failed) == (before, 0, 1)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert f"{path} holds no certificate" in caplog.text
    path.unlink()
    for _ in range(3):
        tls.look()
    assert (tls.material, tls.failed) == (before, 2)
    authority.issue("server")
    for _ in range(3):
        tls.look()
    assert (tls.loaded, tls.failed) == (1, 2)
    assert repr(tls).startswith(f"Tls({path}, Material(until 2")
    assert repr(tls).endswith("loaded=1, failed=2)")


async def test_calls_know_the_names_of_a_verified_certificate(authority: Authority) -> None:
    """By gRPC's own context; who shows no certificate is not heard at all."""
    pair, client = authority.issue("server"), authority.issue("press-3")
    tls = Tls(TlsFiles(certificate=pair.certificate, key=pair.key, client_ca=authority.path))

    async def names(_: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return b",".join(context.auth_context()["x509_subject_alternative_name"])

    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Names": grpc.unary_unary_rpc_method_handler(names)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Who", handlers),))
    port = server.add_secure_port("127.0.0.1:0", tls.grpc_credentials())
    await server.start()
    shown = grpc.ssl_channel_credentials(
        authority.path.read_bytes(), client.key.read_bytes(), client.certificate.read_bytes()
    )
    try:
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", shown) as channel:
            ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                "/test.Who/Names", request_serializer=None, response_deserializer=None
            )
            assert b"press-3" in (await ask(b"")).split(b",")
    finally:
        await server.stop(None)
