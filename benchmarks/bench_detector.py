"""What does a frame cost in the detector, and how near is it to onnxruntime by itself? Decoding is left out.

    bench_detector.py                            the bundled model, batches of 1, 4 and 8
    bench_detector.py --model PATH --batches 1,8 other models (may be given several times)

First table: one model in three forms. `host`: the host converts pictures to float32 and reads all outputs. `plain`: pictures
go to the device as uint8, all outputs come back. `fused`: the device selects the best candidates, too. What the columns
count is told in `variants.Cost`.

Second table: `Detector.detect` against `session.run` alone, in onnxruntime's own settings and with as many threads, in turns, the
median of the turns. `program`: the very graph that the detector runs. `file`: the model's own file on float32 input that is ready.
"""

from __future__ import annotations

import argparse
import functools
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import variants

from framebatch.detection.imaging import use_one_thread_per_picture
from framebatch.detection.loading import load_detector
from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine
from framebatch.device.graph import PICTURES, convert_on_host
from framebatch.device.options import EngineOptions
from framebatch_models import find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.detection.detector import Detector

ROUNDS: Final = 7
TURNS: Final = 21


def bucket_sizes(detector: Detector, wanted: Sequence[int]) -> list[int]:
    """The batches that a model runs."""
    return [size for size in wanted if detector.spec.batch_size in {None, size}] or [detector.buckets[-1]]


def forms(detector: Detector, batches: Sequence[int], threads: int, seconds: float) -> None:
    """Print the first table."""
    print(f"\n{detector.spec.name}: a frame in three forms, on {detector.device}")
    print("| batch | form | bytes to the device | bytes back | host CPU, ms | all CPU, ms | wall, ms |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    options = EngineOptions(threads=threads)
    for size in batches:
        batch = variants.frames(detector, size)
        engines = {
            name: OnnxEngine(program, Device(kind="cpu"), options=options, max_batch=size)
            for name, program in variants.programs(detector).items()
        }
        costs: dict[str, list[variants.Cost]] = {name: [] for name in engines}
        first = variants.cost(engines["plain"], detector, batch, fused=False, runs=1)
        runs = max(1, round(seconds * 1000 / (first.wall_ms * size)))
        for _ in range(ROUNDS):
            for name, engine in engines.items():
                costs[name].append(variants.cost(engine, detector, batch, fused=name == "fused", runs=runs))
        for name, found in costs.items():
            median = variants.Cost(*(statistics.median(column) for column in zip(*found, strict=True)))
            print(
                f"| {size} | {name} | {median.bytes_in:,.0f} | {median.bytes_out:,.0f} | {median.host_ms:.3f} | "
                f"{median.cpu_ms:.2f} | {median.wall_ms:.2f} |"
            )


def served_over_raw(detector: Detector, batches: Sequence[int], threads: int, seconds: float) -> None:
    """Print the second table."""
    print(f"\n{detector.spec.name}: detector over onnxruntime alone; 1.00 is as quick")
    print("| batch | detector, frames/s | over program | over file |")
    print("| ---: | ---: | ---: | ---: |")
    program = variants.engine_of(detector).program
    opened = program.batch_size is None
    for size in batches:
        batch = variants.frames(detector, size)
        images = variants.stacked(batch)
        host = convert_on_host(images, program.form)
        calls: dict[str, Callable[[], Any]] = {
            "detector": functools.partial(detector.detect, batch),
            "program": variants.raw_call(program.content, {PICTURES: images} if program.pictures_in else host, threads),
        }
        file = variants.programs(detector)["host"].content if opened else str(detector.spec.path)
        calls["file"] = variants.raw_call(file, host, threads)
        times = variants.in_turns(calls, rounds=TURNS, seconds=seconds / 3)
        rate = size / statistics.median(times["detector"])
        ratios = [variants.over(times[name], times["detector"]) for name in ("program", "file")]
        print(f"| {size} | {rate:.1f} | {ratios[0]:.3f} | {ratios[1]:.3f} |")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, action="append", help="an ONNX file (default: the bundled model)")
    parser.add_argument("--batches", default="1,4,8", help="batch sizes (default: 1,4,8)")
    parser.add_argument("--threads", type=int, default=2, help="threads a batch may use (default: 2)")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="a measurement's length (default: 1; each is taken several times)"
    )
    options = parser.parse_args()
    use_one_thread_per_picture()
    wanted = [int(size) for size in options.batches.split(",")]
    for path in options.model or [find("conveyor")]:
        detector = load_detector(path, device=Device(kind="cpu"), threads=options.threads, max_batch=max(wanted))
        sizes = bucket_sizes(detector, wanted)
        forms(detector, sizes, options.threads, options.seconds)
        served_over_raw(detector, sizes, options.threads, options.seconds)
        detector.close()


if __name__ == "__main__":
    main()
