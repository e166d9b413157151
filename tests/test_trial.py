"""framebatch.device.trial: whether a provider really computes, found out in a process of its own."""

from __future__ import annotations

import sys

import pytest

from framebatch.device.trial import Runtime, try_runtime

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def stand_in(body: str) -> tuple[str, ...]:
    """A program in place of the trial; `provider` is what it is asked for, and `answer` prints."""
    answer = (
        "import json, sys, time\n"
        "provider = sys.argv[1]\n"
        f"def answer(failure=''): print(json.dumps(dict(version='1.2', cuda='13.0', listed={[CUDA, CPU]}, failure=failure)))\n"
    )
    return (sys.executable, "-c", answer + body)


def test_the_installed_runtime_computes_on_the_processor() -> None:
    """On every machine on which these tests run."""
    found = try_runtime()
    assert (found.failure(CPU), found.error) == ("", "")
    assert found.version


@pytest.mark.gpu
def test_cuda_computes_where_it_is_listed() -> None:
    """On a machine with a GPU and an onnxruntime for it."""
    found = try_runtime()
    if found.failure(CUDA) is None:
        pytest.skip("this onnxruntime is not built for CUDA")
    assert found.failure(CUDA) == ""


def test_a_provider_that_is_listed_and_does_not_load_is_found_out() -> None:
    """With the loader's reason, where it wrote one on stderr."""
    body = (
        "if provider.startswith('CUDA'):\n"
        "    print('[E:onnxruntime] Failed to load x.so with error: libcudnn.so.9: cannot open', file=sys.stderr)\n"
        "    answer('CUDA did not load')\n"
        "else: answer()\n"
    )
    found = try_runtime(program=stand_in(body))
    assert found == Runtime("1.2", "13.0", ((CPU, ""), (CUDA, "libcudnn.so.9: cannot open")))
    assert found.failure("TensorrtExecutionProvider") is None


def test_a_provider_that_ends_the_process_ends_only_its_trial() -> None:
    """What it said last is told."""
    body = "if provider.startswith('CUDA'): sys.exit('Segmentation fault')\nanswer()\n"
    found = try_runtime(program=stand_in(body))
    assert (found.failure(CPU), found.failure(CUDA)) == ("", "its trial ended with 1: Segmentation fault")


def test_a_trial_that_hangs_is_ended() -> None:
    """After its limit."""
    found = try_runtime(program=stand_in("time.sleep(60)"), timeout_seconds=0.2)
    assert found == Runtime(error="its trial did not end within 0.2 s")


def test_a_runtime_that_cannot_be_imported_is_told() -> None:
    """By the last line of what Python said."""
    found = try_runtime(program=stand_in("import no_such_onnxruntime"))
    assert found.version == ""
    assert found.error == "its trial ended with 1: ModuleNotFoundError: No module named 'no_such_onnxruntime'"
