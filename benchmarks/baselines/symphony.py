"""Symphony's deferred batch scheduling: a batch waits until one more frame would not fit into it any longer.

Chen et al., Symphony: Optimized DNN Model Serving using Deferred Batch Scheduling, arXiv 2308.07470;
abcdabcd987/nexuslb, src/nexus/dispatcher/rankmt/model_thread.cpp (UpdateCandidate). The candidate is the largest batch that can
be in time. With d the deadline of its first frame and l(b) the duration of a batch of b, it can be started from d - l(b + 1) on
("frontrun": from then on no larger batch is possible) up to d - l(b) ("latest"). The repository aims at a batch that it
estimates from the rate of arrivals and enlarges where that is free; the largest that can be in time is no smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from baselines.base import Baseline
from framebatch.scheduling import Shed, Waiting, WaitUntil
from framebatch.scheduling.window import widest

if TYPE_CHECKING:
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
        late, size = widest(deadlines, 0, len(deadlines), start_ns=start_ns, high_ns=service_ns, limit=self.max_batch)
        if late:
            return Shed(late)
        if size == self.max_batch:
            return self.run(size)
        frontrun_ns = deadlines[0] - service_ns[size + 1]
        return self.run(size) if start_ns >= frontrun_ns else WaitUntil(frontrun_ns)
