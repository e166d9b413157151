"""framebatch.device.stages: marks around what is copied."""

from __future__ import annotations

import contextlib

import pytest
from fake_cuda import FakeCuda

from framebatch.device.buffers import HostMemory
from framebatch.device.cuda import CudaMemory, CudaRuntime
from framebatch.device.stages import COPIED_IN, COPIED_OUT, CopyClock
from framebatch.errors import DeviceError


def test_spans_are_those_between_their_marks() -> None:
    """Copying in and copying out, each by itself."""
    library = FakeCuda()
    memory = CudaMemory(CudaRuntime(library), 0)
    with contextlib.closing(CopyClock(memory)) as clock:
        for place, copied in zip((*COPIED_IN, *COPIED_OUT), (0, 30, 100, 150), strict=True):
            library.bytes_copied = copied
            clock.mark(place, 0)
        assert (clock.span_ns(COPIED_IN), clock.span_ns(COPIED_OUT)) == (30_000, 50_000)
        assert repr(clock) == "<CopyClock on <CudaMemory cuda:0>>"
    assert library.taken == {}


def test_a_device_without_marks_says_so() -> None:
    """Before anything is copied."""
    library = FakeCuda()
    library.refusals = {"cudaEventCreate": [801]}
    with pytest.raises(DeviceError, match="cudaEventCreate failed with CUDA error 801"):
        CopyClock(CudaMemory(CudaRuntime(library), 0))


def test_the_processors_own_memory_has_marks_too() -> None:
    """So that what is bound on a GPU can be tried without one."""
    with contextlib.closing(CopyClock(HostMemory())) as clock:
        for place in (*COPIED_IN, *COPIED_OUT):
            clock.mark(place, 0)
        assert clock.span_ns(COPIED_IN) >= 0
