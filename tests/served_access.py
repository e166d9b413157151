"""A real server with an access file, in this process, for tests: who is in it, how it is reached, and every door of it."""

from __future__ import annotations

import asyncio
import http.client
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from framebatch.app import App
from framebatch.config import Config
from framebatch.edge.security import guard
from framebatch.edge.security.editing import with_entry
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.file import write_private
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest, new_token
from framebatch_models import find
from framebatch_proto.v1 import detector_pb2 as pb
from framebatch_proto.v1 import detector_pb2_grpc, models_pb2, models_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from grpc.aio import Channel

RAW = pb.RawPicture(width=32, height=24, layout=pb.PIXEL_LAYOUT_GRAY, pixels=bytes(32 * 24))
TOKENS = {name: new_token() for name in ("press-3", "gateway", "olga", "ada", "stranger")}
GATEWAY = ("belt-*", "scale")


class Server(NamedTuple):
    """A started app, and how it is reached."""

    app: App
    file: Path
    grpc: str
    http: str


def entry(name: str, role: Role, *cameras: str) -> Entry:
    """Answer an entry for one of the tokens."""
    return Entry(name=name, role=role, cameras=cameras, token=digest(TOKENS[name]))


def text() -> str:
    """Answer the file that the tests begin with."""
    found = ""
    for each in (
        entry("press-3", Role.CAMERA),
        entry("gateway", Role.CAMERA, *GATEWAY),
        entry("olga", Role.OPERATOR),
        entry("ada", Role.ADMIN),
    ):
        found = with_entry(found, each)
    return found


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    """Start a server that follows its file quickly."""
    file = folder / "access.toml"
    write_private(file, text())
    config = Config(
        model="conveyor", device="sim:1,0.1", port=0, http_port=0, decoders=1, drain_seconds=1.0, access=file
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "LOOK_SECONDS", 0.02)
        app = App(config, find("conveyor"))
        await app.start()
        words = dict(word.split("=", 1) for word in app.ready_line.split() if "=" in word)
        yield Server(app, file, words["grpc"], words["http"])
        await app.stop()


def shown(name: str) -> tuple[tuple[str, str], ...]:
    """Answer the metadata of a call that shows this name's token; without a name, none."""
    return (("authorization", f"Bearer {TOKENS[name]}"),) if name else ()


def frame(camera: str = "", sequence: int = 0) -> pb.Frame:
    """Answer a good frame."""
    return pb.Frame(camera=camera, sequence=sequence, raw=RAW, deadline_ms=20_000)


async def get(server: Server, path: str, name: str = "") -> tuple[int, str, dict[str, str]]:
    """Ask the HTTP port; answer status, text and headers."""

    def ask() -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection(server.http, timeout=10)
        try:
            connection.request("GET", path, headers=dict(shown(name)))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def detect(channel: Channel, name: str) -> None:
    """Send a frame in a call of its own."""
    await detector_pb2_grpc.DetectorStub(channel).Detect(frame(), metadata=shown(name), timeout=30)


async def stream(channel: Channel, name: str) -> None:
    """Send a frame on a stream."""
    call = detector_pb2_grpc.DetectorStub(channel).DetectStream(metadata=shown(name), timeout=30)
    await call.write(frame())
    await call.done_writing()
    assert [answer.outcome async for answer in call] == [pb.OUTCOME_OK]


async def list_models(channel: Channel, name: str) -> None:
    """Ask for the models."""
    await models_pb2_grpc.ModelsStub(channel).ListModels(
        models_pb2.ListModelsRequest(), metadata=shown(name), timeout=30
    )


async def load_model(channel: Channel, name: str) -> None:
    """Ask to load a model that is not there, which only those are told who may load one."""
    request = models_pb2.LoadModelRequest(name="nothing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await models_pb2_grpc.ModelsStub(channel).LoadModel(request, metadata=shown(name), timeout=30)
    if caught.value.code() is not grpc.StatusCode.NOT_FOUND:
        raise caught.value


async def unload_model(channel: Channel, name: str) -> None:
    """Likewise."""
    request = models_pb2.UnloadModelRequest(name="nothing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await models_pb2_grpc.ModelsStub(channel).UnloadModel(request, metadata=shown(name), timeout=30)
    if caught.value.code() is not grpc.StatusCode.NOT_FOUND:
        raise caught.value


async def reflect(channel: Channel, name: str) -> None:
    """Ask which services there are."""
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    answers = [each async for each in stub.ServerReflectionInfo(iter([request]), metadata=shown(name), timeout=30)]
    assert len(answers) == 1


async def health(channel: Channel, name: str) -> None:
    """Ask whether frames are taken."""
    stub = health_pb2_grpc.HealthStub(channel)
    await stub.Check(health_pb2.HealthCheckRequest(), metadata=shown(name), timeout=30)


async def outcome(call: Awaitable[None]) -> str:
    """Answer how a call ended."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def until(holds: Callable[[], bool]) -> None:
    """Return once the server has got so far."""
    while not holds():  # noqa: ASYNC110 - what it waits for is a log line
        await asyncio.sleep(0.02)
