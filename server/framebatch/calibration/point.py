"""One measuring process: does one task and ends. Runs as `python -m framebatch.calibration.point`.

The task comes as a line on its standard input, answers go as lines of JSON to its standard output; whatever libraries
print goes to its standard error, which the parent keeps. Batches run as in production: through the detector, on real
pictures, one after the other. What is decided of the answers is not known here.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.calibration.messages import (
    MODEL_FILE,
    PICTURES_FILE,
    IdleTask,
    LoadTask,
    RunTask,
    unpack_task,
)
from framebatch.calibration.sampling import enough
from framebatch.clock import MILLISECOND_NS, now_ns, ns_to_seconds
from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.prepared import PreparedModel, open_prepared, prepare_model
from framebatch.device.meter import Meter, memory_total
from framebatch.device.simulated import SimulatedEngine
from framebatch.errors import DeviceError, DeviceMemoryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from framebatch.calibration.effort import Effort
    from framebatch.detection.detector import Detector
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.stages import StageTimes

    Row = tuple[int, int, int | None, int | None, int | None, int]
    """Of one batch, in nanoseconds: service, fill, copy in, compute, copy out, parse."""

__all__ = ["Answers", "draw_pictures", "load", "main", "rest", "run"]

SCENES: Final = 8
FEWEST_SCENES: Final = 4
MIRRORED: Final = 4
MOST_BYTES: Final = 64 << 20
CHUNK_NS: Final = 100 * MILLISECOND_NS
FIRST_LOOK: Final = 200
LATER_LOOKS: Final = 1.2
BEFORE_PAUSE: Final = 3
PR_SET_PDEATHSIG: Final = 1
"""Of linux/prctl.h."""


def main() -> None:
    """Do the task that stands on standard input."""
    answers = _own_stdout()
    say = Answers(answers)
    _end_with_parent()
    try:
        task = unpack_task(sys.stdin.readline())
        if isinstance(task, LoadTask):
            load(task, say)
        elif isinstance(task, RunTask):
            run(task, say)
        else:
            rest(task, say)
    except (MemoryError, DeviceMemoryError) as error:
        say(failed="memory", why=str(error) or "the host is out of memory")
    except UsageError as error:
        say(failed="model", why=str(error))
    except DeviceError as error:
        say(failed="device", why=str(error))
    else:
        say(done=True)


class Answers:
    """Lines of JSON to the parent; each is whole when it is sent, so that a later crash costs none of them."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __repr__(self) -> str:
        return f"<Answers to {self._file!r}>"

    def __call__(self, **facts: Any) -> None:
        """Send one."""
        self._file.write(json.dumps(facts) + "\n")
        self._file.flush()


def load(task: LoadTask, say: Answers) -> None:
    """Prepare the model, draw the pictures, and tell what is to be measured."""
    from framebatch.calibration.identity import fingerprint_of  # noqa: PLC0415 - needs more than measuring does

    options = task.options
    if options.provider == "tensorrt" and options.cache_dir is None:  # else each process would build for minutes
        options = dataclasses.replace(options, cache_dir=task.folder / "engines")
    prepared, (detector, _) = prepare_model(task.model, device=task.device, options=options, name=task.name)
    with contextlib.closing(detector):
        prepared.save(task.folder / MODEL_FILE)
        np.save(task.folder / PICTURES_FILE, draw_pictures(prepared.spec))
        say(
            loaded={
                "name": prepared.spec.name,
                "device": str(prepared.device),
                "simulated": detector.simulated,
                "batch_size": prepared.spec.batch_size,
                "fingerprint": fingerprint_of(detector, prepared.device, prepared.options).model_dump(),
            }
        )


def run(task: RunTask, say: Answers) -> None:
    """Open the model for one batch size, and time that."""
    prepared = PreparedModel.read(task.folder / MODEL_FILE)
    frames = _frames(prepared.spec, task.folder)
    total = memory_total(prepared.device)
    with Meter(prepared.device) as meter:
        detector, engine = open_prepared(prepared, max_batch=task.batch, seed=task.seed)
        simulated = engine if isinstance(engine, SimulatedEngine) else None
        with contextlib.closing(detector):
            total = memory_total(prepared.device, simulated) if simulated else total
            say(memory=total and total._asdict())
            batches = _batches(frames, task.batch)
            _warm_up(detector, batches, task.effort)
            meter.begin(simulated)
            say(began=True)
            _time(detector, batches, task.effort, meter, say)
            say(reading=dataclasses.asdict(meter.reading()))


