"""framebatch.device.driver: which GPU an index means, asked of a driver that is made up behind C's calling convention."""

from __future__ import annotations

import ctypes
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from framebatch.device.driver import CudaDriver, GpuFacts, cuda_driver

N, T, OUT = ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)
UUID = uuid.UUID("0a1b2c3d-0000-1111-2222-333344445555")


def library(*, gpus: int = 2, refused: tuple[str, ...] = (), integrated: int = 0) -> SimpleNamespace:
    """A driver of CUDA 13.0 with so many GPUs, which refuses some calls."""

    def write(target: Any, octets: bytes) -> int:
        ctypes.memmove(target, octets, len(octets))
        return 0

    def put(target: Any, value: int) -> int:
        target[0] = value
        return 0

    bodies: dict[str, tuple[list[Any], Any]] = {
        "cuInit": ([ctypes.c_uint], lambda _: 0),
        "cuDriverGetVersion": ([OUT], lambda found: put(found, 13000)),
        "cuDeviceGet": ([OUT, N], lambda found, index: put(found, index + 40) if index < gpus else 101),
        "cuDeviceGetName": ([T, N, N], lambda name, _, device: write(name, b"GPU %d\0" % device)),
        "cuDeviceGetPCIBusId": ([T, N, N], lambda name, *_: write(name, b"0000:3B:00.0\0")),
        "cuDeviceGetUuid_v2": ([T, N], lambda octets, _: write(octets, UUID.bytes)),
        "cuDeviceGetAttribute": ([OUT, N, N], lambda found, what, _: put(found, integrated if what == 18 else -1)),
    }
    return SimpleNamespace(
        **{
            name: ctypes.CFUNCTYPE(N, *types)((lambda *_: 999) if name in refused else body)
            for name, (types, body) in bodies.items()
        }
    )


def test_a_gpu_is_told_by_all_its_names() -> None:
    """As CUDA counts."""
    driver = CudaDriver(library())
    assert driver.gpu(1) == GpuFacts("GPU 41", str(UUID), "0000:3B:00.0", integrated=False)
    assert driver.gpu(2) is None
    assert repr(driver) == "<CudaDriver for CUDA 13.0>"


def test_a_jetson_shares_the_hosts_memory() -> None:
    """Which the driver knows."""
    facts = CudaDriver(library(integrated=1)).gpu(0)
    assert facts is not None
    assert facts.integrated


def test_what_a_gpu_does_not_tell_is_left_empty() -> None:
    """Each by itself."""
    refused = ("cuDeviceGetName", "cuDeviceGetPCIBusId", "cuDeviceGetUuid_v2", "cuDeviceGetAttribute")
    assert CudaDriver(library(refused=refused)).gpu(0) == GpuFacts("GPU", "", "", integrated=False)
    assert CudaDriver(library(refused=("cuDriverGetVersion",))).version() == ""


def test_what_is_no_driver_is_refused() -> None:
    """It finds no GPU, or lacks a function."""
    with pytest.raises(OSError, match="finds no GPU"):
        CudaDriver(library(refused=("cuInit",)))
    with pytest.raises(OSError, match=r"11\.4 or newer"):
        CudaDriver(SimpleNamespace())


@pytest.mark.gpu
def test_a_real_driver_names_a_gpu() -> None:
    """On a machine with one."""
    driver = cuda_driver()
    facts = driver.gpu(0) if driver else None
    if facts is None:
        pytest.skip("no GPU here")
    assert facts.name
    assert facts.uuid or facts.integrated
