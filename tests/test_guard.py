"""A real server whose access file changes while it runs, and what it tells of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from served_access import (
    TOKENS,
    Server,
    detect,
    entry,
    frame,
    get,
    list_models,
    load_model,
    outcome,
    reflect,
    serving,
    shown,
    stream,
    text,
    until,
)

from framebatch.edge.security import guard as guarding
from framebatch.edge.security.editing import with_entry, without_entry
from framebatch.edge.security.file import write_private
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest
from framebatch_proto.v1 import detector_pb2 as pb
from framebatch_proto.v1 import detector_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from grpc.aio import Channel

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one loop: gRPC speaks to loops that are gone, otherwise
    pytest.mark.usefixtures("restored_interpreter"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Answer a server that knows two cameras, an operator and an admin."""
    async with serving(tmp_path_factory.mktemp("access")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def channel(server: Server) -> AsyncIterator[Channel]:
    """Answer a connection to its gRPC port."""
    async with grpc.aio.insecure_channel(server.grpc) as opened:
        yield opened


async def open_stream(channel: Channel, name: str) -> Any:
    """Answer a stream that was just answered a frame."""
    call = detector_pb2_grpc.DetectorStub(channel).DetectStream(metadata=shown(name), timeout=60)
    await call.write(frame())
    answer: Any = await call.read()
    assert answer.outcome == pb.OUTCOME_OK
    return call


async def test_a_removed_token_ends_working_on_open_streams_too(server: Server, channel: Channel) -> None:
    """Others go on; when it is back, it works again."""
    gone, stays = await open_stream(channel, "press-3"), await open_stream(channel, "gateway")
    write_private(server.file, without_entry(text(), "press-3"))
    with pytest.raises(grpc.aio.AioRpcError, match="the access file no longer has these credentials"):
        await gone.read()
    assert await gone.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await outcome(detect(channel, "press-3")) == "UNAUTHENTICATED"
    await stays.write(frame())
    assert (await stays.read()).outcome == pb.OUTCOME_OK
    await stays.done_writing()
    write_private(server.file, text())
    await until(
        lambda: (
            server.app._security.guard is not None
            and server.app._security.guard.register.find(TOKENS["press-3"]) is not None
        )
    )
    assert await outcome(detect(channel, "press-3")) == "OK"


async def test_a_changed_entry_lets_its_streams_connect_again(server: Server, channel: Channel) -> None:
    """They end with what clients try again after, and then have what the entry says now."""
    call = await open_stream(channel, "gateway")
    changed = with_entry(without_entry(text(), "gateway"), entry("gateway", Role.CAMERA, "scale"))
    write_private(server.file, changed)
    with pytest.raises(grpc.aio.AioRpcError, match="connect again"):
        await call.read()
    assert await call.code() is grpc.StatusCode.UNAVAILABLE
    answer = await detector_pb2_grpc.DetectorStub(channel).Detect(
        frame("belt-1"), metadata=shown("gateway"), timeout=30
    )
    assert (answer.outcome, answer.camera) == (pb.OUTCOME_INVALID, "scale")
    write_private(server.file, text())
    await (await open_stream(channel, "ada")).done_writing()


async def test_a_broken_file_keeps_the_old_one(
    server: Server, channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    """And is told once."""
    server.file.write_text("[press-3", encoding="utf-8")
    await until(lambda: "still holds" in caplog.text)
    for _ in range(5):  # it is looked at again meanwhile
        assert await outcome(detect(channel, "press-3")) == "OK"
        await asyncio.sleep(guarding.LOOK_SECONDS)
    (line,) = [line for line in caplog.messages if "still holds" in line]
    assert "is not TOML" in line
    write_private(server.file, text())


async def test_no_secret_is_in_any_log(server: Server, channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
    """Neither tokens, right and wrong, nor their hashes, in a run with all of them, at the lowest level."""
    with caplog.at_level(logging.DEBUG):
        told = server.app._security.refusals._told_ns
        for name, token in TOKENS.items():
            for door in (detect, stream, list_models, load_model, reflect):
                told.clear()  # every refusal is told
                await outcome(door(channel, name))
            for path, shows in (("/metrics", name), (f"/{token}", ""), (f"/?token={token}", "")):
                told.clear()
                await get(server, path, shows)
        write_private(server.file, without_entry(text(), "olga"))
        await until(lambda: "changed or removed: 'olga'" in caplog.text)
        server.file.write_text(text() + f'[x]\nrole = "camera"\ntoken = "{TOKENS["stranger"]}"', encoding="utf-8")
        await until(lambda: "still holds" in caplog.text)
        write_private(server.file, text())
    logged = caplog.text + repr(server.app) + repr(server.app._security.guard) + repr(server.app._doors)
    secrets = [*TOKENS.values(), *(digest(token).removeprefix("sha256:") for token in TOKENS.values())]
    assert [secret for secret in secrets if secret in logged or secret[3:] in logged] == []
    assert "refused 127.0.0.1" in logged
