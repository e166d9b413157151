"""What people may choose about how a device computes. Only values and their checks belong here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EngineOptions"]

_PROVIDERS: Final = ("auto", "cuda", "tensorrt")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """How a model is loaded on a device. What belongs to another kind of device is not looked at.

    Attributes:
        provider: GPU: what computes there: `cuda`, `tensorrt`, or `auto` = `cuda`; default `auto`.
        tf32: GPU: whether float32 products may be rounded to TF32's 10 bits of mantissa, several times quicker on
            GPUs from Ampere on; default no, as on the processor.
        fp16: TensorRT: whether it may compute in half precision where that is quicker; default no.
        cuda_graph: CUDA: whether each batch size is captured as a CUDA graph, where the model allows; default no.
        memory_limit_bytes: GPU: how much onnxruntime may take for weights and results in between; default None, all
            that is free. Buffers for copying, and what CUDA takes itself, come on top.
        threads: Processor: how many threads a batch may use; default None, as many as there are processors.
        cache_dir: TensorRT: where engines are kept that take minutes to build; default None, nowhere.
    """

    provider: str = "auto"
    tf32: bool = False
    fp16: bool = False
    cuda_graph: bool = False
    memory_limit_bytes: int | None = None
    threads: int | None = None
    cache_dir: Path | None = None

    def __post_init__(self) -> None:
        if self.provider not in _PROVIDERS:
            raise ValueError(f"provider is {self.provider!r}; it must be one of {', '.join(_PROVIDERS)}")
        if self.memory_limit_bytes is not None and self.memory_limit_bytes < 1:
            raise ValueError(f"memory_limit_bytes is {self.memory_limit_bytes}; it must be at least 1")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads is {self.threads}; it must be at least 1")
