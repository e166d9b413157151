"""What onnxruntime computes with: which provider is tried, with which options, and whether it really loaded.

Sessions are opened here and run elsewhere. What the options mean is told in docs/devices.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import onnxruntime

from framebatch.device.driver import cuda_driver
from framebatch.device.failures import device_error, reason
from framebatch.device.graph import PICTURES
from framebatch.device.host import Host
from framebatch.device.processor import Processor
from framebatch.errors import DeviceError, DeviceMemoryError, ModelError
from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.device.devices import Device
    from framebatch.device.options import EngineOptions
    from framebatch.device.program import Program

__all__ = [
    "CPU",
    "CUDA",
    "TENSORRT",
    "Opened",
    "cuda_options",
    "device_name",
    "machine_facts",
    "open_session",
    "runtime_version",
    "tensorrt_options",
    "threads_of",
]

log = logging.getLogger(__name__)

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"
TENSORRT: Final = "TensorrtExecutionProvider"
_SPIN_MICROSECONDS: Final = "200"
_ERRORS_ONLY: Final = 3
_GPU_WORDS: Final = ("cuda", "cudnn", "cublas", "tensorrt", "libnv", "gpu")


class Opened(NamedTuple):
    """A session, and what computes in it."""

    session: Any
    provider: str


def open_session(
    program: Program, device: Device, options: EngineOptions, *, max_batch: int, graphs: bool = False
) -> Opened:
    """Load a program where it was asked for; on `auto`, where no GPU can be used, on the processor, and say so.

    Args:
        program: What to load.
        device: Of kind `auto`, `cpu` or `cuda`.
        options: How.
        max_batch: The largest batch that will be run.
        graphs: Whether CUDA graphs are to be captured; where they cannot, that is an error on every device.

    Raises:
        ModelError: onnxruntime cannot load the program.
        DeviceMemoryError: its weights do not fit.
        DeviceError: the GPU or the provider that was asked for cannot be used.

    """
    wanted = _wanted(device, options)
    if wanted == CPU:
        return Opened(_open(program, [CPU], options), CPU)
    providers: list[Any] = [(CUDA, cuda_options(device.index, options, graphs=graphs)), CPU]
    if wanted == TENSORRT:  # what it cannot compute, CUDA does
        providers.insert(0, (TENSORRT, tensorrt_options(device.index, options, program, max_batch)))
    try:
        session = _open(program, providers, options)
        found = session.get_providers()[0]
        if found == wanted:
            return Opened(session, found)
        why = f"{wanted} did not load: its libraries are missing or do not fit the driver; see the messages above"
    except DeviceMemoryError:
        raise
    except DeviceError as error:
        why = str(error)
    if graphs:
        raise DeviceError(why)
    if device.kind == "cuda" or options.provider != "auto":
        raise DeviceError(f"--device {device}: {why}; make it work, or use --device cpu")
    log.warning("%s; using the processor instead", why, extra=event("device.fell_back", reason=why))
    return Opened(_open(program, [CPU], options), CPU)


def device_name(device: Device, options: EngineOptions, provider: str) -> str:
    """Name what computes, for people: the kind of processor or GPU, and how it is used."""
    if provider == CPU:
        threads = threads_of(options)
        return f"cpu ({Processor(Host()).name()}, {threads} thread{'s' if threads > 1 else ''})"
    return f"cuda:{device.index} ({_gpu_name(device.index)}{', TensorRT' if provider == TENSORRT else ''})"


def machine_facts() -> list[str]:
    """Answer what an answer's last bits, and how quick it is, depend on here besides the model and the options."""
    return [
        onnxruntime.__version__,
        *onnxruntime.get_available_providers(),
        Processor(Host()).name(),
        str(len(os.sched_getaffinity(0))),
    ]


def runtime_version() -> str:
    """Answer onnxruntime's version."""
    return str(onnxruntime.__version__)


def threads_of(options: EngineOptions) -> int:
    """Answer how many threads a batch may use on a processor."""
    return options.threads or len(os.sched_getaffinity(0))


def _wanted(device: Device, options: EngineOptions) -> str:
    """Answer which provider to try; whether it really loads shows only once the session is there."""
    if device.kind == "cpu":
        return CPU
    wanted = TENSORRT if options.provider == "tensorrt" else CUDA
    if wanted in onnxruntime.get_available_providers():
        _load_libraries()
        return wanted
    if device.kind == "cuda" or options.provider != "auto":
        raise DeviceError(
            f"--device {device}: this onnxruntime has no {wanted}; install framebatch[gpu] instead of framebatch[cpu], "
            "or use --device cpu"
        )
    _say_missing(wanted)
    return CPU


