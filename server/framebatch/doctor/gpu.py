"""Checks of NVIDIA's driver and the GPUs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.doctor.finding import Finding, bytes_text, note, ok, problem

if TYPE_CHECKING:
    from framebatch.doctor.facts import Gpu, Nvidia

__all__ = ["check_driver", "check_gpu"]

_NEEDED: Final = {12: 525, 13: 580}
"""The oldest branch of the driver by CUDA's major version (NVIDIA's CUDA compatibility guide, minor version compatibility)."""
_LITTLE_SHARE: Final = 0.1


def check_driver(nvidia: Nvidia, runtime_cuda: str) -> Finding | None:
    """Whether the driver is there and new enough; None on a host without NVIDIA.

    Args:
        nvidia: what there is.
        runtime_cuda: the CUDA that onnxruntime was built for; empty: for none.
    """
    if not nvidia.cuda:
        return _without_driver(nvidia, wanted=bool(runtime_cuda) or nvidia.wanted is not None)
    needed, found = _major(runtime_cuda), _major(nvidia.cuda)
    version = f"NVIDIA driver {nvidia.driver}".rstrip()
    if needed > found:
        branch = f" ({_NEEDED[needed]} or newer)" if needed in _NEEDED else ""
        return problem(
            "driver",
            f"{version} serves CUDA {nvidia.cuda}, and onnxruntime was built for CUDA {runtime_cuda}",
            f"install a driver for CUDA {needed}{branch}, or an onnxruntime-gpu for CUDA {found}",
        )
    reach = f", enough for onnxruntime's CUDA {runtime_cuda}" if runtime_cuda else ""
    return ok("driver", f"{version} serves CUDA {nvidia.cuda}{reach}")


def _without_driver(nvidia: Nvidia, *, wanted: bool) -> Finding | None:
    if not (nvidia.on_bus or nvidia.driver):
        return None
    what = (
        f"the kernel has NVIDIA's driver {nvidia.driver}, and its library finds no GPU for this process"
        if nvidia.driver
        else "an NVIDIA adapter is on the bus, and no driver is loaded for it"
    )
    remedy = (
        "in a container: start it with the GPU (docker run --gpus all, NVIDIA container toolkit); else look at CUDA_VISIBLE_DEVICES"
        if nvidia.driver
        else f"install NVIDIA's driver, {_NEEDED[13]} or newer for CUDA 13"
    )
    return (problem if wanted else note)("driver", what, remedy)


def check_gpu(index: int, gpu: Gpu) -> Finding:
    """How much of a GPU's memory is free."""
    topic = f"cuda:{index}"
    if gpu.free_bytes is None or gpu.total_bytes is None:
        return ok(topic, f"{gpu.name}; its memory is not told")
    busy = f", {gpu.processes} other process{'es' if gpu.processes > 1 else ''} on it" if gpu.processes else ""
    found = f"{gpu.name}, {bytes_text(gpu.free_bytes)} of {bytes_text(gpu.total_bytes)} free{busy}"
    if gpu.free_bytes < _LITTLE_SHARE * gpu.total_bytes:
        return note(topic, found, "see with nvidia-smi who takes it; batches will be small, or the model will not load")
    return ok(topic, found)


def _major(version: str) -> int:
    first = version.partition(".")[0]
    return int(first) if first.isdigit() else 0
