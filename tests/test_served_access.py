"""A real server with an access file: who is let in at which door, under which name, and for how long."""

from __future__ import annotations

import asyncio
import http.client
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from framebatch.app import App
from framebatch.config import Config
from framebatch.edge.security import guard as guarding
from framebatch.edge.security.editing import with_entry, without_entry
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

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one loop: gRPC speaks to loops that are gone, otherwise
    pytest.mark.usefixtures("restored_interpreter"),
]
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


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Answer a server that follows its file quickly."""
    file = tmp_path_factory.mktemp("access") / "access.toml"
    write_private(file, text())
    config = Config(
        model="conveyor", device="sim:1,0.1", port=0, http_port=0, decoders=1, drain_seconds=1.0, access=file
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guarding, "LOOK_SECONDS", 0.02)
        app = App(config, find("conveyor"))
        await app.start()
        words = dict(word.split("=", 1) for word in app.ready_line.split() if "=" in word)
        yield Server(app, file, words["grpc"], words["http"])
        await app.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def channel(server: Server) -> AsyncIterator[Channel]:
    """Answer a connection to its gRPC port."""
    async with grpc.aio.insecure_channel(server.grpc) as opened:
        yield opened


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


NO, NOT_ALLOWED = "UNAUTHENTICATED", "PERMISSION_DENIED"
WHO = ("", "stranger", "press-3", "olga", "ada")


@pytest.mark.parametrize(
    ("door", "expected"),
    [
        (detect, (NO, NO, "OK", NOT_ALLOWED, "OK")),
        (stream, (NO, NO, "OK", NOT_ALLOWED, "OK")),
        (list_models, (NO, NO, NOT_ALLOWED, "OK", "OK")),
        (load_model, (NO, NO, NOT_ALLOWED, NOT_ALLOWED, "OK")),
        (unload_model, (NO, NO, NOT_ALLOWED, NOT_ALLOWED, "OK")),
        (reflect, (NO, NO, "OK", "OK", "OK")),
        (health, ("OK", "OK", "OK", "OK", "OK")),
    ],
)
async def test_each_role_at_each_method(
    channel: Channel, door: Callable[[Channel, str], Awaitable[None]], expected: tuple[str, ...]
) -> None:
    """Without a token, with one that is not known, and as camera, operator and admin."""
    assert tuple([await outcome(door(channel, name)) for name in WHO]) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", (401, 401, 403, 200, 200)),
        ("/metrics", (401, 401, 403, 200, 200)),
        ("/nothing", (401, 401, 403, 404, 404)),
        ("/healthz", (200, 200, 200, 200, 200)),
        ("/readyz", (200, 200, 200, 200, 200)),
        ("/login", (200, 200, 200, 200, 200)),
    ],
)
async def test_each_role_at_each_path(server: Server, path: str, expected: tuple[int, ...]) -> None:
    """Likewise; whether a path exists is told to those who may look."""
    assert tuple([(await get(server, path, name))[0] for name in WHO]) == expected


async def test_refusals_say_what_is_missing(server: Server, channel: Channel) -> None:
    """The way to show a token, or the role that may."""
    status, said, headers = await get(server, "/metrics")
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert "it shows no credentials: send 'authorization: Bearer fb_...', or log in at /" in said
    assert "'press-3', whose role is camera, may not see figures" in (await get(server, "/metrics", "press-3"))[1]
    with pytest.raises(grpc.aio.AioRpcError, match="its credentials are not known: give the metadata 'authorization"):
        await detect(channel, "stranger")
    with pytest.raises(grpc.aio.AioRpcError, match="'olga', whose role is operator, may not send frames; that takes"):
        await detect(channel, "olga")


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer", f"Token {TOKENS['ada']}"])
async def test_only_bearer_tokens_are_taken(channel: Channel, header: str) -> None:
    """Whatever else the header says, it is no credential."""
    stub = detector_pb2_grpc.DetectorStub(channel)
    with pytest.raises(grpc.aio.AioRpcError, match="its authorization is not 'Bearer TOKEN'"):
        await stub.Detect(frame(), metadata=(("authorization", header),), timeout=30)


SPOOFED = "camera is 'press-4'; with these credentials frames may be sent as 'press-3'"


async def test_a_frame_under_anothers_name_is_refused(server: Server, channel: Channel) -> None:
    """In a call of its own it is answered under the caller's name, and nowhere shown under the other's."""
    stub = detector_pb2_grpc.DetectorStub(channel)
    answer = await stub.Detect(frame("press-4"), metadata=shown("press-3"), timeout=30)
    assert (answer.outcome, answer.reason, answer.camera) == (pb.OUTCOME_INVALID, SPOOFED, "press-3")
    assert 'camera="press-4"' not in server.app.metrics.exposition().decode()


async def test_a_stream_goes_on_after_a_frame_under_anothers_name(server: Server, channel: Channel) -> None:
    """Frames without a name are the caller's own, before and after."""
    call = detector_pb2_grpc.DetectorStub(channel).DetectStream(metadata=shown("press-3"), timeout=30)
    for sequence, camera in enumerate(["", "press-4", "", "press-4", "press-3"]):
        await call.write(frame(camera, sequence))
    await call.done_writing()
    answers = sorted([answer async for answer in call], key=lambda answer: answer.sequence)
    good, bad = (pb.OUTCOME_OK, ""), (pb.OUTCOME_INVALID, SPOOFED)
    assert [(answer.outcome, answer.reason) for answer in answers] == [good, bad, good, bad, good]
    assert {answer.camera for answer in answers} == {"press-3"}
    assert 'camera="press-4"' not in server.app.metrics.exposition().decode()


