"""framebatch.app: everything wired, started and stopped, in this process, on a simulated device."""

from __future__ import annotations

import asyncio
import http.client
import platform
import signal
import socket
from typing import TYPE_CHECKING, Any

import grpc.aio
import numpy as np
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from framebatch.app import App
from framebatch.config import Config
from framebatch.errors import UsageError
from framebatch.scheduling import Why
from framebatch_client import AsyncClient, Outcome
from framebatch_models import find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one loop: gRPC speaks to loops that are gone, otherwise
    pytest.mark.usefixtures("restored_interpreter"),
]
PICTURE = np.zeros((24, 32, 3), np.uint8)


def make(**settings: Any) -> App:
    """Answer an app with one decoder on a simulated device and free ports."""
    free = {"port": 0, "http_port": 0, "decoders": 1, "drain_seconds": 1.0}
    return App(Config(model="conveyor", device="sim:1,0.1", **{**free, **settings}), find("conveyor"))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def app() -> AsyncIterator[App]:
    """Answer a started app."""
    started = make()
    await started.start()
    yield started
    await started.stop()


def ports(app: App) -> dict[str, str]:
    """Answer what the ready line says."""
    words = app.ready_line.split()
    assert words[0] == "ready"
    return dict(word.split("=", 1) for word in words if "=" in word)


async def status_of(app: App, path: str) -> int:
    """Ask the HTTP port."""
    return (await asked(app, path))[0]


async def text_of(app: App, path: str) -> str:
    """Answer what the HTTP port says."""
    return (await asked(app, path))[1]


