"""framebatch.device.providers, .options and .failures: what onnxruntime is told, and what it says when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_models

from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine
from framebatch.device.failures import device_error
from framebatch.device.graph import InputFormat
from framebatch.device.model_file import read_model_file
from framebatch.device.options import EngineOptions
from framebatch.device.program import build_program
from framebatch.device.providers import cuda_options, tensorrt_options
from framebatch.errors import DeviceError, DeviceMemoryError

FORM = InputFormat(
    name="images", width=64, height=64, batch_size=None, scale=1 / 255, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CUDA failure 2: out of memory ; GPU=0 ; hostname=x ; expr=cudaMalloc((void**)&p, size);", DeviceMemoryError),
        ("Available memory of 16 is smaller than requested bytes of 32", DeviceMemoryError),
        ("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", DeviceMemoryError),
        ("CUDNN_FE failure 11: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", DeviceMemoryError),
        ("Non-zero status code returned while running Conv node. Status Message: std::bad_alloc", DeviceMemoryError),
        ("CUDA failure 700: an illegal memory access was encountered ; GPU=0", DeviceError),
        ("Got invalid dimensions for input: images", DeviceError),
    ],
)
def test_what_libraries_say_when_memory_is_out(text: str, kind: type[DeviceError]) -> None:
    """Their texts are all there is to go by."""
    assert type(device_error(RuntimeError(text), "it failed")) is kind


def test_providers_get_their_options(tmp_path: Path) -> None:
    """By onnxruntime's names, as text."""
    options = EngineOptions(tf32=True, memory_limit_bytes=2_000_000_000)
    assert cuda_options(3, options, graphs=True) == {
        "device_id": "3",
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "cudnn_conv_use_max_workspace": "1",
        "use_tf32": "1",
        "enable_cuda_graph": "1",
        "gpu_mem_limit": "2000000000",
    }
    assert "gpu_mem_limit" not in cuda_options(0, EngineOptions(), graphs=False)
    program = build_program(read_model_file(tiny_models.identity(tmp_path / "m.onnx")), FORM)
    found = tensorrt_options(0, EngineOptions(fp16=True, cache_dir=tmp_path / "cache"), program, 16)
    assert found["trt_fp16_enable"] == "1"
    assert found["trt_profile_min_shapes"] == "framebatch_pictures:1x64x64x3"
    assert found["trt_profile_max_shapes"] == "framebatch_pictures:16x64x64x3"
    other = tensorrt_options(0, EngineOptions(cache_dir=tmp_path / "cache"), program, 16)
    assert found["trt_engine_cache_path"] != other["trt_engine_cache_path"]
    assert Path(found["trt_engine_cache_path"]).is_dir()


def test_tensorrt_is_never_replaced_silently(tmp_path: Path) -> None:
    """Not even on `auto`: it was asked for by name."""
    program = build_program(read_model_file(tiny_models.identity(tmp_path / "m.onnx")), FORM)
    try:
        engine = OnnxEngine(program, Device(kind="auto"), options=EngineOptions(provider="tensorrt"))
    except DeviceError as error:
        assert "TensorrtExecutionProvider" in str(error)  # noqa: PT017 - which of the two happens depends on the machine
    else:
        assert engine.provider == "TensorrtExecutionProvider"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"provider": "rocm"}, "provider is 'rocm'; it must be one of auto, cuda, tensorrt"),
        ({"memory_limit_bytes": 0}, "memory_limit_bytes is 0; it must be at least 1"),
        ({"threads": 0}, "threads is 0; it must be at least 1"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    """The option, its value, and what it must be."""
    with pytest.raises(ValueError, match=message):
        EngineOptions(**options)