async def test_one_token_may_carry_several_cameras(channel: Channel) -> None:
    """By patterns; a frame without a name is the entry's, a wrong one, too."""
    stub = detector_pb2_grpc.DetectorStub(channel)
    sent = ["belt-1", "scale", "", "press-3"]
    answers = [await stub.Detect(frame(camera), metadata=shown("gateway"), timeout=30) for camera in sent]
    assert [answer.camera for answer in answers] == ["belt-1", "scale", "gateway", "gateway"]
    assert [answer.outcome == pb.OUTCOME_OK for answer in answers] == [True, True, True, False]


async def test_an_admin_sends_as_any_camera(channel: Channel) -> None:
    """To try one out."""
    stub = detector_pb2_grpc.DetectorStub(channel)
    answer = await stub.Detect(frame("press-9"), metadata=shown("ada"), timeout=30)
    assert (answer.outcome, answer.camera) == (pb.OUTCOME_OK, "press-9")


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
    assert await outcome(detect(channel, "press-3")) == NO
    await stays.write(frame())
    assert (await stays.read()).outcome == pb.OUTCOME_OK
    await stays.done_writing()
    write_private(server.file, text())
    await until(
        lambda: server.app._guard is not None and server.app._guard.register.find(TOKENS["press-3"]) is not None
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


async def test_refused_calls_are_counted_by_reason(server: Server, channel: Channel) -> None:
    """As series."""

    def counted() -> dict[str, float]:
        lines = server.app.metrics.exposition().decode().splitlines()
        found = [line.rsplit(" ", 1) for line in lines if line.startswith("framebatch_refused_calls_total{")]
        return {name.split('"')[1]: float(value) for name, value in found}

    before = counted()
    assert set(before) == {"unauthenticated", "forbidden", "too_many_logins"}
    await outcome(detect(channel, ""))
    await get(server, "/metrics", "stranger")
    await get(server, "/metrics", "press-3")
    after = counted()
    assert {reason: after[reason] - before[reason] for reason in after} == {
        "unauthenticated": 2,
        "forbidden": 1,
        "too_many_logins": 0,
    }


async def test_no_secret_is_in_any_log(server: Server, channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
    """Neither tokens, right and wrong, nor their hashes, in a run with all of them, at the lowest level."""
    with caplog.at_level(logging.DEBUG):
        told = server.app._refusals._told_ns
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
    logged = caplog.text + repr(server.app) + repr(server.app._guard) + repr(server.app._doors)
    secrets = [*TOKENS.values(), *(digest(token).removeprefix("sha256:") for token in TOKENS.values())]
    assert [secret for secret in secrets if secret in logged or secret[3:] in logged] == []
    assert "refused 127.0.0.1" in logged