async def asked(app: App, path: str) -> tuple[int, str]:
    """Ask the HTTP port for status and text."""

    def ask() -> tuple[int, str]:
        connection = http.client.HTTPConnection(ports(app)["http"], timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


def series_of_text(text: str) -> dict[str, float]:
    """Answer the values by series."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def serving(app: App, service: str = "") -> str:
    """Ask the health service."""
    async with grpc.aio.insecure_channel(ports(app)["grpc"]) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=10)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


async def test_the_ready_line_tells_where_and_what(app: App) -> None:
    """Real ports in place of 0, the model and the device, which is said to be simulated."""
    found = ports(app)
    assert app.ready_line.endswith("model=conveyor device=sim 1+0.1b ms (simulated)")
    for name in ("grpc", "http"):
        host, port = found[name].split(":")
        assert (host, int(port) > 0) == ("127.0.0.1", True)


async def test_before_the_start_there_is_nothing_to_say() -> None:
    """What was never started can be stopped, and leaves no decoder behind; one that has not even begun by then is killed."""
    app = make()
    decoders = app.repository.serving["conveyor"].decoders
    with pytest.raises(RuntimeError, match="not started"):
        _ = app.ready_line
    await app.stop()
    assert all(process.returncode in {0, -signal.SIGKILL} for process in decoders._crew.processes)


async def test_frames_are_answered(app: App) -> None:
    """All the way: over the socket, through a decoder process, on the device and back."""
    async with AsyncClient(ports(app)["grpc"]) as client:
        answer = await client.detect(PICTURE, deadline_ms=20_000, camera="press-3", sequence=8)
    assert (answer.outcome, answer.reason) == (Outcome.OK, "")
    assert (answer.camera, answer.sequence, answer.timing.batch_size) == ("press-3", 8, 1)
    assert (answer.model, answer.width, answer.height) == ("conveyor", 32, 24)
    assert app.metrics.totals() == {"OK": 1}


async def test_series_move_when_things_happen() -> None:
    """A stream of frames is seen in why batches were released, runs by size, budgets, decoders and streams by camera."""
    app = make()
    await app.start()
    before = series_of_text(await text_of(app, "/metrics"))
    async with AsyncClient(ports(app)["grpc"]) as client, client.stream(camera="press-3", deadline_ms=20_000) as stream:
        for _ in range(5):
            await stream.send(PICTURE)
        await stream.finish()
        answers = [answer async for answer in stream.answers()]
    after = series_of_text(await text_of(app, "/metrics"))
    await app.stop()
    assert [answer.outcome for answer in answers] == [Outcome.OK] * 5

    def grown(name: str) -> float:
        return sum(value - before.get(key, 0) for key, value in after.items() if key.partition("{")[0] == name)

    runs = grown("framebatch_batch_frames_count")
    assert 1 <= runs <= 5
    assert grown("framebatch_batches_released_total") == runs
    assert grown("framebatch_batches_total") == runs
    busy = grown("framebatch_device_busy_seconds_total")
    assert grown("framebatch_batch_device_seconds_total") == pytest.approx(busy)
    assert grown("framebatch_budget_used_ratio_count") == 5
    assert grown("framebatch_decode_seconds_total") > 0
    assert after['framebatch_decoders{model="conveyor"}'] == 1
    assert after['framebatch_camera_streams_opened_total{camera="press-3"}'] == 1
    assert after['framebatch_curve_seconds{batch="1",model="conveyor",quantile="0.5"}'] == 0.0011
    assert after['framebatch_capacity_frames_per_second{model="conveyor"}'] > 0
    reasons = {key for key in before if key.startswith("framebatch_batches_released_total")}
    assert len(reasons) == len(Why)
    assert any(f'python="{platform.python_version()}"' in key for key in after if "build_info" in key)


async def test_health_follows_the_life_of_the_server() -> None:
    """SERVING once ready; while it drains both ports say that no frames are taken, and it lives."""
    app = make()
    await app.start()
    assert [await serving(app), await serving(app, "framebatch.v1.Detector")] == ["SERVING", "SERVING"]
    assert [await status_of(app, path) for path in ("/readyz", "/healthz")] == [200, 200]
    stopping = asyncio.create_task(app.stop())
    await asyncio.sleep(0)
    assert [await serving(app), await status_of(app, "/readyz")] == ["NOT_SERVING", 503]
    await stopping


async def test_a_server_whose_decoders_cannot_be_started_is_not_ready(app: App) -> None:
    """It would accept frames only to let them expire; once a decoder works, it is ready again."""
    crew = app.repository.serving["conveyor"].decoders._crew
    began, crew._began[:] = crew._began.copy(), 0
    crew._failures = 5
    await app._set_ready()
    assert await status_of(app, "/readyz") == 503
    crew._began[:] = began
    await app._set_ready()
    assert await status_of(app, "/readyz") == 200


async def test_a_draining_server_refuses_and_says_so() -> None:
    """Frames that come while it drains are answered, too."""
    app = make()
    await app.start()
    async with AsyncClient(ports(app)["grpc"]) as client:
        await client.detect(PICTURE, deadline_ms=20_000)
        stopping = asyncio.create_task(app.stop())
        await asyncio.sleep(0)
        answer = await client.detect(PICTURE, deadline_ms=20_000)
    await stopping
    assert (answer.outcome, answer.reason) == (Outcome.REJECTED, "the server is shutting down")


async def test_reflection_lists_the_service(app: App) -> None:
    """So that tools find it without our files."""
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async with grpc.aio.insecure_channel(ports(app)["grpc"]) as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
        answer = await anext(aiter(call))
    names = {service.name for service in answer.list_services_response.service}
    assert {"framebatch.v1.Detector", "grpc.health.v1.Health"} <= names


@pytest.mark.parametrize("setting", ["port", "http_port"])
async def test_a_taken_port_is_told(app: App, setting: str) -> None:
    """With the option to change, before anything is loaded."""
    taken = int(ports(app)["grpc" if setting == "port" else "http"].rsplit(":", 1)[1])
    with pytest.raises(UsageError, match=f"--{setting.replace('_', '-')} {taken}: cannot listen on 127.0.0.1:{taken}"):
        make(**{setting: taken})


@pytest.mark.parametrize("setting", ["port", "http_port"])
async def test_a_port_that_is_taken_meanwhile_is_told(setting: str) -> None:
    """Somebody was quicker while the models were loaded; the server leaves nothing behind."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    second = make(**{setting: port})
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(
            UsageError, match=f"--{setting.replace('_', '-')} {port}: cannot listen on 127.0.0.1:{port}"
        ):
            await second.start()
        await second.stop()


async def test_an_address_of_another_machine_is_told() -> None:
    """What cannot be listened on is a wrong setting."""
    with pytest.raises(UsageError, match=r"--port 0: cannot listen on 192\.0\.2\.1:0: Cannot assign requested address"):
        make(host="192.0.2.1", anonymous=True)


async def test_a_profile_that_cannot_be_read_is_told() -> None:
    """Before anything is loaded."""
    with pytest.raises(UsageError, match=r"profile here\.json cannot be read"):
        make(profile="here.json")


async def test_it_shows_its_state(app: App) -> None:
    """The repr names detectors, batchers and who gets which frame."""
    assert "<Detector conveyor (yolov8, 320 x 320) on sim 1+0.1b ms (simulated), batches of " in repr(app)
    assert "Batcher(serving, unanswered=0" in repr(app)
    assert repr(app).endswith("Router(conveyor 1))")