@cache
def _say_missing(provider: str) -> None:
    """Once, though many sessions are opened before a server is ready."""
    log.info(
        "no %s in this onnxruntime; using the processor",
        provider,
        extra=event("device.provider_missing", provider=provider),
    )


@cache
def _load_libraries() -> None:
    """Load the CUDA libraries that pip installed. onnxruntime prints on stdout what it misses; results belong there."""
    with contextlib.redirect_stdout(sys.stderr):
        onnxruntime.preload_dlls()


def _open(program: Program, providers: list[Any], options: EngineOptions) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = _ERRORS_ONLY
    settings.intra_op_num_threads = threads_of(options)
    settings.inter_op_num_threads = 1
    # Threads that wait spin for a moment, which bridges the gaps between a network's operators: sleeping and waking there
    # costs a tenth of the throughput. Spinning for long would take the processor from the decoders between batches.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "1")
    settings.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_MICROSECONDS)
    settings.add_session_config_entry("session.model_external_initializers_file_folder_path", str(program.folder))
    try:
        # Without fallback: else onnxruntime would go on with another provider, after a line on stdout.
        return onnxruntime.InferenceSession(program.content, settings, providers=providers, enable_fallback=0)
    except Exception as error:
        failure = device_error(error, "the model cannot be loaded")
        gpu = providers[0] != CPU and any(word in str(error).lower() for word in _GPU_WORDS)
        if gpu or isinstance(failure, DeviceMemoryError):
            raise failure from error
        raise ModelError(f"the model cannot be loaded by onnxruntime: {reason(error)}") from error


def cuda_options(index: int, options: EngineOptions, *, graphs: bool) -> dict[str, str]:
    """Answer the options of the CUDA provider, by onnxruntime's names for them.

    Copies stay in the stream of the computation (`do_copy_in_default_stream`, its default): in another stream
    onnxruntime does not order them after what they wait for. No stream of ours is given to it
    (`user_compute_stream`): what it computes is awaited by the host, batch by batch, so nothing needs that order.
    """
    chosen = {
        "device_id": str(index),
        "arena_extend_strategy": "kSameAsRequested",  # doubling would take memory that other models need
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "cudnn_conv_use_max_workspace": "1",
        "use_tf32": str(int(options.tf32)),
        "enable_cuda_graph": str(int(graphs)),
    }
    if options.memory_limit_bytes is not None:
        chosen["gpu_mem_limit"] = str(options.memory_limit_bytes)
    return chosen


def tensorrt_options(index: int, options: EngineOptions, program: Program, max_batch: int) -> dict[str, str]:
    """Answer the options of the TensorRT provider: one engine for all batch sizes, best at the largest.

    Engines are kept in a folder named after the program and the precision. onnxruntime's own names for them do not
    tell two trainings of one network apart.
    """
    chosen = {"device_id": str(index), "trt_fp16_enable": str(int(options.fp16))}
    if program.batch_size is None:
        rows = _rows(program)
        for bound, count in (("min", 1), ("opt", max_batch), ("max", max_batch)):
            shapes = (f"{name}:{'x'.join(map(str, (count, *row)))}" for name, row in rows.items())
            chosen[f"trt_profile_{bound}_shapes"] = ",".join(shapes)
    if options.cache_dir is None:
        log.warning(
            "TensorRT builds its engines anew at each start, for minutes; give it a folder to keep them in",
            extra=event("device.engines_not_kept"),
        )
        return chosen
    key = hashlib.sha256(program.content + repr((options.fp16, options.tf32, max_batch)).encode()).hexdigest()
    folder = options.cache_dir / "tensorrt" / key[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return chosen | {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder.parent),
    }


def _rows(program: Program) -> dict[str, tuple[int, ...]]:
    """The shape of each input for one frame."""
    form = program.form
    if program.pictures_in:
        return {PICTURES: (form.height, form.width, 3)}
    extras = {name: value.shape[1:] for name, value in form.extras.items()}
    return {form.name: (3, form.height, form.width), **extras}


def _gpu_name(index: int) -> str:
    """Ask the driver, which counts GPUs as CUDA does."""
    driver = cuda_driver()
    facts = driver.gpu(index) if driver else None
    return facts.name if facts else "GPU"
