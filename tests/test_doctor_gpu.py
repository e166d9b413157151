"""framebatch.doctor.gpu: what is said of NVIDIA's driver and of GPUs."""

from __future__ import annotations

import pytest

from framebatch.doctor.facts import Gpu, Nvidia
from framebatch.doctor.gpu import check_driver, check_gpu

GIB = 1 << 30


def driver(version: str, cuda: str, *, on_bus: int = 1, wanted: int | None = None) -> Nvidia:
    """A host with NVIDIA's driver."""
    return Nvidia(on_bus, version, cuda, (), wanted)


@pytest.mark.parametrize(
    ("serves", "built_for", "verdict"),
    [
        ("13.0", "13.0", "ok"),
        ("13.0", "12.8", "ok"),
        ("12.2", "12.8", "ok"),
        ("12.8", "13.0", "problem"),
        ("13.0", "", "ok"),
    ],
)
def test_a_driver_serves_its_own_major_version_of_cuda_and_older_ones(
    serves: str, built_for: str, verdict: str
) -> None:
    """NVIDIA keeps minor versions compatible, and newer drivers with older CUDA."""
    found = check_driver(driver("570.1", serves), built_for)
    assert found is not None
    assert found.verdict == verdict


def test_the_driver_that_is_needed_is_named() -> None:
    """By its branch."""
    found = check_driver(driver("570.1", "12.8"), "13.0")
    assert found is not None
    assert found.found == "NVIDIA driver 570.1 serves CUDA 12.8, and onnxruntime was built for CUDA 13.0"
    assert found.remedy == "install a driver for CUDA 13 (580 or newer), or an onnxruntime-gpu for CUDA 12"


@pytest.mark.parametrize(
    ("host", "built_for", "verdict", "words"),
    [
        (driver("", ""), "13.0", "problem", "install NVIDIA's driver"),
        (driver("", ""), "", "note", "install NVIDIA's driver"),
        (driver("", "", wanted=0), "", "problem", "install NVIDIA's driver"),
        (driver("580.1", "", on_bus=0), "13.0", "problem", "docker run --gpus all"),
    ],
)
def test_a_gpu_without_a_driver_that_can_be_used_is_told(
    host: Nvidia, built_for: str, verdict: str, words: str
) -> None:
    """In a container the kernel has one, and the process none of it."""
    found = check_driver(host, built_for)
    assert found is not None
    assert (found.verdict, words in found.remedy) == (verdict, True)


def test_a_host_without_nvidia_hears_nothing_of_it() -> None:
    """Whatever onnxruntime was built for."""
    assert check_driver(driver("", "", on_bus=0), "13.0") is None


def test_a_gpu_with_little_free_memory_is_told() -> None:
    """With who is on it."""
    free = check_gpu(0, Gpu("NVIDIA L4", 20 * GIB, 24 * GIB, 0))
    assert free == ("cuda:0", "ok", "NVIDIA L4, 20 GiB of 24 GiB free", "")
    full = check_gpu(1, Gpu("NVIDIA L4", GIB, 24 * GIB, 2))
    assert full[:3] == ("cuda:1", "note", "NVIDIA L4, 1.0 GiB of 24 GiB free, 2 other processes on it")
    assert check_gpu(0, Gpu("Orin", None, None, None)).verdict == "ok"
