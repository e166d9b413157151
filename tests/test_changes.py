"""framebatch.app.changes: what the log tells of cameras and models, in a real server and of a played one."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from framebatch.app import App
from framebatch.app.changes import Changes
from framebatch.clock import SECOND_NS
from framebatch.config import Config
from framebatch.frame import Model, Outcome
from framebatch_client import AsyncClient
from framebatch_models import find

PICTURE = np.zeros((24, 32, 3), np.uint8)


class Played:
    """A server whose state is set by the test, looked at every second."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self._now_ns = 0
        self.streams: dict[object, str] = {}
        self.counts: dict[str, dict[Outcome, int]] = {}
        self.load = 0.5
        self.losing = 0
        self.model: Any = SimpleNamespace(
            model=Model("belt", "1", ()),
            down="",
            policy=SimpleNamespace(load_at=lambda _: self.load, estimate=SimpleNamespace(factor=1.0)),
            batcher=SimpleNamespace(cameras_not_fitting=0),
        )
        self.watch = Changes(
            streams=lambda: self.streams,
            counts=lambda: {camera: dict(counts) for camera, counts in self.counts.items()},
            serving=lambda: {"belt": self.model},
        )

    def look(self, times: int = 1) -> list[tuple[str, str, dict[str, object]]]:
        """Let seconds pass; answer the levels, names and fields of the events."""
        self._caplog.clear()
        for _ in range(times):
            self._now_ns += SECOND_NS
            self.watch.look(self._now_ns)
        return [(each.levelname, vars(each)["event"], vars(each)["fields"]) for each in self._caplog.records]

    def answer(self, camera: str, **outcomes: int) -> None:
        """So many more frames of the camera are answered."""
        counts = self.counts.setdefault(camera, {})
        for name, count in outcomes.items():
            counts[Outcome(name)] = counts.get(Outcome(name), 0) + count


@pytest.fixture
def played(caplog: pytest.LogCaptureFixture) -> Played:
    """Answer a server with a model that is well."""
    caplog.set_level(logging.INFO)
    return Played(caplog)


def test_a_stream_that_begins_and_ends_is_told_with_its_counts(played: Played) -> None:
    """What the camera was answered before does not count, and the frames before the first look do."""
    played.answer("press", OK=100)
    assert played.look() == []
    played.streams = {"stream": "press"}
    played.answer("press", OK=10)
    assert played.look() == [("INFO", "camera.began", {"camera": "press"})]
    played.answer("press", OK=5, EXPIRED=1)
    assert played.look() == []
    played.streams = {}
    answered = {"OK": 15, "EXPIRED": 1}
    assert played.look() == [("INFO", "camera.ended", {"camera": "press", "seconds": 2.0, "answered": answered})]


def test_a_camera_that_comes_back_within_a_second_is_told_of(played: Played) -> None:
    """It is another stream of the same name."""
    played.streams = {"one": "press"}
    played.look()
    played.streams = {"two": "press"}
    assert [name for _, name, _ in played.look()] == ["camera.ended", "camera.began"]


def test_a_camera_that_misses_its_deadlines_is_told_of_and_its_recovery(played: Played) -> None:
    """Superseded frames say nothing of deadlines."""
    played.answer("press", OK=10, SUPERSEDED=100, REJECTED=5)
    missed = {"camera": "press", "missed": 5, "frames": 15}
    assert played.look() == [("WARNING", "camera.missing", missed)]
    for _ in range(30):
        played.answer("press", OK=1)
        said = played.look()
    assert said == [("INFO", "camera.recovered", {"camera": "press", "missed": 0, "frames": 30})]


def test_overload_is_told_of_when_it_lasts(played: Played) -> None:
    """And its end when no camera loses frames any more."""
    played.load = 1.2345
    assert played.look(2) == []
    fields = {"model": "belt", "load_ratio": 1.234, "cameras_not_fitting": 0}
    assert played.look() == [("WARNING", "overload.began", fields)]
    played.load, played.model.batcher.cameras_not_fitting = 0.5, 2
    assert played.look(20) == []
    played.model.batcher.cameras_not_fitting = 0
    assert played.look(10) == [("INFO", "overload.ended", {"model": "belt", "load_ratio": 0.5})]


def test_a_device_that_departs_from_what_was_measured_is_told_of(played: Played) -> None:
    """Once it lasts."""
    played.model.policy.estimate.factor = 1.3
    assert played.look(5) == [("WARNING", "drift.began", {"model": "belt", "ratio": 1.3})]
    played.model.policy.estimate.factor = 1.0
    assert played.look(10) == [("INFO", "drift.ended", {"model": "belt", "ratio": 1.0})]


def test_a_model_that_goes_down_and_comes_up_is_told_of(played: Played) -> None:
    """With the reason."""
    played.model.down = "the device failed"
    assert played.look(2) == [("ERROR", "model.down", {"model": "belt", "reason": "the device failed"})]
    played.model.down = ""
    assert played.look(2) == [("INFO", "model.up", {"model": "belt"})]
    assert repr(played.watch) == "Changes(streams=0, cameras=0, models=1)"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.usefixtures("restored_interpreter")
async def test_the_log_of_a_server_tells_its_life(caplog: pytest.LogCaptureFixture) -> None:
    """Ready, a camera that comes and goes, draining, stopped; and nothing for each frame."""
    caplog.set_level(logging.INFO)
    app = App(Config(model="conveyor", device="sim:1,0.1", port=0, http_port=0, decoders=1), find("conveyor"))
    await app.start()
    assert app._instruments is not None
    address = app.ready_line.split()[1].partition("=")[2]
    async with AsyncClient(address) as client:
        stream = client.stream(camera="press", deadline_ms=20_000)
        async with stream:
            for _ in range(5):
                await stream.send(PICTURE)
                await anext(stream.answers())
            app._instruments.changes.look(0)
    await app.stop()
    events = [(vars(each)["event"], vars(each)["fields"]) for each in caplog.records if hasattr(each, "event")]
    life = [(name, fields) for name, fields in events if name.startswith(("server.", "camera."))]
    assert [name for name, _ in life] == [
        "server.ready",
        "camera.began",
        "server.draining",
        "camera.ended",
        "server.stopped",
    ]
    assert life[1][1] == {"camera": "press"}
    assert life[3][1]["answered"] == life[4][1]["answered"] == {"OK": 5}
