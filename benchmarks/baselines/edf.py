"""Earliest deadline first without early drop: the head of the queue sets the batch, and is dropped when it is lost.

Liu and Layland, Scheduling Algorithms for Multiprogramming in a Hard-Real-Time Environment, J. ACM 20(1), 1973,
section 7 (the order); "lazy drop" in Nexus (Shen et al., SOSP 2019), which shows what is wrong with it:
under overload the head can only just make it, so batches stay small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from baselines.base import Baseline
from framebatch.scheduling import Shed, Waiting, WaitUntil
from framebatch.scheduling.window import largest_within

if TYPE_CHECKING:
    from framebatch.scheduling import Decision, Pending

__all__ = ["EarliestDeadline"]

F = TypeVar("F", bound=Waiting)


class EarliestDeadline(Baseline):
    """The largest batch from the head that is in time for the head, at once."""

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """Drop only those that are late even alone."""
        lost = pending.before(start_ns + self.service_ns[1])
        if lost:
            return Shed(lost)
        if not len(pending):
            return WaitUntil(None)
        limit = min(len(pending), self.max_batch)
        return self.run(largest_within(self.service_ns, pending.deadlines[0] - start_ns, limit))
