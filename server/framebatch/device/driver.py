"""What the CUDA driver says of its GPUs before anybody uses them: the one door to libcuda, by ctypes.

The driver counts GPUs as CUDA does (`CUDA_VISIBLE_DEVICES`, `CUDA_DEVICE_ORDER`), needs no context for these questions,
and so takes none of a GPU's memory. Nothing is computed or copied here; that is `device.cuda`.
"""

from __future__ import annotations

import ctypes
import uuid
from functools import cache
from typing import Any, Final, NamedTuple

__all__ = ["CudaDriver", "GpuFacts", "cuda_driver"]

_INTEGRATED: Final = 18  # CU_DEVICE_ATTRIBUTE_INTEGRATED
_LONGEST_NAME: Final = 100
_UUID_BYTES: Final = 16

_INT: Final = ctypes.c_int
_TEXT: Final = ctypes.c_char_p
_INT_OUT: Final = ctypes.POINTER(_INT)
_CALLS: Final[dict[str, list[Any]]] = {
    "cuInit": [ctypes.c_uint],
    "cuDriverGetVersion": [_INT_OUT],
    "cuDeviceGet": [_INT_OUT, _INT],
    "cuDeviceGetName": [_TEXT, _INT, _INT],
    "cuDeviceGetPCIBusId": [_TEXT, _INT, _INT],
    "cuDeviceGetUuid_v2": [_TEXT, _INT],
    "cuDeviceGetAttribute": [_INT_OUT, _INT, _INT],
}


class GpuFacts(NamedTuple):
    """Which GPU an index means."""

    name: str
    """E.g. `NVIDIA H200`."""
    uuid: str
    """Of the GPU, or of the part of it that is used (MIG), without the word in front; empty where it has none."""
    bus_id: str
    """On the PCI bus, e.g. `0000:3B:00.0`; empty where it has none."""
    integrated: bool
    """Whether it shares the host's memory, as on a Jetson."""


class CudaDriver:
    """The driver's library, with each function's types declared. Calls may come from any thread."""

    def __init__(self, library: Any) -> None:
        """Declare the types, and start the driver for this process.

        Args:
            library: What `ctypes.CDLL` answered.

        Raises:
            OSError: it is not the CUDA driver, is too old, or finds no GPU.

        """
        try:
            self._functions = {name: getattr(library, name) for name in _CALLS}
        except AttributeError as error:
            raise OSError(f"not a CUDA driver of version 11.4 or newer: {error}") from error
        for name, types in _CALLS.items():
            self._functions[name].argtypes = types
            self._functions[name].restype = _INT
        if not self._done("cuInit", 0):
            raise OSError("the CUDA driver finds no GPU")

    def __repr__(self) -> str:
        return f"<CudaDriver for CUDA {self.version()}>"

    def version(self) -> str:
        """The newest CUDA that it can serve, e.g. `13.0`; empty where it does not say."""
        found = _INT()
        if not self._done("cuDriverGetVersion", ctypes.byref(found)):
            return ""
        return f"{found.value // 1000}.{found.value % 1000 // 10}"

    def gpu(self, index: int) -> GpuFacts | None:
        """Answer which GPU CUDA's `index` means; None: there is none of this index."""
        device, integrated = _INT(), _INT()
        if not self._done("cuDeviceGet", ctypes.byref(device), index):
            return None
        name, bus_id = ctypes.create_string_buffer(_LONGEST_NAME), ctypes.create_string_buffer(_LONGEST_NAME)
        octets = ctypes.create_string_buffer(_UUID_BYTES)
        named = self._done("cuDeviceGetName", name, _LONGEST_NAME, device)
        self._done("cuDeviceGetPCIBusId", bus_id, _LONGEST_NAME, device)
        identified = self._done("cuDeviceGetUuid_v2", octets, device)
        self._done("cuDeviceGetAttribute", ctypes.byref(integrated), _INTEGRATED, device)
        return GpuFacts(
            name.value.decode(errors="replace") if named else "GPU",
            str(uuid.UUID(bytes=octets.raw)) if identified and any(octets.raw) else "",
            bus_id.value.decode(errors="replace"),
            bool(integrated.value),
        )

    def _done(self, name: str, *arguments: Any) -> bool:
        return not int(self._functions[name](*arguments))


@cache
def cuda_driver() -> CudaDriver | None:
    """Find the driver's library; None where there is none, or no GPU."""
    try:
        return CudaDriver(ctypes.CDLL("libcuda.so.1"))
    except OSError:
        return None
