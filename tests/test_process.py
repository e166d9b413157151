"""framebatch.calibration.process: whatever a measuring process does, there is a point, and nobody is left behind."""

from __future__ import annotations

import json
import os
import select
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tiny_models

from framebatch.calibration.effort import Effort
from framebatch.calibration.messages import MODEL_FILE, PICTURES_FILE, RunTask
from framebatch.calibration.point import draw_pictures
from framebatch.calibration.process import Answered, Ended, measure_point, run_task
from framebatch.detection.prepared import prepare_model
from framebatch.device.devices import parse_device
from framebatch.device.meter import MemoryTotal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from framebatch.calibration.points import Point

MEBIBYTE = 1 << 20
SECOND = 1_000_000_000
SAMPLE = json.dumps({"samples": [[5000, 10, None, None, None, 20]]})
EFFORT = Effort(warm_ups=1, warm_ns=0, least=5, most=5, budget_ns=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated device of 2 ms for every frame, whose memory holds two of them."""
    folder = tmp_path_factory.mktemp("prepared")
    model = tiny_models.colours(folder / "m.onnx", metadata=tiny_models.COLOURS)
    prepared, (detector, _) = prepare_model(model, device=parse_device("sim:0,2,0.1,10,3,16"))
    detector.close()
    prepared.save(folder / MODEL_FILE)
    np.save(folder / PICTURES_FILE, draw_pictures(prepared.spec))
    return folder


def task(folder: Path, *, batch: int = 1, seed: int = 0) -> RunTask:
    """Five timed batches."""
    return RunTask(folder=folder, batch=batch, seed=seed, effort=EFFORT)


def measure(task: RunTask, *lines: str, limit_ns: int = 60 * SECOND) -> Point:
    """A point, by our own measuring process or by one that runs these lines of Python."""
    given: dict[str, Any] = {"program": (sys.executable, "-c", "\n".join(lines))} if lines else {}
    return measure_point(task, Answered(task.batch, 3), limit_ns=limit_ns, **given)


class Watched:
    """Processes whose end is noticed, whoever started them."""

    def __init__(self) -> None:
        self._files: list[int] = []

    def add(self, pids: list[int]) -> None:
        """Begin to watch them; they still run."""
        self._files += [os.pidfd_open(pid) for pid in pids]

    def ended(self) -> int:
        """How many have ended, or do so within ten seconds."""
        ended = sum(bool(select.select([file], [], [], 10)[0]) for file in self._files)
        for file in self._files:
            os.close(file)
        return ended


def test_a_batch_size_is_measured_in_a_process_of_its_own(folder: Path) -> None:
    """Service times in the order of time, what the host did beside them, and the memory that it took."""
    answered = Answered(2, 3)
    point = measure_point(task(folder, batch=2), answered, limit_ns=60 * SECOND)
    assert (point.batch, point.number, point.failure, point.why) == (2, 3, "", "")
    assert len(point.samples_ns) == len(point.stages.fill_ns) == len(point.stages.parse_ns) == 5
    assert all(2_000_000 < sample < 8_000_000 for sample in point.samples_ns)
    assert point.stages.copy_in_ns == ()
    assert point.reading.memory_bytes == 16 * MEBIBYTE
    assert answered.memory == MemoryTotal("device", 16 * MEBIBYTE, 0)
    assert answered.startup_ns > 0
    assert repr(answered) == "<Answered batch 2, pass 3, 5 samples>"


def test_out_of_memory_costs_the_point_and_no_more(folder: Path) -> None:
    """With what the device said."""
    point = measure(task(folder, batch=3))
    assert (point.failure, point.samples_ns) == ("memory", ())
    assert "failed on a batch of 3: it needs" in point.why


@pytest.mark.parametrize(
    ("lines", "failure", "why"),
    [
        (("import os", "os.kill(os.getpid(), 9)"), "crash", "the measuring process was ended by SIGKILL"),
        (("import os", "os.abort()"), "crash", "the measuring process was ended by SIGABRT"),
        (("import sys", "sys.exit('sorry')"), "crash", "the measuring process ended with exit code 1: sorry"),
        (("print('hello')",), "crash", "the measuring process wrote b'hello', which is no answer"),
        (("print(7)",), "crash", "the measuring process wrote b'7', which is no answer"),
        (('print(\'{"failed": "device", "why": "dead"}\')',), "device", "dead"),
        (('print(\'{"failed": "model", "why": "gone"}\')',), "device", "gone"),
    ],
)
def test_a_process_that_fails_leaves_a_point(folder: Path, lines: tuple[str, ...], failure: str, why: str) -> None:
    """Which says how, and keeps what was measured before."""
    point = measure(task(folder), f"print({SAMPLE!r}, flush=True)", *lines)
    assert (point.failure, point.why) == (failure, why)
    assert point.samples_ns == (5000,)


def test_a_process_that_measures_nothing_failed(folder: Path) -> None:
    """Although it says that it did what it was asked."""
    point = measure(task(folder), "print('{\"done\": true}')")
    assert (point.failure, point.why) == ("crash", "the measuring process ended without having measured anything")


def started(folder: Path, on_pids: Callable[[list[int]], None], *, limit_ns: int = 60 * SECOND) -> Ended:
    """Run a process that starts another, tells both their numbers, and hangs."""
    script = """
import json, os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(json.dumps({"pids": [os.getpid(), child.pid]}), flush=True)
signal.pause()
"""
    return run_task(
        task(folder),
        limit_ns=limit_ns,
        on_answer=lambda answer: on_pids(answer["pids"]),
        program=(sys.executable, "-c", script),
    )


def test_a_process_that_hangs_is_ended_with_all_that_it_started(folder: Path) -> None:
    """After its time, by force."""
    watched = Watched()
    ended = started(folder, watched.add, limit_ns=SECOND // 2)
    assert ended == Ended("timeout", "it did not end within 0.5 s")
    assert watched.ended() == 2


def test_an_interrupt_leaves_nobody_behind(folder: Path) -> None:
    """KeyboardInterrupt goes on to the caller when the processes are gone."""
    watched = Watched()

    def interrupt(pids: list[int]) -> None:
        watched.add(pids)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        started(folder, interrupt)
    assert watched.ended() == 2
