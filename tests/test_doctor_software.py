"""framebatch.doctor.software: what is said of Python, onnxruntime and its providers."""

from __future__ import annotations

import pytest

from framebatch.device.trial import Runtime
from framebatch.doctor.facts import Gpu, Nvidia, Software
from framebatch.doctor.software import (
    check_cuda,
    check_processor_provider,
    check_python,
    check_runtimes,
    check_tensorrt,
)

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
CPU_ONLY = Runtime("1.31", "", ((CPU, ""),))
GPU = Gpu("NVIDIA H200", 1, 2, 0)


def of_cuda(failure: str) -> Runtime:
    """A runtime for CUDA 13 that lists it."""
    return Runtime("1.31", "13.0", ((CPU, ""), (CUDA, failure)))


def nvidia(*gpus: Gpu, wanted: int | None = None) -> Nvidia:
    """A host with these GPUs."""
    return Nvidia(len(gpus), "580.65" if gpus else "", "13.0" if gpus else "", gpus, wanted)


@pytest.mark.parametrize(("version", "verdict"), [((3, 10, 14), "problem"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")])
def test_python_must_be_new_enough(version: tuple[int, int, int], verdict: str) -> None:
    """As pyproject.toml says."""
    assert check_python(version).verdict == verdict


def test_one_runtime_that_can_be_imported_is_good() -> None:
    """Whatever its distribution is called; one that was built by hand has none."""
    one = Software((3, 12, 0), (("onnxruntime-gpu", "1.31"),), CPU_ONLY)
    assert check_runtimes(one)[1:] == ("ok", "onnxruntime-gpu 1.31", "")
    assert check_runtimes(one._replace(runtimes=()))[1:3] == ("ok", "onnxruntime 1.31")


def test_two_runtimes_are_a_problem_though_they_can_be_imported() -> None:
    """They overwrite each other's files; both have to go before one comes back."""
    found = check_runtimes(Software((3, 12, 0), (("onnxruntime", "1.31"), ("onnxruntime-gpu", "1.30")), CPU_ONLY))
    assert (found.verdict, found.found) == (
        "problem",
        "onnxruntime 1.31 and onnxruntime-gpu 1.30 overwrite each other's files",
    )
    assert found.remedy.startswith("pip uninstall onnxruntime onnxruntime-gpu; then pip install")


def test_a_runtime_that_is_missing_or_broken_is_a_problem() -> None:
    """With what to install, or why it cannot be imported."""
    found = check_runtimes(Software((3, 12, 0), (), Runtime(error="no such module")))
    assert (found.verdict, found.found) == ("problem", "onnxruntime is not installed")
    found = check_runtimes(Software((3, 12, 0), (("onnxruntime", "1.31"),), Runtime(error="GLIBC_2.99 not found")))
    assert (found.verdict, found.found) == ("problem", "onnxruntime 1.31 cannot be used: GLIBC_2.99 not found")


def test_the_processor_has_to_compute() -> None:
    """Where there is a runtime at all."""
    assert check_processor_provider(Runtime(error="broken")) is None
    assert [found and found.verdict for found in map(check_processor_provider, (CPU_ONLY, of_cuda("")))] == ["ok", "ok"]
    broken = check_processor_provider(Runtime("1.31", "", ((CPU, "illegal instruction"),)))
    assert broken is not None
    assert (broken.verdict, broken.found) == ("problem", "onnxruntime does not compute: illegal instruction")


@pytest.mark.parametrize(
    ("runtime", "host", "verdict", "words"),
    [
        (of_cuda(""), nvidia(GPU), "ok", "computes on the GPU"),
        (of_cuda("libcudnn.so.9"), nvidia(GPU), "problem", "lists CUDA, and it does not load: libcudnn.so.9"),
        (of_cuda("no device"), nvidia(), "note", "built for CUDA, and no GPU can be used"),
        (of_cuda("no device"), nvidia(wanted=0), "problem", "built for CUDA, and no GPU can be used"),
        (CPU_ONLY, nvidia(GPU), "note", "there is a GPU, and this onnxruntime computes on the processor only"),
        (CPU_ONLY, nvidia(GPU, wanted=0), "problem", "there is a GPU"),
        (CPU_ONLY, nvidia(wanted=0), "problem", "the settings want cuda:0, and this process sees 0 GPUs"),
        (of_cuda(""), nvidia(GPU, wanted=0), "ok", "computes on the GPU"),
        (of_cuda(""), nvidia(GPU, wanted=1), "problem", "the settings want cuda:1, and this process sees 1 GPUs"),
    ],
)
def test_cuda_has_to_load_where_it_is_listed_or_wanted(
    runtime: Runtime, host: Nvidia, verdict: str, words: str
) -> None:
    """A provider that is listed and does not load is the classic silent fallback."""
    found = check_cuda(runtime, host)
    assert found is not None
    assert (found.verdict, words in found.found, bool(found.remedy)) == (verdict, True, verdict != "ok")


def test_a_processor_alone_is_nothing_to_speak_of() -> None:
    """Nobody asked for a GPU, and there is none."""
    assert check_cuda(CPU_ONLY, nvidia()) is None
    assert check_cuda(Runtime(error="broken"), nvidia(GPU)) is None


def test_tensorrt_matters_only_to_those_who_ask_for_it() -> None:
    """It is listed by every onnxruntime for GPUs, and its libraries are rarely there."""
    missing = Runtime("1.31", "13.0", ((CPU, ""), (TENSORRT, "libnvinfer.so.10")))
    assert check_tensorrt(missing, wanted=False) is None
    wanted = check_tensorrt(missing, wanted=True)
    assert wanted is not None
    assert (wanted.verdict, "libnvinfer.so.10" in wanted.found) == ("problem", True)
    works = check_tensorrt(Runtime("1.31", "13.0", ((TENSORRT, ""),)), wanted=False)
    assert works is not None
    assert works.verdict == "ok"
