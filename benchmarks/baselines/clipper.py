"""Clipper's adaptive batching: additive increase, multiplicative decrease of the largest batch.

Crankshaw et al., Clipper: A Low-Latency Online Prediction Serving System, NSDI 2017, section 4.3: the largest batch grows
by a fixed amount until a batch takes longer than the latency objective, then shrinks by 10 %. Frames are not refused
before they have expired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from baselines.base import Baseline
from framebatch.scheduling import ServiceEstimate, Shed, Waiting, WaitUntil

if TYPE_CHECKING:
    from framebatch.profile import LatencyTable
    from framebatch.scheduling import Decision, Pending

__all__ = ["Clipper"]

F = TypeVar("F", bound=Waiting)

INCREASE: Final = 1
BACK_OFF: Final = 0.9


class Limit(ServiceEstimate):
    """The largest batch, as it is learned from batches.

    Attributes:
        objective_ns: no batch shall take longer.
        frames: the largest batch now.
    """

    def __init__(self, table: LatencyTable, objective_ns: int) -> None:
        super().__init__(table)
        self.objective_ns = objective_ns
        self.frames = 1

    def __repr__(self) -> str:
        return f"Limit({self.frames})"

    def observe(self, frames: int, service_ns: int) -> None:
        """Grow after a full batch in time; shrink after one that took too long."""
        if service_ns > self.objective_ns:
            self.frames = max(1, int(BACK_OFF * self.frames))
        elif frames == self.frames:
            self.frames = min(self.table.max_batch, self.frames + INCREASE)


class Clipper(Baseline):
    """Whenever the device is free, run what is queued, up to the limit."""

    def __init__(self, table: LatencyTable, deadline_ns: int) -> None:
        super().__init__(table, deadline_ns)
        self.estimate: Limit = Limit(table, deadline_ns)

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """Drop the expired, run the others."""
        expired = pending.before(start_ns)
        if expired:
            return Shed(expired)
        return self.run(min(len(pending), self.estimate.frames)) if len(pending) else WaitUntil(None)
