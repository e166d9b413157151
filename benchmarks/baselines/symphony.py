"""Symphony's deferred batch scheduling: a batch waits until one more frame would not fit into it any longer.

Chen et al., Symphony: Optimized DNN Model Serving using Deferred Batch Scheduling, arXiv 2308.07470;
abcdabcd987/nexuslb, src/nexus/dispatcher/rankmt/model_thread.cpp (UpdateCandidate). The candidate is the largest batch that can
be in time. With d the deadline of its first frame and l(b) the duration of a batch of b, it can be started from d - l(b + 1) on
("frontrun": from then on no larger batch is possible) up to d - l(b) ("latest"). The repository aims at a batch that it
estimates from the rate of arrivals and enlarges where that is free; the largest that can be in time is no smaller.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, TypeVar

from baselines.base import Baseline
from framebatch.scheduling import Shed, Waiting, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.scheduling import Decision, Pending

__all__ = ["Symphony"]

F = TypeVar("F", bound=Waiting)


class Symphony(Baseline):
    """The candidate, as late as it pays; a batch of the largest size at once."""

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """Frames before the candidate are dropped."""
        service_ns = self.service_ns
        lost = pending.before(start_ns + service_ns[1])
        if lost or not len(pending):
            return Shed(lost) if lost else WaitUntil(None)
        deadlines = pending.deadlines
        late, size = _candidate(deadlines, start_ns, service_ns, self.max_batch)
        if late:
            return Shed(late)
        if size == self.max_batch:
            return self.run(size)
        frontrun_ns = deadlines[0] - service_ns[size + 1]
        return self.run(size) if start_ns >= frontrun_ns else WaitUntil(frontrun_ns)


def _candidate(deadlines_ns: Sequence[int], start_ns: int, service_ns: Sequence[int], limit: int) -> tuple[int, int]:
    """The largest batch of frames that are all in time: first frame, and how many; at least 1. By bisection."""
    low, high = 1, min(limit, len(deadlines_ns))
    first = bisect_left(deadlines_ns, start_ns + service_ns[1])
    while low < high:
        middle = (low + high + 1) // 2
        at = bisect_left(deadlines_ns, start_ns + service_ns[middle])
        if len(deadlines_ns) - at >= middle:
            low, first = middle, at
        else:
            high = middle - 1
    return first, low
