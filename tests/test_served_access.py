"""A real server with an access file: who is let in at which door, and under which name."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright
from served_access import (
    TOKENS,
    Server,
    detect,
    frame,
    get,
    health,
    list_models,
    load_model,
    outcome,
    reflect,
    serving,
    shown,
    stream,
    unload_model,
)

from framebatch.edge.security.grpc_door import MOST_NAMELESS
from framebatch_proto.v1 import detector_pb2 as pb
from framebatch_proto.v1 import detector_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

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


@pytest.mark.parametrize("name", ["", "stranger", "olga"])
async def test_who_may_not_call_is_told_before_the_request_is_read(channel: Channel, name: str) -> None:
    """So that nobody without a right to it can hold calls open, or memory with messages that are half sent."""
    method: Any = channel.stream_unary("/framebatch.v1.Detector/Detect")
    call = method(metadata=shown(name), timeout=30)  # sends nothing, and does not say that it is done
    assert await call.code() is (
        grpc.StatusCode.PERMISSION_DENIED if name == "olga" else grpc.StatusCode.UNAUTHENTICATED
    )


async def test_a_call_without_its_request_is_ended(channel: Channel) -> None:
    """Also where nobody is asked who calls."""
    for path, name in (("framebatch.v1.Detector/Detect", "press-3"), ("grpc.health.v1.Health/Check", "")):
        method: Any = channel.stream_unary(f"/{path}")
        call = method(iter(()), metadata=shown(name), timeout=30)
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_whoever_watches_the_health_without_end_leaves_calls_for_others(channel: Channel) -> None:
    """An address has a number of them, and is told; when one ends, there is room again, and cameras notice nothing."""
    watch: Any = channel.unary_stream("/grpc.health.v1.Health/Watch")
    calls = [watch(b"", timeout=60) for _ in range(MOST_NAMELESS)]
    for call in calls:
        await call.read()
    assert await outcome(health(channel, "")) == "RESOURCE_EXHAUSTED"
    assert await outcome(detect(channel, "press-3")) == "OK"
    for call in calls:
        call.cancel()
    while await outcome(health(channel, "")) != "OK":  # noqa: ASYNC110 - the server ends them in its own time
        await asyncio.sleep(0.02)


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


@pytest.mark.parametrize("scheme", ["Basic {}", "Bearer", "Token {}", "{}"])
async def test_only_bearer_tokens_are_taken(channel: Channel, scheme: str) -> None:
    """Whatever else the header says, it is no credential."""
    header = scheme.format(TOKENS["ada"])
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


async def test_refused_calls_are_counted_by_reason(server: Server, channel: Channel) -> None:
    """As series."""

    def counted() -> dict[str, float]:
        lines = server.app.metrics.exposition().decode().splitlines()
        found = [line.rsplit(" ", 1) for line in lines if line.startswith("framebatch_refused_calls_total{")]
        return {name.split('"')[1]: float(value) for name, value in found}

    before = counted()
    assert set(before) == {"unauthenticated", "forbidden", "too_many_logins", "too_many_calls"}
    await outcome(detect(channel, ""))
    await get(server, "/metrics", "stranger")
    await get(server, "/metrics", "press-3")
    after = counted()
    assert {reason: after[reason] - before[reason] for reason in after} == {
        "unauthenticated": 2,
        "forbidden": 1,
        "too_many_logins": 0,
        "too_many_calls": 0,
    }


async def test_a_browser_logs_in_to_the_status_page_and_out_again(server: Server) -> None:
    """The page's rules for browsers let both forms through; a page that was open elsewhere ends with the session."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context()
        page, other = await context.new_page(), await context.new_page()
        refused: list[str] = []
        for each in page, other:
            each.on("console", lambda said: refused.append(said.text) if "Policy" in said.text else None)
        await page.goto(f"http://{server.http}/")
        await page.get_by_label("Token").fill(TOKENS["olga"])
        await page.get_by_role("button", name="Log in").click()
        leave = page.get_by_role("button", name="Log out")
        await leave.wait_for()
        await other.goto(f"http://{server.http}/")
        await other.get_by_role("button", name="Log out").wait_for()
        await leave.click()
        await page.get_by_role("button", name="Log in").wait_for()
        await other.get_by_role("button", name="Log in").wait_for()
        assert refused == []
        await browser.close()
