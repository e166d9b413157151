"""The status page of a running server: it tells what clients saw, shows their pictures, and costs nothing when nobody looks."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections import Counter
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import pytest_asyncio
from model_folder import put
from sse import States, ask

from framebatch.app import App
from framebatch.app.recorder import Recorder
from framebatch.config import Config
from framebatch_client import AsyncClient, Outcome
from framebatch_models import find
from framebatch_models.conveyor import Conveyor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import numpy.typing as npt

    from framebatch_client import Answer

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one loop: gRPC speaks to loops that are gone, otherwise
    pytest.mark.usefixtures("restored_interpreter"),
]
PICTURE = np.zeros((24, 32, 3), np.uint8)
NOBODY: tuple[None, None] = (None, None)
LONG_MS = 20_000


def make(**settings: Any) -> App:
    """Answer an app with one decoder on a simulated device and free ports."""
    free = {"port": 0, "http_port": 0, "decoders": 1, "drain_seconds": 1.0, "device": "sim:1,0.1", "profile": "off"}
    return App(Config(model="conveyor", **{**free, **settings}), find("conveyor"))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def app() -> AsyncIterator[App]:
    """Answer a started app that forgets its viewers at once."""
    started = make()
    await started.start()
    assert started._live is not None
    started._live._linger_seconds = 0.0
    yield started
    await started.stop()


def at(app: App, port: str) -> str:
    """Answer where a port is."""
    return dict(word.split("=", 1) for word in app.ready_line.split() if "=" in word)[port]


def observers(app: App) -> tuple[Any, Any]:
    """Answer who observes the model, and the frames of none."""
    router = app._router
    assert router is not None
    return app.repository.serving["conveyor"].batcher._answers.observer, router._homeless.observer


async def unobserved(app: App) -> None:
    """Wait until nobody is."""
    while observers(app) != NOBODY:  # noqa: ASYNC110 - as the loop goes on, nothing tells of it
        await asyncio.sleep(0)


def total(state: dict[str, Any] | None) -> int:
    """Answer how many frames of the model were answered since the start."""
    assert state is not None
    return sum(state["models"][0]["totals"].values())


def answered(number: int) -> Callable[[dict[str, Any]], bool]:
    """Answer what is true of a state when so many were."""
    return lambda state: total(state) == number


def camera_of(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Answer the camera's part."""
    (found,) = (each for each in state["cameras"] if each["id"] == name)
    return dict(found)


async def test_the_first_state_comes_at_once(app: App) -> None:
    """Whole, with null where nothing is known yet; the next ones follow."""
    async with States(at(app, "http")) as states:
        state = await states.next()
        assert state is not None
        assert state["pictures"] is True
        assert (state["server"]["ready"], state["server"]["device"]) == (True, "sim 1+0.1b ms (simulated)")
        (model,) = state["models"]
        assert (model["name"], model["input"], model["up"]) == ("conveyor", [320, 320], True)
        assert (model["latency_ms"], model["frames_per_second"]) == ({"p50": None, "p95": None, "p99": None}, None)
        assert model["profile"]["curve"][0] == [1, 1.1, None, 909.1]
        later = await states.next()
        assert later is not None
        assert later["time_unix_seconds"] > state["time_unix_seconds"]
        assert later.keys() == state.keys()
    await unobserved(app)


async def test_the_counts_are_what_was_sent(app: App) -> None:
    """By camera and by model, whatever the outcome; the model's totals are those of the metrics."""
    seen: Counter[tuple[str, str]] = Counter()
    async with States(at(app, "http")) as states, AsyncClient(at(app, "grpc")) as client:
        before = total(await states.next())
        lost = await client.detect(PICTURE, camera="press-9", model="nowhere")
        seen["press-9", lost.outcome] += 1
        for number in range(15):
            camera = f"press-{number % 3}"
            broken = number % 5 == 4
            answer = await client.detect(b"\xff\xd8 no" if broken else PICTURE, camera=camera, deadline_ms=LONG_MS)
            seen[camera, answer.outcome] += 1
        state = await states.until(answered(before + 15))
    told = {
        (each["id"], outcome): number
        for each in state["cameras"]
        for outcome, number in each["outcomes"].items()
        if number
    }
    assert told == seen
    assert {outcome for _, outcome in seen} == {Outcome.OK, Outcome.INVALID}
    (model,) = state["models"]
    assert model["outcomes"]["OK"] == sum(number for (_, outcome), number in seen.items() if outcome == Outcome.OK)
    assert sum(rows for _, rows, _, _ in model["batches"]) == model["outcomes"]["OK"]
    assert sum(ok for _, ok, _ in model["throughput"]) > 0
    press = camera_of(state, "press-1")
    assert (press["model"], press["priority"], press["live"]) == ("conveyor", "normal", False)
    assert (press["deadline_ms"], press["detections"], press["shot"] is not None) == (LONG_MS, 0, True)
    assert camera_of(state, "press-9")["last_reason"].startswith("model 'nowhere' is not served here")
    await unobserved(app)


