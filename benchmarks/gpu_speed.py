"""Sections of gpu_check.py: how quick is it, by precision and batch size, and how near to onnxruntime by itself?"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime
import variants

from framebatch.detection.difference import compare, together
from framebatch.detection.loading import load_detector
from framebatch.detection.reading import read_batch
from framebatch.device.convert import to_half
from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine
from framebatch.device.graph import convert_on_host
from framebatch.device.options import EngineOptions
from framebatch.device.providers import CPU, CUDA, cuda_options
from framebatch.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from gpu_check import Run

    from framebatch.detection.detector import Detector

BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64)
FEW: Final = (1, 2)
GOAL: Final = 0.90
ON_HOST: Final = Device(kind="cpu")
PLENTY_SECONDS: Final = 120


def by_bucket(run: Run) -> dict[str, Any]:
    """Frames a second of the fused form at each batch size: float32, TF32, half precision, each with CUDA graphs."""
    sizes = FEW if run.quick else BUCKETS
    found: dict[str, Any] = {}
    for path in run.models:
        with tempfile.TemporaryDirectory() as folder:
            half = Path(folder) / f"{path.stem}_half.onnx"
            to_half(path, half)
            detectors = {file: load_detector(file, device=ON_HOST, max_batch=1) for file in (path, half)}
            run.say(f"\n{path.stem}, frames/s by batch size; and what it does to detections\n")
            run.say(f"| form | {' | '.join(map(str, sizes))} | opened, s | box px | score | lost, gained |")
            run.say(f"| --- |{' ---: |' * (len(sizes) + 4)}")
            reference: list[Any] = []
            for name, file, options in (
                ("float32", path, EngineOptions()),
                ("TF32", path, EngineOptions(tf32=True)),
                ("float16", half, EngineOptions()),
                ("float32, graphs", path, EngineOptions(cuda_graph=True)),
                ("TF32, graphs", path, EngineOptions(tf32=True, cuda_graph=True)),
                ("float16, graphs", half, EngineOptions(cuda_graph=True)),
            ):
                row = _row(run, detectors[file], options, sizes)
                answers = row.pop("answers")
                reference = reference or answers
                moved = together(map(compare, reference, answers))
                row |= {"px": float(moved.box_px.max(initial=0)), "score": float(moved.score.max(initial=0))}
                row |= {"lost": moved.lost, "gained": moved.gained}
                found[f"{path.stem}, {name}"] = row
                rates = " | ".join(f"{row['rates'][size]:,.0f}" for size in sizes)
                run.say(
                    f"| {name} | {rates} | {row['opened']:.1f} | {row['px']:.2f} | {row['score']:.4f} | "
                    f"{row['lost']}, {row['gained']} |"
                )
            for detector in detectors.values():
                detector.close()
    return found


def _row(run: Run, detector: Detector, options: EngineOptions, sizes: Sequence[int]) -> dict[str, Any]:
    """One form at each size, the largest first; and its answers to a few pictures."""
    forms = variants.programs(detector)
    form = "fused" if "fused" in forms else "plain"
    began = time.perf_counter()
    engine = OnnxEngine(forms[form], run.device, options=options, max_batch=sizes[-1])
    opened = time.perf_counter() - began
    some = variants.frames(detector, sizes[-1], _photos(run))
    engine.pin(variants.stacked(some))
    rates = {}
    for size in reversed(sizes):
        images = variants.stacked(some[:size])
        for _ in range(3):
            engine.run(images)
        rates[size] = size / _mean_seconds(partial(engine.run, images), 0.05 if run.quick else 0.4)
    count = min(8, sizes[-1])
    outputs, _, _ = engine.run(variants.stacked(some[:count]))
    geometries = [frame.geometry for frame in some[:count]]
    answers = read_batch(outputs, geometries, detector.spec, fused=form == "fused")
    graphs = engine._graphs  # noqa: SLF001 - whether they were given up
    engine.close()
    return {"rates": rates, "opened": opened, "answers": answers, "graphs": graphs}


def served_over_raw(run: Run) -> dict[str, Any]:
    """`Detector.detect` from two threads, as the server calls it, over onnxruntime alone with its data on the device."""
    found: dict[str, Any] = {}
    missed = []
    sizes = FEW if run.quick else (1, 8, 32)
    run.say(
        "| model | batch | raw, frames/s | served, frames/s | served over raw |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for path in run.models:
        detector = load_detector(path, device=run.device, max_batch=sizes[-1])
        some = variants.frames(detector, 2 * sizes[-1], _photos(run))
        for size in (size for size in sizes if size <= detector.buckets[-1]):
            raw = _raw_on_device(run, detector, some[:size])
            batches = itertools.cycle([some[:size], some[size : 2 * size]])
            lock = threading.Lock()

            def detect(batches: Any = batches, lock: Any = lock, detector: Detector = detector) -> None:
                with lock:
                    batch = next(batches)
                detector.detect(batch)

            pairs = []
            for _ in range(2 if run.quick else 5):
                served = 1 / _mean_seconds(detect, 0.05 if run.quick else 0.4, threads=2)
                pairs.append((served * size, size / _mean_seconds(raw, 0.05 if run.quick else 0.4)))
            ratio = statistics.median(one / other for one, other in pairs)
            served, alone = (statistics.median(column) for column in zip(*pairs, strict=True))
            found[f"{path.stem}, {size}"] = {"raw": alone, "served": served, "ratio": ratio}
            run.say(f"| {path.stem} | {size} | {alone:,.0f} | {served:,.0f} | {ratio:.3f} |")
            if run.gpu and ratio < GOAL:
                missed.append(f"{path.stem} at {size}: {ratio:.2f}")
        detector.close()
    if missed:
        found["missed"] = f"goal {GOAL}: {', '.join(missed)}"
    return found


def _raw_on_device(run: Run, detector: Detector, batch: Any) -> Callable[[], Any]:
    """The model's own file, its float32 input and all outputs on the device before and after: nothing is copied."""
    program = variants.programs(detector)["host"]
    feeds = convert_on_host(variants.stacked(batch), program.form)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    options = cuda_options(run.device.index, EngineOptions(), graphs=False)
    session = onnxruntime.InferenceSession(
        program.content, settings, providers=[(CUDA, options), CPU] if run.gpu else [CPU]
    )
    where = ("cuda", run.device.index) if run.gpu else ("cpu", 0)
    binding = session.io_binding()
    for name, array in feeds.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), *where))
    for output in session.get_outputs():
        binding.bind_output(output.name, *where)
    return lambda: session.run_with_iobinding(binding)


