"""framebatch.calibration.messages: what is asked of a measuring process arrives as it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from framebatch.calibration.effort import climb_effort
from framebatch.calibration.messages import IdleTask, LoadTask, RunTask, Task, pack_task, unpack_task
from framebatch.device.devices import parse_device
from framebatch.device.options import EngineOptions

FOLDER = Path("/somewhere")


@pytest.mark.parametrize(
    "task",
    [
        LoadTask(
            folder=FOLDER,
            model=Path("m.onnx"),
            name=None,
            device=parse_device("sim:1,0.123456,0.1,100,3.5,4000"),
            options=EngineOptions(threads=3, cache_dir=Path("/cache"), fp16=True),
        ),
        LoadTask(folder=FOLDER, model=Path("m.onnx"), name="n", device=parse_device("cuda:2"), options=EngineOptions()),
        RunTask(folder=FOLDER, batch=7, seed=3, effort=climb_effort(5, budget_ns=9)),
        IdleTask(folder=FOLDER, batch=1, seed=0, pauses=((100, 2), (1000, 1))),
    ],
)
def test_a_task_travels_as_one_line(task: Task) -> None:
    """And comes out as it went in."""
    line = pack_task(task)
    assert "\n" not in line
    assert unpack_task(line) == task
