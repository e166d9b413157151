"""A model that was recognised, built and proven once, so that other processes open it without doing that again.

Measuring opens one model dozens of times, each time in a fresh process; what they share is kept here. Between starts of
a server, `remembered` does something like it, with all the care that another day needs.
"""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from framebatch.detection.detector import Detector
from framebatch.device.devices import MAX_BATCH_SIMULATED, Device
from framebatch.device.engine import OnnxEngine
from framebatch.device.options import EngineOptions
from framebatch.device.providers import CPU
from framebatch.device.simulated import SimulatedEngine, open_simulated

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.report import LoadReport
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.program import Program

__all__ = ["OnDevice", "PreparedModel", "open_prepared", "prepare_model"]


class OnDevice(NamedTuple):
    """A model on its device."""

    detector: Detector
    """Owns the engine."""
    engine: OnnxEngine | SimulatedEngine
    """For questions that no detector answers."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PreparedModel:
    """All that opening needs.

    Attributes:
        spec: How the model is fed and read, with the batch size that is really run.
        report: How it was loaded.
        device: Where it really runs: never of kind `auto`.
        options: How, with the number of threads that was chosen on a processor.
        provider: What computes.
        program: What is run; None on a simulated device.
        output_shapes: Of each output for one frame, on a simulated device; else empty.
    """

    spec: ModelSpec
    report: LoadReport
    device: Device
    options: EngineOptions
    provider: str
    program: Program | None = None
    output_shapes: tuple[tuple[int, ...], ...] = ()

    def save(self, path: Path) -> None:
        """Write it to a file for another process of the same user and version; nobody else may be able to write there."""
        path.write_bytes(pickle.dumps(self))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `save` wrote; whoever can write that file can run code here."""
        prepared = pickle.loads(path.read_bytes())  # noqa: S301 - see above
        if not isinstance(prepared, cls):
            raise TypeError(f"{path} holds a {type(prepared).__name__}; it must hold a {cls.__name__}")
        return prepared


def prepare_model(
    path: Path, *, device: Device, options: EngineOptions | None = None, name: str | None = None
) -> tuple[PreparedModel, OnDevice]:
    """Load the model at `path` on `device` as a server does, and keep what came of it.

    Args:
        path: As for `loading.load_detector`.
        device: Where to run it.
        options: How to run it there.
        name: What to call it; None: as its file.

    Returns:
        What opens it again, and the model as it is loaded now; the caller closes the detector.

    Raises:
        ModelError: the model cannot be served, or fails even on one picture.
        DeviceError: the device cannot be used.

    """
    # Loading takes half a second of imports that opening does not need.
    from framebatch.detection import loading  # noqa: PLC0415
    from framebatch.detection.placing import load_program  # noqa: PLC0415
    from framebatch.detection.remembered import Wanted  # noqa: PLC0415

    options = options or EngineOptions()
    model, spec = loading.recognise_model(path, name=name)
    if device.kind == "sim":
        shapes = tuple(loading.simulated_outputs(model, spec))
        simulated = open_simulated(device, shapes)
        detector = Detector(spec, simulated, max_batch=MAX_BATCH_SIMULATED)
        prepared = PreparedModel(
            spec=spec,
            report=detector.report,
            device=device,
            options=options,
            provider=simulated.provider,
            output_shapes=shapes,
        )
        return prepared, OnDevice(detector, simulated)
    program, engine, max_batch, report = load_program(model, spec, Wanted(device, options, None))
    prepared = PreparedModel(
        spec=dataclasses.replace(spec, batch_size=report.batch_size),
        report=report,
        device=Device(kind="cpu") if engine.provider == CPU else dataclasses.replace(device, kind="cuda"),
        options=dataclasses.replace(options, threads=report.threads or options.threads),
        provider=engine.provider,
        program=program,
    )
    return prepared, OnDevice(Detector(prepared.spec, engine, max_batch=max_batch, report=report), engine)


def open_prepared(prepared: PreparedModel, *, max_batch: int, seed: int = 0) -> OnDevice:
    """Load it again; nothing is built, recognised or proven.

    Args:
        prepared: By `prepare_model`, in this process or another of this machine.
        max_batch: The largest batch that will be run, where the model takes batches of any size.
        seed: Of a simulated device's noise.

    Raises:
        ModelError: onnxruntime cannot load it any more.
        DeviceMemoryError: it does not fit the device's memory, or buffers for `max_batch` do not.
        DeviceError: the device cannot be used.

    """
    engine: OnnxEngine | SimulatedEngine
    if prepared.program is None:
        engine = open_simulated(prepared.device, prepared.output_shapes, seed=seed)
    else:
        engine = OnnxEngine(prepared.program, prepared.device, options=prepared.options, max_batch=max_batch)
    return OnDevice(Detector(prepared.spec, engine, max_batch=max_batch, report=prepared.report), engine)
