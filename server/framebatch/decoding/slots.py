"""Shared memory for pictures: one array of equal slots, and which of them are free. Knows no picture format.

A slot holds the encoded bytes on the way to a decoder and the network's pixels on the way back.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Slots", "map_slots"]


def map_slots(descriptor: int, count: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """The shared memory behind a file descriptor as uint8 (count, height, width, 3)."""
    memory = mmap.mmap(descriptor, count * height * width * 3)
    return np.frombuffer(memory, np.uint8).reshape(count, height, width, 3)


class Slots:
    """`count` pictures of height x width x 3 bytes in anonymous shared memory.

    Memory is taken from the system when a slot is first used. The slot freed last is handed out first, so that few
    are ever touched while few are needed.

    Invariant: a slot is either free or held by exactly one owner.
    """

    def __init__(self, count: int, *, height: int, width: int) -> None:
        self.count = count
        self.size_bytes = height * width * 3
        self.descriptor = os.memfd_create("framebatch-slots")
        os.ftruncate(self.descriptor, count * self.size_bytes)
        self.pictures = map_slots(self.descriptor, count, height, width)
        self._flat = self.pictures.reshape(-1)
        self._free = list(range(count - 1, -1, -1))

    def __repr__(self) -> str:
        return f"Slots(free={len(self._free)} of {self.count}, {self.size_bytes} bytes each)"

    @property
    def free(self) -> int:
        """Slots that can be taken."""
        return len(self._free)

    def take(self) -> int | None:
        """A slot for the caller, or None when all are held."""
        return self._free.pop() if self._free else None

    def give_back(self, slot: int) -> None:
        """End the caller's hold."""
        self._free.append(slot)

    def write(self, slot: int, data: bytes) -> None:
        """Put at most `size_bytes` into a held slot."""
        begin = slot * self.size_bytes
        self._flat[begin : begin + len(data)] = np.frombuffer(data, np.uint8)

    def close(self) -> None:
        """Close the descriptor; the memory goes when its last user does."""
        os.close(self.descriptor)