def lanes(run: Run) -> dict[str, Any]:
    """Is the next batch copied while one computes? One thread against two, pinned memory against other memory."""
    found: dict[str, Any] = {}
    size = FEW[-1] if run.quick else 32
    run.say(f"batches of {size}, ms a batch\n")
    run.say(
        "| model | form | memory | computing | one lane | two lanes | hidden |\n| --- | --- | --- | ---: | ---: | ---: | ---: |"
    )
    for path in run.models:
        detector = load_detector(path, device=ON_HOST, max_batch=1)
        for name, program in variants.programs(detector).items():
            engine = OnnxEngine(program, run.device, options=EngineOptions(tf32=True), max_batch=size)
            for pinned in (False, True):
                images = variants.stacked(variants.frames(detector, size)).copy()
                if pinned:
                    engine.pin(images)
                for _ in range(3):
                    _, started_ns, finished_ns = engine.run(images)
                seconds = 0.05 if run.quick else 0.5
                one = _mean_seconds(partial(engine.run, images), seconds)
                two = _mean_seconds(partial(engine.run, images), seconds, threads=2)
                computing = (finished_ns - started_ns) / 1e9
                hidden = (one - two) / (one - computing) if one > 1.05 * computing else None  # else nothing is to hide
                memory = "pinned" if pinned else "pageable"
                found[f"{path.stem}, {name}, {memory}"] = {"computing": computing, "one": one, "two": two}
                run.say(
                    f"| {path.stem} | {name} | {memory} | {computing * 1e3:.2f} | {one * 1e3:.2f} | {two * 1e3:.2f} | "
                    f"{'-' if hidden is None else f'{hidden:.0%}'} |"
                )
            engine.close()
        detector.close()
    return found


