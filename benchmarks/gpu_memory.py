"""Sections of gpu_check.py: what happens when the device's memory runs out, and does any leak?"""

from __future__ import annotations

import itertools
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import variants

from framebatch.detection.loading import load_detector
from framebatch.device.cuda import CudaMemory, cuda_runtime
from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine
from framebatch.device.memory import device_memory
from framebatch.device.options import EngineOptions
from framebatch.device.simulated import SimulatedEngine
from framebatch.errors import DeviceError, DeviceMemoryError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from gpu_check import Run

MEGABYTE: Final = 1 << 20
LADDER: Final = (4096, 2048, 1024, 512, 256, 128, 64)
SIZES: Final = (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
BATCHES: Final = 20_000
LONGEST_SECONDS: Final = 110
FLAT_BYTES: Final = 64 * MEGABYTE


class Hog:
    """Another program that takes the device's memory."""

    def __init__(self, run: Run) -> None:
        runtime = cuda_runtime()
        assert runtime is not None, "no CUDA runtime"
        self._memory = CudaMemory(runtime, run.device.index)
        self._device = run.device
        self._taken: list[int] = []

    def leave(self, left_bytes: int) -> None:
        """Take all but so much, in pieces, because free memory need not lie together."""
        piece = 1024 * MEGABYTE
        while piece >= 4 * MEGABYTE:
            memory = device_memory(self._device)
            assert memory is not None
            if memory.free_bytes - piece < left_bytes:
                piece //= 2
                continue
            try:
                self._taken.append(self._memory.allocate(piece))
            except DeviceMemoryError:
                piece //= 2

    def release(self) -> None:
        """Give all of it back."""
        while self._taken:
            self._memory.release(self._taken.pop())


class PretendedHog:
    """Takes the memory of a simulated device, of which a frame needs ten megabytes."""

    def __init__(self, engine: SimulatedEngine) -> None:
        self._engine = engine

    def leave(self, left_bytes: int) -> None:
        """Leave room for so many frames."""
        self._engine._capacity = max(1, left_bytes // (10 * MEGABYTE))  # noqa: SLF001 - nobody else takes memory there

    def release(self) -> None:
        """Leave room for all."""
        self._engine._capacity = None  # noqa: SLF001 - as above


def ladder(run: Run) -> dict[str, Any]:
    """Less and less memory: each failure must say that it is out of memory, and smaller batches must run after it."""
    detector = load_detector(run.models[-1], device=Device(kind="cpu"), max_batch=1)
    some = variants.stacked(variants.frames(detector, SIZES[0]))
    forms = variants.programs(detector)
    detector.close()
    engine: OnnxEngine | SimulatedEngine
    hog: Hog | PretendedHog
    if run.gpu:
        program = forms.get("fused", forms["plain"])
        engine, hog = OnnxEngine(program, run.device, options=EngineOptions(), max_batch=SIZES[0]), Hog(run)
    else:
        engine = SimulatedEngine(alpha_ns=1, beta_ns=1, output_shapes=[(1,)])
        hog = PretendedHog(engine)
    found: dict[str, Any] = {"steps": []}
    wrong: list[str] = []
    engine.run(some)
    run.say(
        "| memory left, MiB | reopened | largest batch | out of memory | other failures |\n| ---: | --- | ---: | ---: | --- |"
    )
    for left in LADDER:
        step = _step(engine, hog, some, left)
        found["steps"].append(step)
        run.say(
            f"| {left} | {step['reopened']} | {step['largest']} | {step['out_of_memory']} | "
            f"{'; '.join(step['others']) or '-'} |"
        )
        wrong += step["others"]
    hog.release()
    engine.reopen()
    engine.run(some)
    run.say(f"\nall memory free again: a batch of {len(some)} runs")
    engine.close()
    if wrong:
        found["missed"] = f"{len(wrong)} failures were not recognised: {wrong[0]}"
    elif not any(step["out_of_memory"] for step in found["steps"]):
        found["missed"] = "memory never ran out: the ladder proves nothing"
    return found


def _step(
    engine: OnnxEngine | SimulatedEngine, hog: Hog | PretendedHog, some: npt.NDArray[np.uint8], left: int
) -> dict[str, Any]:
    """With so many MiB left: open anew, then try sizes from the largest down until one runs, and once more after it."""
    hog.release()
    engine.close()
    step: dict[str, Any] = {"left": left, "reopened": "yes", "largest": 0, "out_of_memory": 0, "others": []}
    engine.reopen()
    hog.leave(left * MEGABYTE)
    for size in SIZES:
        try:
            engine.run(some[:size])
            engine.run(some[:size])
        except DeviceMemoryError:
            step["out_of_memory"] += 1
        except DeviceError as error:
            step["others"].append(f"{size}: {error}")
        else:
            step["largest"] = size
            break
    try:  # what recovery does, under the same pressure
        engine.reopen()
    except DeviceMemoryError:
        step["reopened"] = "out of memory"
    except DeviceError as error:
        step["reopened"] = "no"
        step["others"].append(str(error))
    return step


def flat(run: Run) -> dict[str, Any]:
    """Batches of mixed sizes from two threads: memory of the device and of this process before and after."""
    sizes: tuple[int, ...] = (1, 2, 3, 4, 6, 8)
    wanted = 300 if run.quick else BATCHES
    detector = load_detector(run.models[0], device=run.device, max_batch=sizes[-1])
    some = variants.frames(detector, sizes[-1])
    sizes = tuple(size for size in sizes if size <= detector.buckets[-1])
    for _ in range(20):
        for size in sizes:
            detector.detect(some[:size])
    before = _memory(run)
    numbers = itertools.count()
    done: list[int] = []
    stop_at = time.monotonic() + min(LONGEST_SECONDS, run.left_seconds)
    halfway: list[dict[str, int]] = []

    def work() -> None:
        choose = random.Random(threading.get_ident())  # noqa: S311 - a benchmark needs no secrecy
        while (number := next(numbers)) < wanted and time.monotonic() < stop_at:
            detector.detect(some[: choose.choice(sizes)])
            done.append(number)
            if number == wanted // 2:
                halfway.append(_memory(run))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = _memory(run)
    detector.close()
    found: dict[str, Any] = {"batches": len(done), "before": before, "halfway": halfway, "after": after}
    growth = {name: after[name] - before[name] for name in before}
    run.say(
        f"- {len(done)} batches; growth in MiB: { {name: round(size / MEGABYTE, 1) for name, size in growth.items()} }"
    )
    if max(growth.values()) > FLAT_BYTES:
        found["missed"] = "memory grew"
    elif len(done) < wanted:
        found["missed"] = f"only {len(done)} of {wanted} batches in the time; memory was flat"
    return found


def _memory(run: Run) -> dict[str, int]:
    """Bytes in use: of this process, and of the device by all processes."""
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
    memory = device_memory(run.device) if run.gpu else None
    return {"process": resident} | ({"device": memory.total_bytes - memory.free_bytes} if memory else {})
