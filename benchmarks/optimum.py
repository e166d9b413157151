"""The most frames that can be in time when everything is known beforehand: the exact optimum for a common deadline.

With one relative deadline for all frames some best schedule takes the frames in order of arrival, in batches of
neighbours: a frame passed over inside a batch can take the place of an earlier one of it, and two batches that cross
can exchange their frames. So a state is how many frames were considered and how many of them served, and of two ways
into a state the one that leaves the device free earlier is at least as good.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["brute_force", "most_in_time"]


def most_in_time(arrivals_ns: Sequence[int], deadline_ns: int, service_ns: Sequence[int]) -> int:
    """Dynamic programme, O(n^2 m) for n frames and batches of up to m that take no longer than the deadline.

    Args:
        arrivals_ns: ascending.
        deadline_ns: of each frame, after its arrival.
        service_ns: of a batch of m frames, m = 0 .. the largest batch; ascending.
    """
    total = len(arrivals_ns)
    free_at: list[dict[int, int]] = [{} for _ in range(total + 1)]
    free_at[0][0] = 0
    for at in range(total):
        due_ns = arrivals_ns[at] + deadline_ns
        following = free_at[at + 1]
        for served, free_ns in _useful(free_at[at]):
            if free_ns < following.get(served, free_ns + 1):
                following[served] = free_ns
            for size in range(1, min(len(service_ns) - 1, total - at) + 1):
                end_ns = max(free_ns, arrivals_ns[at + size - 1]) + service_ns[size]
                if end_ns > due_ns:
                    break
                after = free_at[at + size]
                if end_ns < after.get(served + size, end_ns + 1):
                    after[served + size] = end_ns
    return max(free_at[total])


def _useful(states: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Those for which none serves more and is free no later."""
    earliest_ns: int | None = None
    for served in sorted(states, reverse=True):
        if earliest_ns is None or states[served] < earliest_ns:
            earliest_ns = states[served]
            yield served, earliest_ns


def brute_force(arrivals_ns: Sequence[int], deadline_ns: int, service_ns: Sequence[int]) -> int:
    """The same by trying every set of frames for every batch; for a handful of frames."""
    largest = len(service_ns) - 1

    def most(left: frozenset[int], free_ns: int) -> int:
        best = 0
        for size in range(1, min(largest, len(left)) + 1):
            for batch in combinations(sorted(left), size):
                end_ns = max(free_ns, arrivals_ns[batch[-1]]) + service_ns[size]
                if end_ns <= arrivals_ns[batch[0]] + deadline_ns:
                    best = max(best, size + most(left.difference(batch), end_ns))
        return best

    return most(frozenset(range(len(arrivals_ns))), 0)
