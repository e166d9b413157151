"""From a model's path and a device's name to a `Detector` that is proven and warm: file, spec, engine, joined here."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.clock import SECOND_NS, now_ns
from framebatch.detection.detector import Detector, Engine
from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.invariance import blobs, why_not_in_batches
from framebatch.detection.manifest import read_manifest
from framebatch.detection.recognition import recognise
from framebatch.device.engine import OnnxEngine, run_once
from framebatch.device.graph import InputFormat
from framebatch.device.model_file import ModelFile, read_model_file
from framebatch.device.program import build_program
from framebatch.device.simulated import SimulatedEngine
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from framebatch.detection.headers import Limits
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.devices import Device

__all__ = ["inspect_model", "load_detector", "warm_up"]

log = logging.getLogger(__name__)

MAX_BATCH_PROCESSOR: Final = 8
MAX_BATCH_ACCELERATOR: Final = 32
MAX_BATCH_SIMULATED: Final = 64
_MIN_RUNS: Final = 2
_MAX_RUNS: Final = 10


def inspect_model(path: Path) -> ModelSpec:
    """Find out how the model at `path` must be fed and read, without loading it on a device.

    Raises:
        ModelError: it cannot be served; says why, and which manifest key settles it.

    """
    model = read_model_file(path)
    return recognise(model, read_manifest(path), lambda width, height: _probe(model, width, height))


def load_detector(
    path: Path,
    *,
    device: Device,
    max_batch: int | None = None,
    threads: int | None = None,
    confidence: float | None = None,
    iou: float | None = None,
    limits: Limits | None = None,
) -> Detector:
    """Load the model at `path` on `device`.

    Args:
        path: Of the ONNX file; a manifest of the same name with the suffix .toml may lie beside it.
        device: Where to run it.
        max_batch: The largest batch, where the model takes batches of any size; None: 8 on a processor, where more
            only adds latency, 32 on an accelerator, 64 on a simulated one.
        threads: How many threads one batch may use on a processor; None: as many as there are.
        confidence: Threshold in place of the model's own, 0 to 1.
        iou: Overlap in place of the model's own, 0 to 1.
        limits: How large a picture may be.

    Raises:
        ModelError: the model cannot be served.
        DeviceError: the device cannot be used.

    """
    model = read_model_file(path)
    spec = recognise(model, read_manifest(path), lambda width, height: _probe(model, width, height))
    given: dict[str, Any] = {
        key: value for key, value in (("confidence", confidence), ("iou", iou)) if value is not None
    }
    spec = dataclasses.replace(spec, **given)
    form = InputFormat(
        name=spec.input_name,
        width=spec.input_width,
        height=spec.input_height,
        batch_size=spec.batch_size,
        scale=spec.scale,
        mean=spec.mean,
        std=spec.std,
        dtype=spec.input_dtype,
    )
    if device.kind == "sim":
        return Detector(spec, _simulate(model, spec, device), max_batch=max_batch or MAX_BATCH_SIMULATED, limits=limits)
    engine = _open(model, form, device, threads)
    log.info("%s: %s, %d x %d, on %s", spec.name, spec.family, spec.input_width, spec.input_height, engine.device)
    if max_batch is None:
        max_batch = MAX_BATCH_PROCESSOR if engine.provider == "CPUExecutionProvider" else MAX_BATCH_ACCELERATOR
    if spec.batch_size is None and max_batch > 1:
        reason = why_not_in_batches(engine, spec, model)
        if reason is not None:
            log.warning("%s: frames are run one by one, not in batches: %s", spec.name, reason)
            spec = dataclasses.replace(spec, batch_size=1)
    return Detector(spec, engine, max_batch=max_batch, limits=limits)


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


def _open(model: ModelFile, form: InputFormat, device: Device, threads: int | None) -> OnnxEngine:
    """Load with the conversion of pictures inside the graph; where that fails, say so and convert on the host."""
    try:
        return OnnxEngine(build_program(model, form), device, threads=threads)
    except (ModelError, ValueError) as error:
        log.warning("%s: pictures are converted on the host, not in the graph: %s", model.path.name, error)
    try:
        return OnnxEngine(build_program(model, form, pictures_in=False), device, threads=threads)
    except ModelError as error:
        raise ModelError(f"model {model.path}: {error}") from error


def _simulate(model: ModelFile, spec: ModelSpec, device: Device) -> Engine:
    shapes: list[tuple[int, ...]] = []
    for output in model.outputs:
        axes = output.shape[1:]
        if None in axes:
            axes = _probe(model, spec.input_width, spec.input_height)[0].shape[1:]
        shapes.append(tuple(axis or 0 for axis in axes))
    return SimulatedEngine(alpha_ns=device.alpha_ns, beta_ns=device.beta_ns, output_shapes=shapes, noise=device.noise)


def _probe(model: ModelFile, width: int, height: int) -> list[npt.NDArray[Any]]:
    """Run the model as it is, once, on made-up pictures of samples 0 to 1."""
    pictures = blobs(model.inputs[0].shape[0] or 1, width, height).transpose(0, 3, 1, 2) / np.float32(255)
    return run_once(model, pictures.astype(model.inputs[0].dtype))
