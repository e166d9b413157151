"""framebatch.device.cuda and .memory: the calls of the CUDA runtime, tried on one that works on the processor."""

from __future__ import annotations

import gc
import logging

import numpy as np
import pytest
from fake_cuda import FakeCuda

from framebatch.device import cuda
from framebatch.device.cuda import CudaMemory, CudaRuntime, pin
from framebatch.device.devices import Device
from framebatch.device.memory import device_memory
from framebatch.errors import DeviceError, DeviceMemoryError


def test_what_is_copied_in_and_out_is_the_same() -> None:
    """Device memory, page-locked memory and a stream; all of it is given back."""
    library = FakeCuda()
    memory = CudaMemory(CudaRuntime(library), 1)
    sent = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    stream, address = memory.open_stream(), memory.allocate(sent.nbytes)
    received = memory.host_array((2, 3, 4), np.float32)
    memory.copy_in(address, sent, stream)
    memory.copy_out(received, address, stream)
    memory.wait(stream)
    np.testing.assert_array_equal(received, sent)
    assert library.calls[:2] == ["cudaSetDevice", "cudaStreamCreateWithFlags"]
    memory.release(address)
    memory.release_host(received)
    memory.close_stream(stream)
    assert library.taken == {}
    assert repr(memory) == "<CudaMemory cuda:1>"


def test_running_out_of_memory_is_told_from_other_failures() -> None:
    """The runtime's error 2; and no error is left behind for onnxruntime to find."""
    library = FakeCuda()
    memory = CudaMemory(CudaRuntime(library), 0)
    library.refusals = {"cudaMalloc": [2], "cudaStreamSynchronize": [700]}
    with pytest.raises(DeviceMemoryError, match="cudaMalloc failed with CUDA error 2: out of memory"):
        memory.allocate(10)
    assert library.last_error == 0
    with pytest.raises(DeviceError, match="error 700") as caught:
        memory.wait(0)
    assert type(caught.value) is DeviceError


def test_an_array_is_pinned_once_and_for_as_long_as_it_lives() -> None:
    """Whoever asks, and however often."""
    library = FakeCuda()
    runtime = CudaRuntime(library)
    array = np.zeros((3, 64, 64, 3), np.uint8)
    assert pin(runtime, array)
    assert pin(runtime, array)
    assert library.registered == {array.ctypes.data: array.nbytes}
    assert library.calls.count("cudaHostRegister") == 1
    del array
    gc.collect()
    assert library.registered == {}


def test_what_cannot_be_pinned_is_used_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """One line in the log, however many arrays."""
    library = FakeCuda()
    library.refusals = {"cudaHostRegister": [801, 801]}
    runtime = CudaRuntime(library)
    arrays = np.zeros(10, np.uint8), np.zeros(20, np.uint8)
    cuda._told.clear()
    with caplog.at_level(logging.WARNING):
        assert [pin(runtime, array) for array in arrays] == [False, False]
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "10 bytes are not pinned, and are copied more slowly"
    ]
    assert library.last_error == 0


def test_time_between_two_marks_is_the_gpus() -> None:
    """Of what was copied between them; a byte takes this one a microsecond."""
    library = FakeCuda()
    memory = CudaMemory(CudaRuntime(library), 1)
    stream, address = memory.open_stream(), memory.allocate(1000)
    first, last = memory.open_mark(), memory.open_mark()
    memory.copy_in(address, np.zeros(70, np.uint8), stream)
    memory.set_mark(first, stream)
    memory.copy_in(address, np.zeros(1000, np.uint8), stream)
    memory.set_mark(last, stream)
    assert memory.between_marks_ns(first, last) == 1_000_000
    memory.close_mark(first)
    memory.close_mark(last)
    memory.release(address)
    memory.close_stream(stream)
    assert library.taken == {}


def test_memory_of_a_gpu_is_free_and_total() -> None:
    """In bytes, as the runtime says."""
    assert CudaRuntime(FakeCuda()).memory(0) == (3_000_000_000, 8_000_000_000)


@pytest.mark.parametrize("device", [Device(kind="cpu"), Device(kind="sim", alpha_ns=1)])
def test_other_devices_have_no_memory_to_ask_about(device: Device) -> None:
    """None, and not the host's."""
    assert device_memory(device) is None


@pytest.mark.gpu
def test_a_real_gpu_has_memory() -> None:
    """On a machine with CUDA: some of it is free."""
    found = device_memory(Device(kind="cuda"))
    if found is None:
        pytest.skip("no CUDA runtime here")
    assert 0 < found.free_bytes <= found.total_bytes
