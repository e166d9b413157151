"""A model on a device: one onnxruntime session, its provider, its lock. uint8 pictures in, float32 arrays out.

What the arrays mean is unknown here. onnxruntime's exceptions end here.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime

from framebatch.clock import now_ns
from framebatch.device.graph import PICTURES, convert_on_host
from framebatch.errors import DeviceError, ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from framebatch.device.devices import Device
    from framebatch.device.model_file import ModelFile
    from framebatch.device.program import Program

__all__ = ["OnnxEngine", "run_once"]

log = logging.getLogger(__name__)

_CPU: Final = "CPUExecutionProvider"
_CUDA: Final = "CUDAExecutionProvider"
_ERRORS_ONLY: Final = 3
_NOTHING: Final = 4


class OnnxEngine:
    """One model, loaded on one device.

    `run` may be called from several threads; batches are run one after the other, in no promised order among those
    that wait. After `close` it must not be called.
    """

    simulated: Final = False

    def __init__(self, program: Program, device: Device, *, threads: int | None = None) -> None:
        """Load a program.

        Args:
            program: What to run.
            device: Of kind `auto`, `cpu` or `cuda`.
            threads: How many threads one batch may use on a processor; None: as many as there are processors.

        Raises:
            ModelError: onnxruntime cannot load the program.
            DeviceError: the GPU that was asked for cannot be used.

        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; it must be at least 1")
        self._program = program
        self._threads = threads or len(os.sched_getaffinity(0))
        self._lock = threading.Lock()
        self._batches = 0
        self.provider = _choose_provider(device)
        self._session = self._open(device)
        if self.provider == _CUDA and self._session.get_providers()[0] != _CUDA:
            reason = f"{_CUDA} did not load: CUDA or cuDNN is missing or does not fit the driver"
            if device.kind == "cuda":
                raise DeviceError(f"--device {device}: {reason}; see the messages above, or use --device cpu")
            log.warning("%s; using the processor instead", reason)
            self.provider = _CPU
        self.device = self._name(device)
        self._run_options = onnxruntime.RunOptions()
        self._run_options.log_severity_level = _NOTHING  # what fails is raised, and need not be printed too
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __repr__(self) -> str:
        where = "graph" if self._program.pictures_in else "host"
        return f"<OnnxEngine {self.device}, input conversion in the {where}, {self._batches} batches run>"

    def run(self, images: npt.NDArray[np.uint8]) -> tuple[list[npt.NDArray[Any]], int, int]:
        """Run one batch; blocks until it is done.

        Args:
            images: uint8 (b, H, W, 3), C-contiguous, in the model's colour order. Only read, and not kept.

        Returns:
            The program's outputs, b first, 16-bit ones as float32, and when the device started and finished
            (`clock.now_ns`).

        Raises:
            DeviceError: the run failed. Another batch may succeed.

        """
        inputs = {PICTURES: images} if self._program.pictures_in else convert_on_host(images, self._program.form)
        with self._lock:
            started_ns = now_ns()
            try:
                outputs = self._session.run(self._outputs, inputs, self._run_options)
            except Exception as error:  # onnxruntime has a dozen unrelated exception types
                raise DeviceError(f"{self.device} failed on a batch of {len(images)}: {_reason(error)}") from error
            finished_ns = now_ns()
            self._batches += 1
        return [_widened(output) for output in outputs], started_ns, finished_ns

    def close(self) -> None:
        """Give the device's memory back, once no run is under way. Calling it twice does no harm."""
        with self._lock:
            self._session = None

    def _open(self, device: Device) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # A thread that spins for work takes the processor from the threads that decode.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        folder = str(self._program.folder)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        providers: list[Any] = [_CPU]
        if self.provider == _CUDA:
            providers.insert(0, (_CUDA, {"device_id": str(device.index)}))
        try:
            return onnxruntime.InferenceSession(self._program.content, options, providers=providers)
        except Exception as error:
            raise ModelError(f"the model cannot be loaded by onnxruntime: {_reason(error)}") from error

    def _name(self, device: Device) -> str:
        if self.provider == _CUDA:
            return f"cuda:{device.index} ({_gpu_name(device.index)})"
        return f"cpu ({_processor_name()}, {self._threads} thread{'s' if self._threads > 1 else ''})"


def _widened(output: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return output.astype(np.float32) if output.dtype == np.float16 else output


def run_once(model: ModelFile, image: npt.NDArray[np.floating[Any]]) -> list[npt.NDArray[Any]]:
    """Run a model as it is on the processor, once, to see what comes out: slow to set up, nothing is kept.

    Args:
        model: The file; it must have one input.
        image: What that input wants.

    Raises:
        ModelError: it cannot be loaded or does not take this input.

    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(str(model.path), options, providers=[_CPU])
        return [np.asarray(output) for output in session.run(None, {model.inputs[0].name: image})]
    except Exception as error:
        raise ModelError(f"model {model.path} does not run on an input of {image.shape}: {_reason(error)}") from error


def _choose_provider(device: Device) -> str:
    """Answer which provider to try; whether it really loads shows only once the session is there."""
    if device.kind == "cpu":
        return _CPU
    if _CUDA in onnxruntime.get_available_providers():
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installed
        return _CUDA
    if device.kind == "cuda":
        raise DeviceError(
            f"--device {device}: this onnxruntime has no {_CUDA}; install framebatch[gpu] instead of framebatch[cpu], "
            "or use --device cpu"
        )
    log.info("no %s in this onnxruntime; using the processor", _CUDA)
    return _CPU


def _reason(error: Exception) -> str:
    """The first line of what a library says, for messages of one line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return os.uname().machine


def _gpu_name(index: int) -> str:
    """Ask the driver, which counts GPUs as CUDA does."""
    name = ctypes.create_string_buffer(100)
    handle = ctypes.c_int()
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        failed = driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(handle), index)
        failed = failed or driver.cuDeviceGetName(name, len(name), handle)
    except (OSError, AttributeError):
        failed = 1
    return "GPU" if failed else name.value.decode(errors="replace")
