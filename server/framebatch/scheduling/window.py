"""How many of the frames in a line to take: the adaptive drop window. Pure functions over ascending deadlines.

Under overload a frame that can only just make it forces a small batch, and everybody behind it pays. The window is the
largest batch for which there are as many frames that can still make it; frames at the head that cannot are passed over.
Close relatives: Nexus (Shen et al., SOSP 2019, early drop) and Symphony (Chen et al., arXiv 2308.07470).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["drains", "largest_within", "widest"]


def largest_within(high_ns: Sequence[int], budget_ns: int, limit: int) -> int:
    """The largest batch, up to `limit`, that takes at most `budget_ns`; 0: none. O(log limit)."""
    return bisect_right(high_ns, budget_ns, 1, limit + 1) - 1


def widest(
    deadlines_ns: Sequence[int], begin: int, end: int, *, start_ns: int, high_ns: Sequence[int], limit: int
) -> tuple[int, int]:
    """The window among frames `begin` to `end` for a batch that starts at `start_ns`: first frame, and how many.

    The number of frames that can still make it falls, and the batch grows, so the largest is found by bisection. At
    least 1 frame, which may be too late. O(log n log limit) for n frames.
    """
    low, high = 1, min(limit, end - begin)
    first = bisect_left(deadlines_ns, start_ns + high_ns[1], begin, end)
    while low < high:
        middle = (low + high + 1) // 2
        at = bisect_left(deadlines_ns, start_ns + high_ns[middle], begin, end)
        if end - at >= middle:
            low, first = middle, at
        else:
            high = middle - 1
    return first, low


def drains(
    ready_ns: Sequence[int] | None,
    deadlines_ns: Sequence[int],
    *,
    start_ns: int,
    high_ns: Sequence[int],
    limit: int,
) -> bool:
    """Whether taking the largest batch in time from the head, at once and again and again, loses no frame.

    `ready_ns` says when frames come, ascending; None: they are all there. O(batches log n).
    """
    at, total = 0, len(deadlines_ns)
    there = total
    while at < total:
        if ready_ns is not None:
            start_ns = max(start_ns, ready_ns[at])
            there = bisect_right(ready_ns, start_ns, at)
        size = largest_within(high_ns, deadlines_ns[at] - start_ns, min(limit, there - at))
        if size < 1:
            return False
        start_ns += high_ns[size]
        at += size
    return True
