"""The CUDA runtime's calls carried out on the processor, through C's calling convention: no GPU is needed.

It stands where `ctypes.CDLL("libcudart.so")` would. Addresses "on the device" are addresses of this process.
"""

from __future__ import annotations

import ctypes
from typing import Any

P, S, N, U = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint
OUT = ctypes.POINTER(P)
SIZE_OUT = ctypes.POINTER(S)
FLOAT_OUT = ctypes.POINTER(ctypes.c_float)


class FakeCuda:
    """What a library object is to `CudaRuntime`.

    Attributes:
        refusals: Codes that the next calls of a function answer, in order; 0 lets one succeed.
        calls: Names of the calls that were made.
        taken: Memory of the device and of the host that was not given back.
        registered: Sizes of the pieces of memory that are locked now, by address.
        bytes_copied: By all copies; a byte takes the GPU a microsecond, which is its clock.
    """

    def __init__(self, *, free_bytes: int = 3_000_000_000, total_bytes: int = 8_000_000_000) -> None:
        self.refusals: dict[str, list[int]] = {}
        self.calls: list[str] = []
        self.taken: dict[int, Any] = {}
        self.registered: dict[int, int] = {}
        self.last_error = 0
        self.bytes_copied = 0
        self._recorded: dict[int, int] = {}
        self._sizes = free_bytes, total_bytes
        for name, result, types in (
            ("cudaSetDevice", N, [N]),
            ("cudaMalloc", N, [OUT, S]),
            ("cudaFree", N, [P]),
            ("cudaHostAlloc", N, [OUT, S, U]),
            ("cudaFreeHost", N, [P]),
            ("cudaHostRegister", N, [P, S, U]),
            ("cudaHostUnregister", N, [P]),
            ("cudaMemcpyAsync", N, [P, P, S, N, P]),
            ("cudaStreamCreateWithFlags", N, [OUT, U]),
            ("cudaStreamSynchronize", N, [P]),
            ("cudaStreamDestroy", N, [P]),
            ("cudaEventCreate", N, [OUT]),
            ("cudaEventRecord", N, [P, P]),
            ("cudaEventElapsedTime", N, [FLOAT_OUT, P, P]),
            ("cudaEventDestroy", N, [P]),
            ("cudaMemGetInfo", N, [SIZE_OUT, SIZE_OUT]),
            ("cudaGetLastError", N, []),
            ("cudaGetErrorString", P, [N]),
        ):
            setattr(self, name, ctypes.CFUNCTYPE(result, *types)(self._called(name)))
        self._text = ctypes.create_string_buffer(b"out of memory")

    def _called(self, name: str) -> Any:
        body = getattr(self, "_" + name, lambda *_: 0)

        def call(*arguments: Any) -> int:
            self.calls.append(name)
            code = self.refusals[name].pop(0) if self.refusals.get(name) else 0
            if code:
                self.last_error = code
                return code
            return int(body(*arguments))

        return call

    def _take(self, found: Any, size: int) -> int:
        piece = ctypes.create_string_buffer(size)
        found[0] = ctypes.addressof(piece)
        self.taken[ctypes.addressof(piece)] = piece
        return 0

    def _cudaMalloc(self, found: Any, size: int) -> int:  # noqa: N802 - CUDA's names
        return self._take(found, size)

    def _cudaHostAlloc(self, found: Any, size: int, _: int) -> int:  # noqa: N802
        return self._take(found, size)

    def _cudaStreamCreateWithFlags(self, found: Any, _: int) -> int:  # noqa: N802
        return self._take(found, 1)

    def _cudaEventCreate(self, found: Any) -> int:  # noqa: N802
        return self._take(found, 1)

    def _cudaEventRecord(self, event: int, _: int) -> int:  # noqa: N802
        self._recorded[event] = self.bytes_copied
        return 0

    def _cudaEventElapsedTime(self, milliseconds: Any, first: int, last: int) -> int:  # noqa: N802
        milliseconds[0] = (self._recorded[last] - self._recorded[first]) / 1000
        return 0

    def _cudaFree(self, address: int) -> int:  # noqa: N802
        return self.taken.pop(address, None) is None

    _cudaFreeHost = _cudaFree  # noqa: N815
    _cudaStreamDestroy = _cudaFree  # noqa: N815
    _cudaEventDestroy = _cudaFree  # noqa: N815

    def _cudaHostRegister(self, address: int, size: int, _: int) -> int:  # noqa: N802
        self.registered[address] = size
        return 0

    def _cudaHostUnregister(self, address: int) -> int:  # noqa: N802
        return self.registered.pop(address, None) is None

    def _cudaMemcpyAsync(self, target: int, source: int, size: int, *_: Any) -> int:  # noqa: N802
        ctypes.memmove(target, source, size)
        self.bytes_copied += size
        return 0

    def _cudaMemGetInfo(self, free: Any, total: Any) -> int:  # noqa: N802
        free[0], total[0] = self._sizes
        return 0

    def _cudaGetLastError(self) -> int:  # noqa: N802
        code, self.last_error = self.last_error, 0
        return code

    def _cudaGetErrorString(self, _: int) -> int:  # noqa: N802
        return ctypes.addressof(self._text)
