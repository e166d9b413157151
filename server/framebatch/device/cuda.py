"""The calls of the CUDA runtime that copying beside onnxruntime needs: the one door to libcudart, by ctypes.

What is copied and when is decided in `device.binding`. Every call fails with the runtime's own words, and leaves no
error behind for onnxruntime to find: the runtime keeps a thread's last error until somebody asks for it.
"""

from __future__ import annotations

import ctypes
import logging
import math
import threading
import weakref
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.clock import ms_to_ns
from framebatch.device.failures import device_error
from framebatch.errors import DeviceError, DeviceMemoryError
from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["CudaMemory", "CudaRuntime", "cuda_runtime", "pin"]

log = logging.getLogger(__name__)

_LIBRARY: Final = "libcudart.so"
_VERSIONS: Final = (13, 12)
_OUT_OF_MEMORY: Final = 2  # cudaErrorMemoryAllocation
_TO_DEVICE: Final = 1  # cudaMemcpyHostToDevice
_TO_HOST: Final = 2  # cudaMemcpyDeviceToHost
_ALL_CONTEXTS: Final = 1  # cudaHostAllocPortable, cudaHostRegisterPortable
_OWN_ORDER: Final = 1  # cudaStreamNonBlocking: does not wait for the default stream, nor make it wait

_POINTER: Final = ctypes.c_void_p
_SIZE: Final = ctypes.c_size_t
_CALLS: Final[dict[str, list[Any]]] = {
    "cudaSetDevice": [ctypes.c_int],
    "cudaMalloc": [ctypes.POINTER(_POINTER), _SIZE],
    "cudaFree": [_POINTER],
    "cudaHostAlloc": [ctypes.POINTER(_POINTER), _SIZE, ctypes.c_uint],
    "cudaFreeHost": [_POINTER],
    "cudaHostRegister": [_POINTER, _SIZE, ctypes.c_uint],
    "cudaHostUnregister": [_POINTER],
    "cudaMemcpyAsync": [_POINTER, _POINTER, _SIZE, ctypes.c_int, _POINTER],
    "cudaStreamCreateWithFlags": [ctypes.POINTER(_POINTER), ctypes.c_uint],
    "cudaStreamSynchronize": [_POINTER],
    "cudaStreamDestroy": [_POINTER],
    "cudaEventCreate": [ctypes.POINTER(_POINTER)],
    "cudaEventRecord": [_POINTER, _POINTER],
    "cudaEventElapsedTime": [ctypes.POINTER(ctypes.c_float), _POINTER, _POINTER],
    "cudaEventDestroy": [_POINTER],
    "cudaMemGetInfo": [ctypes.POINTER(_SIZE), ctypes.POINTER(_SIZE)],
    "cudaGetLastError": [],
}


