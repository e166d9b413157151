"""Shared memory for pictures: one array of equal slots, and which of them are free. Knows no picture format.

A slot holds the encoded bytes on the way to a decoder and the network's pixels on the way back.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Slots", "map_slots"]

FIRST_ROUND: Final = 64


def map_slots(descriptor: int, count: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """The shared memory behind a file descriptor as uint8 (count, height, width, 3)."""
    memory = mmap.mmap(descriptor, count * height * width * 3)
    return np.frombuffer(memory, np.uint8).reshape(count, height, width, 3)


class Slots:
    """`count` pictures of height x width x 3 bytes in anonymous shared memory.

    Slots are handed out in rising order, round and round, so that frames that come together lie side by side: a batch
    is then a piece of this memory and needs no copy. The round is as short as twice what is held at a time, since
    memory is taken from the system when a slot is first used.

    Invariant: a slot is either free or held by exactly one owner.
    """

    def __init__(self, count: int, *, height: int, width: int) -> None:
        self.count = count
        self.size_bytes = height * width * 3
        self.descriptor = os.memfd_create("framebatch-slots")
        os.ftruncate(self.descriptor, count * self.size_bytes)
        self.pictures = map_slots(self.descriptor, count, height, width)
        self._flat = self.pictures.reshape(-1)
        self._held = bytearray(count)
        self._in_use = 0
        self._round = min(count, FIRST_ROUND)
        self._next = 0

    def __repr__(self) -> str:
        return f"Slots(free={self.free} of {self.count}, {self.size_bytes} bytes each)"

    @property
    def free(self) -> int:
        """Slots that can be taken."""
        return self.count - self._in_use

    def take(self) -> int | None:
        """A slot for the caller, or None when all are held. O(1) on average: at most half of a round is held."""
        if self._in_use == self.count:
            return None
        if 2 * self._in_use >= self._round < self.count:
            self._next, self._round = self._round, min(self.count, 2 * self._round)
        slot = self._next
        while self._held[slot]:
            slot = (slot + 1) % self._round
        self._next = (slot + 1) % self._round
        self._held[slot] = 1
        self._in_use += 1
        return slot

    def take_many(self, number: int) -> list[int] | None:
        """So many slots for the caller, or None while fewer are free."""
        if self.free < number:
            return None
        return [slot for slot in (self.take() for _ in range(number)) if slot is not None]

    def give_back(self, slot: int) -> None:
        """End the caller's hold."""
        if not self._held[slot]:
            raise ValueError(f"slot {slot} is not held")
        self._held[slot] = 0
        self._in_use -= 1

    def give_back_many(self, slots: list[int]) -> None:
        """End the caller's hold of each."""
        for slot in slots:
            self.give_back(slot)

    def write(self, slot: int, data: bytes) -> None:
        """Put at most `size_bytes` into a held slot."""
        begin = slot * self.size_bytes
        self._flat[begin : begin + len(data)] = np.frombuffer(data, np.uint8)

    def close(self) -> None:
        """Close the descriptor; the memory goes when its last user does."""
        os.close(self.descriptor)
