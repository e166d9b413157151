"""Classes through a real server: on the wire, by its configuration, under three times what its device carries."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from framebatch.testing import ServerProcess
from framebatch_client import AsyncClient, Client, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(120)]

CAMERAS = 18
FPS = 10
FRAMES = 60
DEADLINE_MS = 400.0
CONFIG = """
[priorities]
"boss-*" = "normal"
"old-*" = "critical"
"spare-*" = "best-effort"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Answer a server on a simulated device that carries about 60 small frames a second at these budgets."""
    path: Path = tmp_path_factory.mktemp("config") / "server.toml"
    path.write_text(CONFIG)
    with ServerProcess(
        "--model", "conveyor", "--device", "sim:30,13", "--profile", "off", "--max-batch", "8", "--config", path
    ) as process:
        yield process


def jpeg() -> bytes:
    """Answer a small picture."""
    return cv2.imencode(".jpg", np.full((48, 64, 3), 127, np.uint8))[1].tobytes()


async def stream(client: AsyncClient, name: str, answers: list[Any], **options: Any) -> None:
    """Send one camera's frames at its rate and keep the answers."""
    camera = client.stream(camera=name, fps=FPS, deadline_ms=DEADLINE_MS, **options)
    async with camera:
        await camera.run([jpeg()] * FRAMES, on_answer=answers.append, count=FRAMES)


def answered(answers: list[Any], kind: str) -> float:
    """Answer which share of the frames of this kind of camera was answered OK."""
    found = Counter(answer.outcome for answer in answers if answer.camera.startswith(kind))
    return found[Outcome.OK] / found.total()


async def test_under_overload_classes_are_served_in_order(server: ServerProcess) -> None:
    """Critical cameras before normal ones before those of best effort; who only says to be critical gains nothing.

    Two are critical by the configuration. All frames are answered, those that are lost say why, and are counted by class.
    """
    answers: list[Any] = []
    kinds = ["old"] * 2 + ["boss"] * 4 + ["plain"] * 6 + ["spare"] * 6
    async with AsyncClient(server.address) as client:
        runs = [
            stream(client, f"{kind}-{number}", answers, priority="critical" if kind == "boss" else "normal")
            for number, kind in enumerate(kinds)
        ]
        await asyncio.gather(*runs)
    assert len(answers) == CAMERAS * FRAMES
    critical, normal, spare = (answered(answers, kind) for kind in ("old", "plain", "spare"))
    assert critical > normal > spare
    assert critical > answered(answers, "boss")
    told = [answer.reason for answer in answers if "; this camera sends " in answer.reason]
    assert any(answer.outcome != Outcome.OK for answer in answers)
    assert told
    assert all("the device carries " in reason and "lately got " in reason for reason in told)
    series = server.series()
    name = 'framebatch_priority_frames_total{model="conveyor",outcome="OK",priority="critical"}'
    assert series[name] == sum(answer.outcome == Outcome.OK for answer in answers if answer.camera.startswith("old"))


def test_a_budget_that_never_fits_is_answered_with_one_that_does(server: ServerProcess) -> None:
    """Even on an idle device: the answer names it, and a frame with that and some more is answered."""
    with Client(server.address) as client:
        refused = client.detect(jpeg(), deadline_ms=20, camera="late")
        assert refused.outcome == Outcome.REJECTED
        needed_ms = int(refused.reason.removesuffix(" ms on an idle device").rpartition(" ")[2])
        assert needed_ms > 43
        answers = [client.detect(jpeg(), deadline_ms=3 * needed_ms, camera="late") for _ in range(5)]
    assert any(answer.outcome == Outcome.OK for answer in answers)
