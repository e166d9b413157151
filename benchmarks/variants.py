"""What the benchmarks of detectors share: frames to run, one model in several forms, calls timed in turns."""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnxruntime
import pictures

from framebatch.detection.reading import read_batch
from framebatch.detection.selection import selection
from framebatch.device.engine import OnnxEngine
from framebatch.device.graph import PICTURES, convert_on_host
from framebatch.device.model_file import read_model_file
from framebatch.device.program import Program, build_program
from framebatch.frame import EncodedPicture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from framebatch.detection.detector import Detector
    from framebatch.detection.imaging import Prepared

__all__ = ["FORMS", "Cost", "cost", "engine_of", "frames", "in_turns", "over", "programs", "raw_call", "stacked"]

FORMS = ("host", "plain", "fused")
"""float32 pictures in and all outputs back; uint8 pictures in and all outputs back; uint8 in and candidates back."""


def engine_of(detector: Detector) -> OnnxEngine:
    """The engine behind a detector that is not simulated."""
    engine = detector._engine  # noqa: SLF001 - a benchmark looks inside
    assert isinstance(engine, OnnxEngine)
    return engine


def frames(detector: Detector, count: int, photos: Sequence[Path] = ()) -> list[Prepared]:
    """Prepare `count` frames of photos, or of conveyor scenes, in one piece of memory, as decoders leave them."""
    content = [photo.read_bytes() for photo in photos] or pictures.scenes(min(count, 8))
    prepared = [detector.prepare(EncodedPicture(content[place % len(content)])) for place in range(count)]
    store = np.stack([frame.pixels for frame in prepared])
    detector.pin(store)
    return [frame._replace(pixels=store[slot], slot=slot, store=store) for slot, frame in enumerate(prepared)]


def stacked(batch: Sequence[Prepared]) -> npt.NDArray[np.uint8]:
    """The pixels of a batch, uint8 (b, H, W, 3), where they lie."""
    store = batch[0].store
    assert store is not None
    return store[: len(batch)]


def programs(detector: Detector) -> dict[str, Program]:
    """The detector's model in each of `FORMS` that it has, with the batch axis as the detector has it."""
    model, own = read_model_file(detector.spec.path), engine_of(detector).program
    opened = own.batch_size is None and model.inputs[0].shape[0] is not None
    found = {
        "host": build_program(model, own.form, pictures_in=False, open_batch=opened),
        "plain": build_program(model, own.form, open_batch=opened),
    }
    session = onnxruntime.InferenceSession(found["plain"].content, providers=["CPUExecutionProvider"])
    one = np.zeros((own.batch_size or 1, own.form.height, own.form.width, 3), np.uint8)
    chosen = selection(detector.spec, session.run(None, {PICTURES: one}))
    try:
        found["fused"] = build_program(model, own.form, select=chosen, open_batch=opened)
    except ValueError as error:
        print(f"{detector.spec.name} has no fused form: {error}")
    return found


class Cost(NamedTuple):
    """What a batch costs, for each frame of it."""

    bytes_in: float
    """To the device."""
    bytes_out: float
    """From the device."""
    host_ms: float
    """CPU time, user and system, of the host's own work: converting pictures and reading outputs, suppression included."""
    cpu_ms: float
    """CPU time of the whole process from pixels to detections: the above, copies, and what the device computes if it is
    this processor."""
    wall_ms: float
    """From pixels to detections."""


def cost(engine: OnnxEngine, detector: Detector, batch: Sequence[Prepared], *, fused: bool, runs: int) -> Cost:
    """Run a batch `runs` times and answer the mean."""
    images, geometries = stacked(batch), [frame.geometry for frame in batch]
    feeds = {PICTURES: images} if engine.program.pictures_in else convert_on_host(images, engine.program.form)
    outputs, _, _ = engine.run(images)
    host_ns = 0
    cpu_ns, wall_ns = time.process_time_ns(), time.perf_counter_ns()
    for _ in range(runs):
        outputs, _, _ = engine.run(images)
        began_ns = time.thread_time_ns()
        read_batch(outputs, geometries, detector.spec, fused=fused)
        host_ns += time.thread_time_ns() - began_ns
    wall_ns, cpu_ns = time.perf_counter_ns() - wall_ns, time.process_time_ns() - cpu_ns
    if not engine.program.pictures_in:  # inside engine.run, where it cannot be told apart: once more by itself
        began_ns = time.thread_time_ns()
        for _ in range(runs):
            convert_on_host(images, engine.program.form)
        host_ns += time.thread_time_ns() - began_ns
    total = runs * len(batch)
    bytes_in, bytes_out = (sum(array.nbytes for array in arrays) / len(batch) for arrays in (feeds.values(), outputs))
    return Cost(bytes_in, bytes_out, host_ns / total / 1e6, cpu_ns / total / 1e6, wall_ns / total / 1e6)


def raw_call(content: bytes | str, feeds: Mapping[str, npt.NDArray[Any]], threads: int) -> Callable[[], Any]:
    """Onnxruntime by itself on the processor, in its own settings: a call that runs one batch and looks at nothing."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, dict(feeds))


def in_turns(calls: Mapping[str, Callable[[], Any]], *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Time calls in turns, so that a machine whose speed drifts is the same to all.

    Args:
        calls: By name.
        rounds: How many turns each gets.
        seconds: How long a turn takes, about.

    Returns:
        A call's mean time in each turn, in seconds. What was measured in the same turn is best compared.

    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    repeats = {}
    for name, call in calls.items():
        call()
        began = time.perf_counter()
        call()
        repeats[name] = max(1, round(seconds / (time.perf_counter() - began)))
    gc.collect()
    for turn in range(rounds):
        names = list(calls) if turn % 2 else list(calls)[::-1]
        for name in names:
            began = time.perf_counter()
            for _ in range(repeats[name]):
                calls[name]()
            times[name].append((time.perf_counter() - began) / repeats[name])
    return times


def over(first: Sequence[float], second: Sequence[float]) -> float:
    """The median over the turns of the first's time over the second's."""
    return statistics.median(one / other for one, other in zip(first, second, strict=True))
