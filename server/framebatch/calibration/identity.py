"""What a profile's figures hold for, as found on this machine: shared by who measures and who serves.

Finding it out is cheap and measures nothing. Telling two fingerprints apart is `framebatch.profile`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.device.meter import device_identity
from framebatch.device.providers import CPU, TENSORRT, runtime_version, threads_of
from framebatch.profile import Fingerprint

if TYPE_CHECKING:
    from framebatch.detection.detector import Detector
    from framebatch.device.devices import Device
    from framebatch.device.options import EngineOptions

__all__ = ["fingerprint_of"]

_NO_LIMIT: Final = "none"


def fingerprint_of(detector: Detector, device: Device, options: EngineOptions) -> Fingerprint:
    """Answer what figures of this detector hold for.

    Args:
        detector: Loaded; nothing is run.
        device: Where it was asked to run; of kind `auto` too, because the detector knows what computes.
        options: How it was asked to run. The number of threads is the one really used, measured or not.

    """
    spec = detector.spec
    simulated = detector.simulated
    name, driver = device_identity(device, detector.provider)
    return Fingerprint(
        device=name,
        driver=driver,
        runtime="simulated" if simulated else f"onnxruntime {runtime_version()}",
        provider=detector.provider,
        options={} if simulated else _options(detector, options),
        model_sha256=spec.sha256,
        input_width=spec.input_width,
        input_height=spec.input_height,
        precision=spec.precision,
    )


def _options(detector: Detector, options: EngineOptions) -> dict[str, str]:
    """Those that change speed or memory on what computes, as text."""
    if detector.provider == CPU:
        return {"threads": str(detector.report.threads or threads_of(options))}
    limit = options.memory_limit_bytes
    chosen = {"tf32": _flag(options.tf32), "memory_limit_bytes": _NO_LIMIT if limit is None else str(limit)}
    if detector.provider == TENSORRT:
        return {**chosen, "fp16": _flag(options.fp16)}
    return {**chosen, "cuda_graph": _flag(options.cuda_graph)}


def _flag(chosen: bool) -> str:  # noqa: FBT001 - the one value it is about
    return "yes" if chosen else "no"
