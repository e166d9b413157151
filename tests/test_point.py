"""framebatch.calibration.point: what one measuring process does, done here in the tests' own."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tiny_models

from framebatch.calibration.effort import Effort
from framebatch.calibration.messages import IdleTask, LoadTask, RunTask
from framebatch.calibration.point import Answers, draw_pictures, load, rest, run
from framebatch.detection.loading import inspect_model
from framebatch.device.devices import parse_device
from framebatch.device.options import EngineOptions

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000


class Said(Answers):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines = io.StringIO()
        super().__init__(self.lines)

    def all(self, name: str) -> list[Any]:
        """What was said under this name."""
        answers = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        return [answer[name] for answer in answers if name in answer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model loaded on a simulated device that takes 0.2 ms for every frame."""
    folder = tmp_path_factory.mktemp("loaded")
    model = tiny_models.colours(folder / "m.onnx", metadata=tiny_models.COLOURS)
    said = Said()
    load(
        LoadTask(
            folder=folder, model=model, name="n", device=parse_device("sim:0,0.2,0.001,5,1,50"), options=EngineOptions()
        ),
        said,
    )
    (facts,) = said.all("loaded")
    assert (facts["name"], facts["device"], facts["batch_size"]) == ("n", "sim:0,0.2,0.001,5,1,50", None)
    assert (facts["simulated"], facts["fingerprint"]["provider"]) == (True, "simulated")
    return folder


def effort(**given: Any) -> Effort:
    """Two batches to warm up."""
    return Effort(**{"warm_ups": 2, "warm_ns": 0, "least": 1, "most": 1000, "budget_ns": 0, **given})


def test_pictures_are_different_and_show_something(tmp_path: Path) -> None:
    """32 of the network's size; no two are equal."""
    spec = inspect_model(tiny_models.colours(tmp_path / "m.onnx", metadata=tiny_models.COLOURS))
    pictures = draw_pictures(spec)
    assert pictures.shape == (32, 64, 64, 3)
    assert len({picture.tobytes() for picture in pictures}) == 32
    assert pictures.std(axis=(1, 2, 3)).min() > 10


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"least": 7}, 7),
        ({"budget_ns": 1000 * 1000 * MS, "most": 9}, 9),
        ({"budget_ns": 1000 * 1000 * MS}, 200),
        ({"budget_ns": 1000 * 1000 * MS, "until_enough": False, "most": 250}, 250),
    ],
)
def test_batches_are_timed_until_the_effort_is_spent(folder: Path, given: dict[str, Any], count: int) -> None:
    """At least so many, at most so many, and no more once the median is known to 1 %, unless they are to go on."""
    said = Said()
    run(RunTask(folder=folder, batch=1, seed=0, effort=effort(**given)), said)
    rows = [row for rows in said.all("samples") for row in rows]
    assert len(rows) == count
    services, fills, *copies, parses = np.array(rows, dtype=object).T
    assert np.median(services.astype(int)) == pytest.approx(0.2 * MS, rel=0.01)
    assert (fills > 0).all()
    assert (parses > 0).all()
    assert all(value is None for column in copies for value in column)


def test_memory_is_told_before_and_after(folder: Path) -> None:
    """What there is, and what this size took."""
    said = Said()
    run(RunTask(folder=folder, batch=3, seed=0, effort=effort()), said)
    assert said.all("memory") == [{"kind": "device", "total_bytes": 50 << 20, "others_bytes": 0}]
    (reading,) = said.all("reading")
    assert reading["memory_bytes"] == 8 << 20


def test_pauses_are_told_with_the_batch_that_followed(folder: Path) -> None:
    """And batches that followed another at once."""
    said = Said()
    rest(IdleTask(folder=folder, batch=1, seed=0, pauses=((1000, 2), (2000, 1))), said)
    assert [pause for pause, _ in said.all("rested")] == [1000, 1000, 2000]
    assert all(service == pytest.approx(0.2 * MS, rel=0.02) for _, service in said.all("rested"))
    assert sum(map(len, said.all("samples"))) == 6