def rest(task: IdleTask, say: Answers) -> None:
    """Time one batch after each pause."""
    prepared = PreparedModel.read(task.folder / MODEL_FILE)
    frames = _frames(prepared.spec, task.folder)
    detector, _ = open_prepared(prepared, max_batch=task.batch, seed=task.seed)
    with contextlib.closing(detector):
        batches = _batches(frames, task.batch)
        detector.detect(next(batches))
        for pause_ns, count in task.pauses:
            for _ in range(count):
                busy = [_timed(detector, next(batches)) for _ in range(BEFORE_PAUSE)]
                say(samples=busy[1:])
                time.sleep(ns_to_seconds(pause_ns))
                say(rested=[pause_ns, _timed(detector, next(batches))[0]])


def draw_pictures(spec: ModelSpec) -> npt.NDArray[np.uint8]:
    """Make different pictures of the network's size: scenes, and each of them mirrored, which costs next to nothing.

    Returns:
        uint8 (n, H, W, 3): 32, or 16 where they are large.

    """
    from framebatch.detection.scenes import scenes  # noqa: PLC0415 - drawn once, read by all others

    width, height = spec.input_width, spec.input_height
    count = max(FEWEST_SCENES, min(SCENES, MOST_BYTES // (MIRRORED * width * height * 3)))
    drawn = scenes(count, width, height)
    return np.concatenate([drawn, drawn[:, :, ::-1], drawn[:, ::-1], drawn[:, ::-1, ::-1]])


def _frames(spec: ModelSpec, folder: Path) -> list[Prepared]:
    """All pictures, read into memory, so that each batch size takes the same for them."""
    fit = spec.fit
    geometry = plan_resize(fit, fit.width, fit.height)
    return [Prepared(picture, geometry) for picture in np.load(folder / PICTURES_FILE)]


def _batches(frames: list[Prepared], batch: int) -> Iterator[list[Prepared]]:
    """Batch after batch, each of other pictures than the one before, or in another order."""
    start = 0
    while True:
        yield [frames[(start + place) % len(frames)] for place in range(batch)]
        start += batch + 1


def _warm_up(detector: Detector, batches: Iterator[list[Prepared]], effort: Effort) -> None:
    until_ns = now_ns() + effort.warm_ns
    done = 0
    while done < effort.warm_ups or now_ns() < until_ns:
        detector.detect(next(batches))
        done += 1


def _time(detector: Detector, batches: Iterator[list[Prepared]], effort: Effort, meter: Meter, say: Answers) -> None:
    """Run batches until the effort is spent, or the median is known."""
    services: list[int] = []
    unsent: list[Row] = []
    began_ns = sent_ns = now_ns()
    look = FIRST_LOOK
    try:
        while len(services) < effort.most:
            if len(services) >= effort.least and now_ns() - began_ns >= effort.budget_ns:
                break
            if effort.until_enough and len(services) >= look:
                if enough(services):
                    break
                look = round(len(services) * LATER_LOOKS)
            row = _timed(detector, next(batches))
            services.append(row[0])
            unsent.append(row)
            meter.sample()
            if now_ns() - sent_ns >= CHUNK_NS:
                say(samples=unsent)
                unsent, sent_ns = [], now_ns()
    finally:
        say(samples=unsent)


def _timed(detector: Detector, batch: list[Prepared]) -> Row:
    stages: list[StageTimes] = []
    before_ns = now_ns()
    result = detector.detect(batch, stages)
    service_ns, fill_ns = result.finished_ns - result.started_ns, result.submitted_ns - before_ns
    after_ns = result.parsed_ns - result.finished_ns
    if not stages:
        return service_ns, fill_ns, None, None, None, after_ns
    parts = stages[0]
    return service_ns, fill_ns, parts.copy_in_ns, parts.compute_ns, parts.copy_out_ns, after_ns - parts.copy_out_ns


def _own_stdout() -> IO[str]:
    """Keep standard output for answers, and let everybody else who prints there print to standard error."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "w", encoding="utf-8")


def _end_with_parent() -> None:
    """Be killed when the parent's thread ends, whatever it ends of, and before others when the host runs out of memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    main()
