"""framebatch.cli.reaching: how commands come to a running server, and what they say when they do not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest
from certificates import Authority

from framebatch.cli.reaching import Reach, reach
from framebatch.errors import DeviceError, FramebatchError, UsageError
from framebatch_client.testing import ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "fb_line-lead.0123456789abcdef"


def health(address: str, options: Reach) -> str:
    """Ask as a command does."""
    with reach(address, options) as client:
        return client.health()


def options(ca: Path | None = None, token_file: Path | None = None) -> Reach:
    """Answer those of a command that is given little."""
    return Reach(tls=False, ca=ca, certificate=None, key=None, server_name=None, token_file=token_file)


async def test_a_command_trusts_and_shows_what_it_was_told(tmp_path: Path) -> None:
    """An authority, and a token from a file."""
    authority, path = Authority(tmp_path), tmp_path / "token"
    path.write_text(TOKEN + "\n")
    pair = authority.issue("server")
    credentials = grpc.ssl_server_credentials([(pair.key.read_bytes(), pair.certificate.read_bytes())])
    async with ScriptedServer(credentials=credentials) as server:
        assert await asyncio.to_thread(health, server.address, options(authority.path, path)) == "SERVING"
        assert [each.get("authorization") for each in server.metadata] == [f"Bearer {TOKEN}"]


async def test_what_goes_wrong_is_told_with_what_to_do(tmp_path: Path, server: ScriptedServer) -> None:
    """Wrong usage where another option helps, a failure where the server or the network has to change."""
    authority, nowhere = Authority(tmp_path), tmp_path / "nowhere"
    for address, given, kind, words in (
        (server.address, options(nowhere), UsageError, f"the ca {nowhere} cannot be read"),
        (server.address, options(token_file=nowhere), UsageError, f"the token file {nowhere} cannot be read"),
        ("nowhere", options(), UsageError, "the server must be HOST:PORT"),
        (server.address, options(authority.path), DeviceError, "the server speaks no TLS on this port"),
    ):
        with pytest.raises(FramebatchError, match=words) as caught:
            await asyncio.to_thread(health, address, given)
        assert caught.type is kind
