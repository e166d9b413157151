"""Checks of what is installed: Python, onnxruntime, and whether its providers really load. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.doctor.finding import Finding, note, ok, problem

if TYPE_CHECKING:
    from framebatch.device.trial import Runtime
    from framebatch.doctor.facts import Nvidia, Software

__all__ = ["check_cuda", "check_processor_provider", "check_python", "check_runtimes", "check_tensorrt"]

_OLDEST: Final = (3, 11)
_CPU: Final = "CPUExecutionProvider"
_CUDA: Final = "CUDAExecutionProvider"
_TENSORRT: Final = "TensorrtExecutionProvider"
_CPU_ONLY: Final = "pip uninstall onnxruntime; pip install 'framebatch[gpu]'"
_NO_GPU: Final = "set device = cpu, or make the GPU visible (e.g. docker run --gpus all, CUDA_VISIBLE_DEVICES)"


def check_python(found: tuple[int, int, int]) -> Finding:
    """Whether it is new enough."""
    text = ".".join(map(str, found))
    if found[:2] < _OLDEST:
        return problem("python", f"Python {text} is too old", "install Python 3.11 or newer")
    return ok("python", f"Python {text}")


def check_runtimes(software: Software) -> Finding:
    """Whether exactly one distribution brings onnxruntime, and it can be imported."""
    names = [f"{name} {version}" for name, version in software.runtimes]
    if not names and not software.runtime.version:
        return problem(
            "onnxruntime", "onnxruntime is not installed", "pip install 'framebatch[cpu]', or 'framebatch[gpu]'"
        )
    if len(names) > 1:
        installed = " ".join(name for name, _ in software.runtimes)
        return problem(
            "onnxruntime",
            f"{' and '.join(names)} overwrite each other's files",
            f"pip uninstall {installed}; then pip install 'framebatch[gpu]', or 'framebatch[cpu]'",
        )
    if not software.runtime.version:
        return problem(
            "onnxruntime",
            f"{names[0]} cannot be used: {software.runtime.error}",
            "install it anew: pip install --force-reinstall 'framebatch[cpu]', or 'framebatch[gpu]'",
        )
    return ok("onnxruntime", names[0] if names else f"onnxruntime {software.runtime.version}")


def check_processor_provider(runtime: Runtime) -> Finding | None:
    """Whether the processor computes; None where there is no onnxruntime to ask."""
    failure = runtime.failure(_CPU)
    if failure is None:
        return None
    if failure:
        return problem("cpu", f"onnxruntime does not compute: {failure}", "install onnxruntime anew")
    return ok("cpu", "onnxruntime computes on the processor")


def check_cuda(runtime: Runtime, nvidia: Nvidia) -> Finding | None:
    """Whether CUDA really loads where it is listed, and is listed where there is a GPU; None where neither is the case."""
    failure = runtime.failure(_CUDA)
    verdict = note if nvidia.wanted is None else problem
    if failure and nvidia.gpus:
        return problem(
            "cuda",
            f"onnxruntime lists CUDA, and it does not load: {failure}",
            "install its libraries: pip install 'onnxruntime-gpu[cuda,cudnn]'; until then --device auto computes on the processor",
        )
    if failure:
        return verdict("cuda", "onnxruntime is built for CUDA, and no GPU can be used", _NO_GPU)
    if failure is None and nvidia.gpus and runtime.version:
        return verdict("cuda", "there is a GPU, and this onnxruntime computes on the processor only", _CPU_ONLY)
    if nvidia.wanted is not None and nvidia.wanted >= len(nvidia.gpus):
        return problem(
            "cuda", f"the settings want cuda:{nvidia.wanted}, and this process sees {len(nvidia.gpus)} GPUs", _NO_GPU
        )
    if failure == "":
        return ok("cuda", "onnxruntime computes on the GPU: a session's own provider is CUDA")
    return None


def check_tensorrt(runtime: Runtime, *, wanted: bool) -> Finding | None:
    """Whether TensorRT loads; None where nobody asks for it and it does not."""
    failure = runtime.failure(_TENSORRT)
    if failure == "":
        return ok("tensorrt", 'TensorRT loads, for provider = "tensorrt"')
    if not wanted:
        return None
    why = failure or "this onnxruntime does not know it"
    return problem(
        "tensorrt",
        f'the settings have provider = "tensorrt", and it does not load: {why}',
        'install TensorRT 10 (libnvinfer.so.10), or set provider = "cuda"',
    )
