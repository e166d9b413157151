"""What a batch's time on a device consists of, told apart when somebody asks: copying in, computing, copying out.

Only timing belongs here, by marks in a device's own order of copies. What is copied when is in `device.lane`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from framebatch.device.buffers import Memory

__all__ = ["COPIED_IN", "COPIED_OUT", "CopyClock", "StageTimes"]


class StageTimes(NamedTuple):
    """One batch's parts, in nanoseconds."""

    copy_in_ns: int
    """Host to device, on the device's clock."""
    compute_ns: int
    """The network, on the host's: from handing it over until it is done."""
    copy_out_ns: int
    """Device to host, on the device's clock; without outputs whose size is known only when they are there."""


Span = tuple[int, int]
COPIED_IN: Final[Span] = (0, 1)
COPIED_OUT: Final[Span] = (2, 3)


class CopyClock:
    """Four marks on a device, for one batch: before and after what is copied in, before and after what is copied out.

    Setting a mark takes microseconds and waits for nothing. To be closed; all by one thread.
    """

    def __init__(self, memory: Memory) -> None:
        """Take the marks.

        Raises:
            DeviceError: the device has none.

        """
        self._memory = memory
        self._marks = [memory.open_mark() for _ in (*COPIED_IN, *COPIED_OUT)]

    def __repr__(self) -> str:
        return f"<CopyClock on {self._memory!r}>"

    def mark(self, place: int, stream: int) -> None:
        """Set one of the marks: it is passed when all that was ordered before it in this stream is done."""
        self._memory.set_mark(self._marks[place], stream)

    def span_ns(self, span: Span) -> int:
        """Answer the time between two marks that were passed."""
        first, last = span
        return self._memory.between_marks_ns(self._marks[first], self._marks[last])

    def close(self) -> None:
        """Give the marks back."""
        while self._marks:
            self._memory.close_mark(self._marks.pop())