async def test_a_camera_that_fell_silent_before_anybody_looked_is_known(app: App) -> None:
    """It is what somebody may have come to see."""
    async with AsyncClient(at(app, "grpc")) as client:
        await client.detect(PICTURE, camera="early", deadline_ms=LONG_MS)
    app.metrics._last_frame_ns["early"] -= 600 * 10**9
    async with States(at(app, "http")) as states:
        state = await states.next()
    assert state is not None
    early = camera_of(state, "early")
    assert (early["model"], early["last_age_seconds"] >= 600, early["last_outcome"]) == ("conveyor", True, None)
    (alert,) = (each for each in state["alerts"] if each["camera"] == "early")
    assert (alert["name"], alert["runbook"]) == ("FramebatchCameraSilent", "docs/runbooks/camera-silent.md")
    assert alert["summary"] == "early has sent nothing for 10 min"
    await unobserved(app)


async def test_why_it_is_not_ready_is_told(app: App) -> None:
    """As an alert, too, for as long as it is so."""
    async with States(at(app, "http")) as states:
        app._ending = "the device hangs"
        state = await states.until(lambda state: not state["server"]["ready"])
        app._ending = ""
        assert state["server"]["why_not_ready"] == "the device hangs"
        assert "FramebatchNotReady" in [each["name"] for each in state["alerts"]]
        state = await states.until(lambda state: bool(state["server"]["ready"]))
        assert "FramebatchNotReady" not in [each["name"] for each in state["alerts"]]
    await unobserved(app)


async def test_nobody_is_observed_when_nobody_looks(app: App) -> None:
    """Neither before the first viewer nor after the last one; pictures are let go."""
    live = app._live
    assert live is not None
    assert observers(app) == NOBODY
    async with States(at(app, "http")) as first:
        await first.next()
        watching = observers(app)
        assert None not in watching
        async with States(at(app, "http")) as second, AsyncClient(at(app, "grpc")) as client:
            await second.next()
            assert (observers(app), live.viewers) == (watching, 2)
            await client.detect(PICTURE, camera="press-3", deadline_ms=LONG_MS)
            assert (await ask(at(app, "http"), "/page/cameras/press-3/shot")).status == 200
        while live.viewers == 2:  # noqa: ASYNC110 - as the loop goes on, nothing tells of it
            await asyncio.sleep(0)
        assert live.observing
    await unobserved(app)
    assert (live.observing, repr(live)) == (False, "Live(viewers=0, None)")
    missing = await ask(at(app, "http"), "/page/cameras/press-3/shot")
    assert (missing.status, missing.json()) == (
        404,
        {"reason": "pictures are kept only while somebody looks at the page"},
    )


async def test_another_version_is_observed_too(app: App) -> None:
    """A second after it took over; the figures go on."""
    async with States(at(app, "http")) as states, AsyncClient(at(app, "grpc")) as client:
        before = total(await states.next())
        await client.detect(PICTURE, camera="press-3", deadline_ms=LONG_MS)
        await states.until(answered(before + 1))
        await app.repository.load("conveyor", 0)
        while observers(app)[0] is None:
            await states.next()
        await client.detect(PICTURE, camera="press-3", deadline_ms=LONG_MS)
        state = await states.until(answered(before + 2))
        assert len(state["models"][0]["batches"]) == 2
    await unobserved(app)


def boxes(answer: Answer) -> list[dict[str, Any]]:
    """Answer what a client was told, as a shot tells it."""
    return [
        {
            "box": [round(corner, 1) for corner in each.box],
            "score": round(each.score, 3),
            "label": each.label,
            "class_id": each.class_id,
        }
        for each in answer.detections
    ]


