"""From a model's path and a device's name to a `Detector` that is proven: the story of how a model gets onto a device.

    read the file, and recognise the model
    plain      run it as it is, on the processor; a model that fails even there is refused
    fused      select the best candidates inside the graph; equal to plain, or it is not used
    opened     make a fixed batch axis open; single frames are answered as before, or it is not used
    batches    on the device, at every size: each frame is answered as alone, or frames are run one by one
    threads    on a processor, as many as help

What came of it, and why, is told by `Detector.report` and in the log, and is kept for the next start.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from framebatch.detection.detector import Detector
from framebatch.detection.manifest import read_manifest
from framebatch.detection.measuring import warm_up
from framebatch.detection.placing import load_program
from framebatch.detection.recognition import recognise
from framebatch.detection.remembered import Wanted
from framebatch.detection.scenes import scenes
from framebatch.device.devices import MAX_BATCH_SIMULATED
from framebatch.device.engine import run_once
from framebatch.device.model_file import ModelFile, read_model_file
from framebatch.device.options import EngineOptions
from framebatch.device.simulated import open_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from framebatch.detection.headers import Limits
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.devices import Device

__all__ = [
    "inspect_model",
    "load_detector",
    "recognise_model",
    "simulated_outputs",
    "warm_up",
]


def inspect_model(path: Path) -> ModelSpec:
    """Find out how the model at `path` must be fed and read, without loading it on a device.

    Raises:
        ModelError: it cannot be served; says why, and which manifest key settles it.

    """
    return recognise_model(path)[1]


def recognise_model(path: Path, **given: Any) -> tuple[ModelFile, ModelSpec]:
    """Read the file at `path`, and find out how it is fed and read.

    Args:
        path: As for `load_detector`.
        given: Fields of the `ModelSpec` in place of what was found; those that are None are not.

    Raises:
        ModelError: as for `inspect_model`.

    """
    model = read_model_file(path)
    spec = recognise(model, read_manifest(path), lambda width, height: _probe(model, width, height))
    return model, dataclasses.replace(spec, **{key: value for key, value in given.items() if value is not None})


def load_detector(
    path: Path,
    *,
    device: Device,
    options: EngineOptions | None = None,
    max_batch: int | None = None,
    threads: int | None = None,
    confidence: float | None = None,
    iou: float | None = None,
    limits: Limits | None = None,
    name: str | None = None,
    prove: Literal["once", "always"] = "once",
) -> Detector:
    """Load the model at `path` on `device`.

    Args:
        path: Of the ONNX file; a manifest of the same name with the suffix .toml may lie beside it.
        device: Where to run it.
        options: How to run it there.
        max_batch: The largest batch, where the model takes batches of any size; None: 8 on a processor, where more
            only adds latency, 32 on an accelerator, 64 on a simulated one.
        threads: In place of `options.threads`: how many threads one batch may use on a processor; None in both: as
            many as help, by measurement.
        confidence: Threshold in place of the model's own, 0 to 1.
        iou: Overlap in place of the model's own, 0 to 1.
        limits: How large a picture may be.
        name: What to call it; None: as its file.
        prove: `once` trusts what was proven at an earlier start with the same file on the same machine; `always` does
            not.

    Raises:
        ModelError: the model cannot be served, or fails even on one picture.
        DeviceError: the device cannot be used.

    """
    model, spec = recognise_model(path, confidence=confidence, iou=iou, name=name)
    if device.kind == "sim":
        engine = open_simulated(device, simulated_outputs(model, spec))
        return Detector(spec, engine, max_batch=max_batch or MAX_BATCH_SIMULATED, limits=limits)
    options = options or EngineOptions()
    wanted = Wanted(
        device, dataclasses.replace(options, threads=options.threads if threads is None else threads), max_batch
    )
    loaded = load_program(model, spec, wanted, prove=prove)
    spec = dataclasses.replace(spec, batch_size=loaded.report.batch_size)
    return Detector(spec, loaded.engine, max_batch=loaded.max_batch, limits=limits, report=loaded.report)


def simulated_outputs(model: ModelFile, spec: ModelSpec) -> list[tuple[int, ...]]:
    """Answer the shape of each output for one frame; what the file does not say is found by running it once."""
    shapes: list[tuple[int | None, ...]] = [output.shape[1:] for output in model.outputs]
    if any(None in shape for shape in shapes):
        answers = _probe(model, spec.input_width, spec.input_height, spec.extras)
        shapes = [answer.shape[1:] for answer in answers]
    return [tuple(axis or 0 for axis in shape) for shape in shapes]


def _probe(
    model: ModelFile, width: int, height: int, extras: Mapping[str, npt.NDArray[Any]] | None = None
) -> list[npt.NDArray[Any]]:
    """Run the model as it is, once, on made-up pictures of samples 0 to 1."""
    picture = next(tensor for tensor in model.inputs if tensor.name not in (extras or {}))
    pictures = scenes(picture.shape[0] or 1, width, height).transpose(0, 3, 1, 2) / np.float32(255)
    return run_once(model, pictures.astype(picture.dtype), extras)