class CudaRuntime:
    """The library, with each function's types declared: without them ctypes would cut addresses to 32 bits.

    Calls release the interpreter lock, and may come from any thread.
    """

    def __init__(self, library: Any) -> None:
        """Declare the types.

        Args:
            library: What `ctypes.CDLL` answered.

        Raises:
            AttributeError: it is not the CUDA runtime.

        """
        self._functions = {name: getattr(library, name) for name in _CALLS}
        for name, types in _CALLS.items():
            self._functions[name].argtypes = types
            self._functions[name].restype = ctypes.c_int
        self._describe = library.cudaGetErrorString
        self._describe.argtypes = [ctypes.c_int]
        self._describe.restype = ctypes.c_char_p

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function.

        Raises:
            DeviceMemoryError: there is no memory left for it.
            DeviceError: anything else; says what the runtime says.

        """
        code = self._functions[name](*arguments)
        if code:
            self._functions["cudaGetLastError"]()
            kind = DeviceMemoryError if code == _OUT_OF_MEMORY else DeviceError
            raise kind(f"{name} failed with CUDA error {code}: {self._describe(code).decode(errors='replace')}")

    def address(self, name: str, *arguments: Any) -> int:
        """Call a function that writes an address to its first argument, and answer that address.

        Raises:
            DeviceMemoryError: there is no memory left for it.
            DeviceError: anything else.

        """
        found = _POINTER()
        self.call(name, ctypes.byref(found), *arguments)
        return found.value or 0

    def memory(self, index: int) -> tuple[int, int]:
        """Answer how many bytes of GPU `index` are free, and how many it has.

        Raises:
            DeviceError: there is no such GPU.

        """
        free, total = _SIZE(), _SIZE()
        self.call("cudaSetDevice", index)
        self.call("cudaMemGetInfo", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value


def cuda_runtime() -> CudaRuntime | None:
    """Find the runtime library: the one that this process has loaded already, else one on the loader's path.

    Ask when onnxruntime has loaded its provider, so that both use the same copy. None where there is none.
    """
    try:
        return _find_runtime()
    except OSError:
        return None


@cache
def _find_runtime() -> CudaRuntime:
    names = [f"{_LIBRARY}.{version}" for version in _VERSIONS]
    try:
        mapped = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if _LIBRARY in line]
    except OSError:
        mapped = []
    for name in [*mapped[:1], *names]:
        try:
            return CudaRuntime(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    raise OSError(f"no {_LIBRARY}")


class CudaMemory:
    """Memory of one GPU and page-locked memory of the host, and copies between the two that the GPU does by itself."""

    kind: Final = "cuda"

    def __init__(self, runtime: CudaRuntime, index: int) -> None:
        """Use GPU `index` of `runtime`."""
        self.index: Final = index
        self._runtime = runtime

    def __repr__(self) -> str:
        return f"<CudaMemory cuda:{self.index}>"

    def allocate(self, size_bytes: int) -> int:
        """Take memory of the device.

        Returns:
            Its address there.

        Raises:
            DeviceMemoryError: there is not so much.

        """
        self._here()
        return self._runtime.address("cudaMalloc", max(size_bytes, 1))

    def release(self, address: int) -> None:
        """Give back what `allocate` answered."""
        self._here()
        self._runtime.call("cudaFree", address)

    def host_array(self, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Take page-locked memory of the host; `release_host` gives it back.

        Raises:
            DeviceMemoryError: the host has no more that can be locked.

        """
        size = max(math.prod(shape) * np.dtype(dtype).itemsize, 1)
        self._here()
        address = self._runtime.address("cudaHostAlloc", size, _ALL_CONTEXTS)
        content = (ctypes.c_ubyte * size).from_address(address)
        return np.ndarray(tuple(shape), dtype, memoryview(content).cast("B"))

    def release_host(self, array: npt.NDArray[Any]) -> None:
        """Give back what `host_array` answered; the array must not be touched afterwards."""
        self._runtime.call("cudaFreeHost", array.ctypes.data)

    def open_stream(self) -> int:
        """Begin an order of copies of its own, beside the one that onnxruntime computes in."""
        self._here()
        return self._runtime.address("cudaStreamCreateWithFlags", _OWN_ORDER)

    def close_stream(self, stream: int) -> None:
        """End it."""
        self._runtime.call("cudaStreamDestroy", stream)

    def copy_in(self, address: int, array: npt.NDArray[Any], stream: int) -> None:
        """Start copying a C-contiguous array to the device; while that runs the array must neither change nor go.

        From pinned memory the GPU does it alone; from other memory the processor copies to a pinned place first.
        """
        self._here()
        self._runtime.call("cudaMemcpyAsync", address, array.ctypes.data, array.nbytes, _TO_DEVICE, stream)

    def copy_out(self, array: npt.NDArray[Any], address: int, stream: int) -> None:
        """Start copying from the device into a C-contiguous array."""
        self._here()
        self._runtime.call("cudaMemcpyAsync", array.ctypes.data, address, array.nbytes, _TO_HOST, stream)

    def wait(self, stream: int) -> None:
        """Block until the copies of a stream are done, without the interpreter lock."""
        self._runtime.call("cudaStreamSynchronize", stream)

    def open_mark(self) -> int:
        """Take an event."""
        self._here()
        return self._runtime.address("cudaEventCreate")

    def close_mark(self, mark: int) -> None:
        """Give it back."""
        self._runtime.call("cudaEventDestroy", mark)

    def set_mark(self, mark: int, stream: int) -> None:
        """Record the event in the stream."""
        self._here()
        self._runtime.call("cudaEventRecord", mark, stream)

    def between_marks_ns(self, first: int, last: int) -> int:
        """Answer the GPU's time between two events that were passed, to about half a microsecond.

        Raises:
            DeviceError: one of them was not passed yet.

        """
        milliseconds = ctypes.c_float()
        self._runtime.call("cudaEventElapsedTime", ctypes.byref(milliseconds), first, last)
        return ms_to_ns(milliseconds.value)

    def _here(self) -> None:
        """Which GPU is meant is a matter of each thread; telling it again costs nothing."""
        self._runtime.call("cudaSetDevice", self.index)


_pinned: Final[dict[int, int]] = {}
_pinned_lock: Final = threading.RLock()  # a finalizer may run in the middle of a call
_told: Final = threading.Event()


def pin(runtime: CudaRuntime, array: npt.NDArray[Any]) -> bool:
    """Lock an array's pages into memory, so that a GPU can copy from it without the processor.

    They stay locked for as long as the array object lives, whoever uses it: engines come and go, and one that is
    closed must not take from another what both were given. Pinning twice does no harm. Where it cannot be done,
    copying is slower and nothing else changes; the first time is logged.

    Args:
        runtime: The CUDA runtime.
        array: C-contiguous, and a whole allocation: pieces of one allocation would have to be locked one by one.

    Returns:
        Whether it is locked now.

    """
    address, size = array.ctypes.data, array.nbytes
    with _pinned_lock:
        if _pinned.get(address, 0) >= size:
            return True
        try:
            runtime.call("cudaHostRegister", address, size, _ALL_CONTEXTS)
        except DeviceError as error:
            if not _told.is_set():
                _told.set()
                why = device_error(error, f"{size} bytes are not pinned, and are copied more slowly")
                log.warning("%s", why, extra=event("memory.not_pinned", bytes=size, reason=why))
            return False
        _pinned[address] = size
    weakref.finalize(array, _unpin, runtime, address).atexit = False  # when all ends, the driver does it
    return True


def _unpin(runtime: CudaRuntime, address: int) -> None:
    with _pinned_lock:
        _pinned.pop(address, None)
        try:
            runtime.call("cudaHostUnregister", address)
        except DeviceError as error:
            log.warning("%s", error, extra=event("memory.not_unpinned", reason=error))
