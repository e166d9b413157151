"""What the exceptions of onnxruntime and CUDA mean: out of memory, or another failure of the device.

Only telling them apart belongs here. onnxruntime raises a dozen unrelated types, and none of them is for memory: the
text is all there is. Each text below was seen, or is written so in onnxruntime 1.31, CUDA 13 and cuDNN 9.
"""

from __future__ import annotations

from typing import Final

from framebatch.errors import DeviceError, DeviceMemoryError

__all__ = ["device_error", "reason"]

_MEMORY: Final = (
    "failed to allocate memory",  # onnxruntime's arena, when the device refuses it more
    "smaller than requested bytes",  # the arena, when its own limit refuses it
    "out of memory",  # CUDA failure 2, by the runtime's own words
    "cudaerrormemoryallocation",
    "cuda_error_out_of_memory",
    "outofmemory",  # TensorRT
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "allocation_failed",  # CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED and its like
    "cublas_status_not_initialized",  # a handle that could not be made: they are made when first needed
    "cudnn_status_not_initialized",
    "bad_alloc",  # the processor without an arena
    "bad allocation",
)


def device_error(error: BaseException, doing: str) -> DeviceError:
    """Answer what to raise for `error`.

    Args:
        error: What a library raised. It loses its traceback, whose frames would keep the failed session and its memory
            alive for as long as somebody keeps the error.
        doing: What the device was asked to do and did not: the beginning of the message.

    Returns:
        A `DeviceMemoryError` where the device, or the host beside it, is out of memory; else a `DeviceError`.

    """
    error.__traceback__ = None
    text = str(error).lower()
    memory = isinstance(error, (MemoryError, DeviceMemoryError)) or any(words in text for words in _MEMORY)
    return (DeviceMemoryError if memory else DeviceError)(f"{doing}: {reason(error)}")


def reason(error: BaseException) -> str:
    """The first line of what a library says, for messages of one line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
