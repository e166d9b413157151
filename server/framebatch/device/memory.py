"""How much memory a device has and how much of it is free. Nothing is allocated here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from framebatch.device.cuda import cuda_runtime
from framebatch.device.gate import CAPTURES
from framebatch.errors import DeviceError

if TYPE_CHECKING:
    from framebatch.device.devices import Device

__all__ = ["DeviceMemory", "device_memory"]


class DeviceMemory(NamedTuple):
    """What the driver says, for all processes together."""

    free_bytes: int
    """Nobody has taken them."""
    total_bytes: int
    """All there are."""


def device_memory(device: Device) -> DeviceMemory | None:
    """Ask the CUDA runtime about a GPU's memory.

    The first question makes a context on that GPU, which takes some hundred megabytes and a moment; where a model is
    loaded there already is one.

    Args:
        device: Any. Of kind `auto`, GPU 0 is meant.

    Returns:
        None for a processor or a simulated device, and where there is no CUDA runtime or no such GPU.

    """
    runtime = cuda_runtime() if device.kind in {"auto", "cuda"} else None
    if runtime is None:
        return None
    try:
        with CAPTURES.together():
            return DeviceMemory(*runtime.memory(device.index))
    except DeviceError:
        return None
