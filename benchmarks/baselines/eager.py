"""Eager: whenever the device is free, run what is queued, without those that would be late in that batch.

No source: the rule that never waits and wastes nothing, against which the latency at light load is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from baselines.base import Baseline
from framebatch.scheduling import Shed, Waiting, WaitUntil

if TYPE_CHECKING:
    from framebatch.scheduling import Decision, Pending

__all__ = ["Eager"]

F = TypeVar("F", bound=Waiting)


class Eager(Baseline):
    """Up to the largest batch, at once."""

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """Drop from the head until the batch of what is left is in time for its head."""
        deadlines, total = pending.deadlines, len(pending)
        for late in range(total):
            count = min(total - late, self.max_batch)
            if start_ns + self.service_ns[count] <= deadlines[late]:
                return Shed(late) if late else self.run(count)
        return Shed(total) if total else WaitUntil(None)
