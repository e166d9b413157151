"""framebatch.edge.security.grpc_door: what gRPC tells of a caller. Roles at methods: test_served_access.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import grpc.aio
import pytest
import trustme

from framebatch.edge.security.caller import CALLER
from framebatch.edge.security.editing import with_entry
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.file import AccessFile, write_private
from framebatch.edge.security.grpc_door import GrpcDoor
from framebatch.edge.security.guard import Guard
from framebatch.edge.security.refusals import Refusals
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

METHOD = "/framebatch.v1.Detector/Detect"


class Tls(NamedTuple):
    """A server that checks certificates, and who makes them."""

    address: str
    authority: trustme.CA

    async def ask(self, token: str, certificate: trustme.LeafCert) -> str:
        """Answer as whom the server knows a caller, or the status that it gives."""
        credentials = grpc.ssl_channel_credentials(
            self.authority.cert_pem.bytes(),
            certificate.private_key_pem.bytes(),
            b"".join(blob.bytes() for blob in certificate.cert_chain_pems),
        )
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        async with grpc.aio.secure_channel(self.address, credentials) as channel:
            try:
                method: Any = channel.unary_unary(METHOD)
                return bytes(await method(b"", metadata=metadata, timeout=10)).decode()
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)


@pytest.fixture
async def tls(tmp_path: Path) -> AsyncIterator[Tls]:
    """Answer a server that knows a certificate alone, and another one together with a token."""
    text = with_entry("", Entry(name="press-3", role=Role.CAMERA, certificate="press-3.example"))
    both = Entry(name="ada", role=Role.ADMIN, token=digest("fb_ada"), certificate="ada.example")
    write_private(tmp_path / "access.toml", with_entry(text, both))
    guard = Guard(AccessFile(tmp_path / "access.toml"), Refusals())
    authority = trustme.CA()

    async def name_of_caller(_: bytes, __: object) -> bytes:
        return CALLER.get().name.encode()

    server = grpc.aio.server(interceptors=[GrpcDoor(guard)])
    handlers: dict[str, Any] = {"Detect": grpc.unary_unary_rpc_method_handler(name_of_caller)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("framebatch.v1.Detector", handlers),))
    own = authority.issue_cert("localhost")
    credentials = grpc.ssl_server_credentials(
        [(own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())],
        authority.cert_pem.bytes(),
        require_client_auth=True,
    )
    port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    yield Tls(f"localhost:{port}", authority)
    await server.stop(None)


async def test_a_certificate_says_who_calls(tls: Tls) -> None:
    """By any of its names; a name that no entry has says nothing."""
    press = tls.authority.issue_cert("other.example", "press-3.example")
    by_common_name = tls.authority.issue_cert("other.example", common_name="press-3.example")
    stranger = tls.authority.issue_cert("stranger.example")
    found = [await tls.ask("", certificate) for certificate in (press, by_common_name, stranger)]
    assert found == ["press-3", "press-3", "UNAUTHENTICATED"]


async def test_where_both_are_asked_for_both_must_be_right(tls: Tls) -> None:
    """A stolen token is worth nothing without the certificate, and the other way round."""
    ada, press = tls.authority.issue_cert("ada.example"), tls.authority.issue_cert("press-3.example")
    asked = [("fb_ada", ada), ("", ada), ("fb_ada", press), ("fb_wrong", ada)]
    assert [await tls.ask(*each) for each in asked] == ["ada", *["UNAUTHENTICATED"] * 3]
