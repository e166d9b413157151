"""How quick a loaded model is: with how many threads, and at every batch size. What follows from it is decided elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.clock import SECOND_NS, now_ns
from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.device.engine import OnnxEngine
from framebatch.device.threads import next_count

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from framebatch.detection.detector import Detector, Engine
    from framebatch.detection.remembered import Loaded, Wanted

__all__ = ["rates_by_threads", "warm_up"]

_MIN_RUNS: Final = 2
_MAX_RUNS: Final = 10
_THREADS_BUDGET_NS: Final = 3 * SECOND_NS // 2
_COUNT_BUDGET_NS: Final = SECOND_NS // 4


def rates_by_threads(loaded: Loaded, wanted: Wanted, count: int) -> dict[int, float]:
    """Run a batch on the processor with all its threads, then with fewer for as long as that costs little.

    No number of threads is begun after 1.5 s, and the best of a few runs counts, because what else the machine does only
    slows.

    Args:
        loaded: With as many threads as there are.
        wanted: How it was opened.
        count: Frames in the batch.

    Returns:
        Frames per second by number of threads, all cores among them; empty where there is only one.

    Raises:
        DeviceError: a run failed.

    """
    cores, form = len(os.sched_getaffinity(0)), loaded.program.form
    if cores == 1:
        return {}
    batch = np.random.default_rng(0).integers(0, 256, (count, form.height, form.width, 3), np.uint8)
    begun_ns = now_ns()
    rates = {cores: _rate(loaded.engine, batch)}
    while now_ns() - begun_ns < _THREADS_BUDGET_NS and (threads := next_count(rates)) is not None:
        options = dataclasses.replace(wanted.options, threads=threads)
        with contextlib.closing(OnnxEngine(loaded.program, wanted.device, options=options, max_batch=count)) as engine:
            rates[threads] = _rate(engine, batch)
    return rates


def _rate(engine: Engine, batch: npt.NDArray[np.uint8]) -> float:
    engine.run(batch)  # the first takes memory
    times: list[int] = []
    stop_ns = now_ns() + _COUNT_BUDGET_NS
    while not times or (len(times) < _MAX_RUNS and now_ns() < stop_ns):
        _, started_ns, finished_ns = engine.run(batch)
        times.append(finished_ns - started_ns)
    return len(batch) * SECOND_NS / max(1, min(times))


def warm_up(
    detector: Detector, on_bucket: Callable[[int], None] | None = None, *, budget_ns: int = 5 * SECOND_NS
) -> dict[int, list[int]]:
    """Run every batch size a few times, the largest first, and measure it.

    The largest comes first so that memory is taken once; the pictures are noise, because zeros are quicker on some
    devices. Each bucket is run once unmeasured, then at least twice, however small the budget is.

    Args:
        detector: Not used by anyone else meanwhile.
        on_bucket: Called with each bucket before its runs, to show progress.
        budget_ns: No run beyond the needed ones begins after this time; default 5 s.

    Returns:
        For each bucket, rising, what the device took for each measured run, in nanoseconds.

    Raises:
        DeviceError: a run failed; the largest bucket may not fit the device's memory.

    """
    fit = detector.spec.fit
    random = np.random.default_rng(0)
    frames = [
        Prepared(random.integers(0, 256, (fit.height, fit.width, 3), np.uint8), plan_resize(fit, fit.width, fit.height))
        for _ in range(min(4, detector.buckets[-1]))
    ]
    deadline_ns = now_ns() + budget_ns
    times: dict[int, list[int]] = {}
    for done, bucket in enumerate(reversed(detector.buckets)):
        if on_bucket is not None:
            on_bucket(bucket)
        batch = [frames[place % len(frames)] for place in range(bucket)]
        share_ns = (deadline_ns - now_ns()) // (len(detector.buckets) - done)
        stop_ns = now_ns() + share_ns
        detector.detect(batch)
        measured: list[int] = []
        while len(measured) < _MIN_RUNS or (len(measured) < _MAX_RUNS and now_ns() < stop_ns):
            result = detector.detect(batch)
            measured.append(result.finished_ns - result.started_ns)
        times[bucket] = measured
    return dict(sorted(times.items()))
