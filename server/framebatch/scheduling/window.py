"""How many of the frames in a line to take: the adaptive drop window. Pure functions over ascending deadlines.

Under overload a frame that can only just make it forces a small batch, and everybody behind it pays. The window is the
batch that serves most frames a second of those that can still make it; frames at the head that cannot are passed over.
Close relatives: Nexus (Shen et al., SOSP 2019, early drop) and Symphony (Chen et al., arXiv 2308.07470).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["densest", "drains", "largest_within"]


def largest_within(high_ns: Sequence[int], budget_ns: int, limit: int) -> int:
    """The largest batch, up to `limit`, that takes at most `budget_ns`; 0: none. O(log limit)."""
    return bisect_right(high_ns, budget_ns, 1, limit + 1) - 1


def densest(
    deadlines_ns: Sequence[int], *, start_ns: int, high_ns: Sequence[int], buckets: Sequence[int], limit: int
) -> tuple[int, int]:
    """The window for the batch, started at `start_ns`, that serves most frames a second: first frame, and how many.

    Where every size is a bucket that is the largest batch. A bucket that cannot be filled may serve fewer a second than
    a smaller one that is full. At least 1 frame, which may be too late. O(buckets log n) for n frames.
    """
    total = len(deadlines_ns)
    first, best = bisect_left(deadlines_ns, start_ns + high_ns[1]), 1
    for bucket in buckets:
        largest = min(bucket, limit)
        at = bisect_left(deadlines_ns, start_ns + high_ns[largest])
        size = min(largest, total - at)
        if size * high_ns[best] > best * high_ns[size]:
            first, best = at, size
        if size < bucket:
            break
    return first, best


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