def changing_sizes(run: Run) -> dict[str, Any]:
    """What does it cost to run another batch size than the one before? onnxruntime plans convolutions anew for it."""
    found: dict[str, Any] = {}
    sizes = FEW if run.quick else (8, 12)
    run.say(
        "| model | CUDA graphs | always the same, ms | in turns, ms | a change costs, ms |\n| --- | --- | ---: | ---: | ---: |"
    )
    for path in run.models:
        detector = load_detector(path, device=ON_HOST, max_batch=1)
        forms = variants.programs(detector)
        some = variants.frames(detector, sizes[-1])
        for graphs in (False, True):
            engine = OnnxEngine(
                forms.get("fused", forms["plain"]),
                run.device,
                options=EngineOptions(cuda_graph=graphs),
                max_batch=sizes[-1],
            )
            images = [variants.stacked(some[:size]) for size in sizes]
            for _ in range(3):
                for each in images:
                    engine.run(each)
            seconds = 0.05 if run.quick else 1.0
            same = statistics.mean(_mean_seconds(partial(engine.run, each), seconds) for each in images)
            turns = itertools.cycle(images)
            mixed = _mean_seconds(partial(_run_next, engine, turns), seconds)
            used = "yes" if graphs and engine._graphs else "no"  # noqa: SLF001 - whether they were given up
            found[f"{path.stem}, graphs {used}"] = {"same": same, "mixed": mixed}
            run.say(f"| {path.stem} | {used} | {same * 1e3:.2f} | {mixed * 1e3:.2f} | {(mixed - same) * 1e3:.2f} |")
            engine.close()
        detector.close()
    return found


def tensorrt(run: Run) -> dict[str, Any]:
    """TensorRT, where it loads: how long engines take to build, how quick they are, and whether they are kept."""
    if run.gpu and run.left_seconds < PLENTY_SECONDS:
        return {"not_here": "not enough time is left to build engines"}
    detector = load_detector(run.models[0], device=ON_HOST, max_batch=1)
    forms = variants.programs(detector)
    some = variants.frames(detector, 16)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        options = EngineOptions(provider="tensorrt", fp16=True, cache_dir=Path(folder))
        for turn in ("built", "kept"):
            began = time.perf_counter()
            try:
                device = run.device if run.gpu else Device(kind="auto")
                engine = OnnxEngine(forms.get("fused", forms["plain"]), device, options=options, max_batch=16)
            except DeviceError as error:
                return {"not_here": str(error)}
            engine.run(variants.stacked(some))
            found[turn] = time.perf_counter() - began
            rates = {
                size: size / _mean_seconds(partial(engine.run, variants.stacked(some[:size])), 0.4)
                for size in (16, 8, 1)
            }
            found["rates"] = rates
            run.say(f"- {turn}: ready after {found[turn]:.1f} s; frames/s by batch size {rates}")
            engine.close()
    return found


def _run_next(engine: OnnxEngine, turns: Iterator[npt.NDArray[np.uint8]]) -> None:
    engine.run(next(turns))


def _photos(run: Run) -> list[Path]:
    return sorted((run.assets / "images" / "coco").glob("*.jpg"))[:8] if run.assets else []


def _mean_seconds(call: Callable[[], Any], seconds: float, *, threads: int = 1) -> float:
    """How long a call takes on average, made again and again for about so long; of several threads, how long for each."""
    made = [0] * threads
    stop_at = time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < stop_at or not made[place]:
            call()
            made[place] += 1

    began = time.perf_counter()
    others = [threading.Thread(target=work, args=(place,)) for place in range(1, threads)]
    for thread in others:
        thread.start()
    work(0)
    for thread in others:
        thread.join()
    return (time.perf_counter() - began) / sum(made)
