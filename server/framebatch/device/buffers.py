"""Memory of a device as binding needs it, and the processor's own memory in that part. Nothing is decided or run here."""

from __future__ import annotations

import ctypes
import itertools
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from framebatch.clock import now_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["HostMemory", "Memory"]


class Memory(Protocol):
    """Memory of a device, memory of the host that it copies from quickly, and copies between the two.

    Addresses are plain numbers. Whoever took something gives it back. All of it may be called from any thread; errors
    are those of the device's library, or `DeviceError`.
    """

    @property
    def kind(self) -> str:
        """What onnxruntime calls the device: `cpu` or `cuda`."""

    @property
    def index(self) -> int:
        """Which of its kind."""

    def allocate(self, size_bytes: int) -> int:
        """Take memory of the device; answers its address there."""

    def release(self, address: int) -> None:
        """Give back what `allocate` answered."""

    def host_array(self, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Take memory of the host that the device copies to and from quickly."""

    def release_host(self, array: npt.NDArray[Any]) -> None:
        """Give back what `host_array` answered."""

    def open_stream(self) -> int:
        """Begin an order of copies of its own."""

    def close_stream(self, stream: int) -> None:
        """End it."""

    def copy_in(self, address: int, array: npt.NDArray[Any], stream: int) -> None:
        """Start copying a C-contiguous array to the device."""

    def copy_out(self, array: npt.NDArray[Any], address: int, stream: int) -> None:
        """Start copying from the device into a C-contiguous array."""

    def wait(self, stream: int) -> None:
        """Block until a stream's copies are done."""

    def open_mark(self) -> int:
        """Take a mark, which remembers when it is passed."""

    def close_mark(self, mark: int) -> None:
        """Give it back."""

    def set_mark(self, mark: int, stream: int) -> None:
        """Put it behind all that a stream was told to do so far; waits for nothing."""

    def between_marks_ns(self, first: int, last: int) -> int:
        """Answer the nanoseconds between two marks that were passed, on the device's clock."""


class HostMemory:
    """The processor's own memory as a device's: what is bound on a GPU can be bound, and tried, without one."""

    kind: Final = "cpu"
    index: Final = 0

    def __init__(self) -> None:
        self._taken: dict[int, npt.NDArray[np.uint8]] = {}
        self._marks: dict[int, int] = {}
        self._numbers = itertools.count(1)

    def __repr__(self) -> str:
        return f"<HostMemory, {len(self._taken)} pieces taken>"

    def allocate(self, size_bytes: int) -> int:
        """Take memory."""
        piece = np.empty(max(size_bytes, 1), np.uint8)
        self._taken[piece.ctypes.data] = piece
        return piece.ctypes.data

    def release(self, address: int) -> None:
        """Give it back."""
        del self._taken[address]

    def host_array(self, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Take an array."""
        return np.empty(shape, dtype)

    def release_host(self, array: npt.NDArray[Any]) -> None:
        """Nothing to do: NumPy sees to it."""

    def open_stream(self) -> int:
        """There is one order only."""
        return 0

    def close_stream(self, stream: int) -> None:
        """Nothing to do."""

    def copy_in(self, address: int, array: npt.NDArray[Any], stream: int) -> None:  # noqa: ARG002 - as a device's
        """Copy at once."""
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def copy_out(self, array: npt.NDArray[Any], address: int, stream: int) -> None:  # noqa: ARG002 - as a device's
        """Copy at once."""
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def wait(self, stream: int) -> None:
        """Nothing is under way."""

    def open_mark(self) -> int:
        """Take a number."""
        mark = next(self._numbers)
        self._marks[mark] = 0
        return mark

    def close_mark(self, mark: int) -> None:
        """Forget it."""
        del self._marks[mark]

    def set_mark(self, mark: int, stream: int) -> None:  # noqa: ARG002 - as a device's
        """All was done at once, so it is passed now."""
        self._marks[mark] = now_ns()

    def between_marks_ns(self, first: int, last: int) -> int:
        """Answer the difference."""
        return self._marks[last] - self._marks[first]
