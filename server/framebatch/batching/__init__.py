"""Between the network and the device: one answer for every frame, batches as the policy decides them."""

from framebatch.batching.batcher import Batcher
from framebatch.batching.device import DeviceQueue

__all__ = ["Batcher", "DeviceQueue"]