def belts(index: int, across: int) -> npt.NDArray[np.uint8]:
    """Answer a picture of so many belts beside and above each other, 640 x 480 each."""
    scenes = [[Conveyor(3 + x + across * y).frame(index * 40).pixels for x in range(across)] for y in range(across)]
    return np.vstack([np.hstack(row) for row in scenes])


async def test_a_shot_has_its_own_boxes(tmp_path: Path) -> None:
    """As a JPEG, a PNG or samples, of all of it, a part, or in tiles: those that the client was told of this picture."""
    path = put(tmp_path, "tiled")
    manifest = path.with_suffix(".toml")
    manifest.write_text("tiles = 640\n" + manifest.read_text(encoding="utf-8"), encoding="utf-8")
    config = Config(
        model=str(path), port=0, http_port=0, decoders=1, device="cpu", profile="off", max_batch=1, threads=1
    )
    app = App(config, path)
    await app.start()
    async with States(at(app, "http")) as states, AsyncClient(at(app, "grpc")) as client:
        await states.next()
        numbers = []
        for index, (kind, across, region) in enumerate(
            ((".jpg", 1, None), ("raw", 1, None), (".png", 2, None), (".jpg", 2, (300, 200, 700, 600)))
        ):
            pixels = belts(index, across)
            picture = pixels if kind == "raw" else cv2.imencode(kind, pixels)[1].tobytes()
            answer = await client.detect(picture, camera="hall 1/press", deadline_ms=LONG_MS, region=region)
            shot = (await ask(at(app, "http"), "/page/cameras/hall%201%2Fpress/shot")).json()
            numbers.append(shot["number"])
            assert (shot["detections"], bool(shot["detections"])) == (boxes(answer), True)
            assert (shot["width"], shot["height"], shot["outcome"]) == (640 * across, 480 * across, "OK")
            shown = cv2.imdecode(np.frombuffer(b64decode(shot["picture"].partition(",")[2]), np.uint8), 1)
            assert shown is not None
            high, wide = shown.shape[:2]
            expected = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA)
            assert np.abs(shown.astype(int) - expected).mean() < 8
        state = await states.until(answered(4))
        assert numbers == sorted(set(numbers))
        assert camera_of(state, "hall 1/press")["shot"] == numbers[-1]
    await app.stop()


async def test_no_picture_leaves_where_pictures_are_off() -> None:
    """None is kept either; all figures are there, and the states end with the server."""
    app = make(page="figures", max_viewers=1)
    await app.start()
    async with States(at(app, "http")) as states, AsyncClient(at(app, "grpc")) as client:
        await client.detect(PICTURE, camera="press-3", deadline_ms=LONG_MS)
        state = await states.until(answered(1))
        assert (state["pictures"], camera_of(state, "press-3")["shot"]) == (False, None)
        answer = await ask(at(app, "http"), "/page/cameras/press-3/shot")
        assert (answer.status, "setting 'page'" in answer.json()["reason"]) == (404, True)
        live = app._live
        assert live is not None
        assert live._session is not None
        assert live._session.watch.pictures is None
        assert (await ask(at(app, "http"), "/page/events")).status == 503
        await app.stop()
        while await states.next() is not None:
            pass
    assert observers(app) == NOBODY


async def test_there_is_no_page_where_it_is_off() -> None:
    """The plain list of paths is in its place."""
    app = make(page="off")
    await app.start()
    assert b"/metrics" in (await ask(at(app, "http"), "/")).body
    assert (await ask(at(app, "http"), "/page/events")).status == 404
    await app.stop()


async def test_a_recording_goes_on_beside_the_page(tmp_path: Path) -> None:
    """Both are told, and who stays is told directly again."""
    app = make(record=tmp_path)
    await app.start()
    live = app._live
    assert live is not None
    live._linger_seconds = 0.0
    alone = observers(app)
    assert {type(each) for each in alone} == {Recorder}
    async with States(at(app, "http")) as states, AsyncClient(at(app, "grpc")) as client:
        await states.next()
        assert repr(observers(app)[0]).startswith("Several(Recorder(")
        await client.detect(PICTURE, camera="press-3", deadline_ms=LONG_MS)
        await states.until(answered(1))
    while live.observing:  # noqa: ASYNC110 - as the loop goes on, nothing tells of it
        await asyncio.sleep(0)
    assert observers(app) == alone
    await app.stop()
