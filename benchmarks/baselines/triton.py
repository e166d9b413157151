"""Triton's dynamic batcher: a preferred batch at once, a smaller one when its oldest frame has waited for long enough.

triton-inference-server/core, src/dynamic_batch_scheduler.cc (GetDynamicBatch), and the options preferred_batch_size,
max_queue_delay_microseconds and default_queue_policy (timeout_action REJECT) of the model configuration. Triton does
not know how long a batch takes; whoever configures it does, and the largest batch allowed is the preferred one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from baselines.base import Baseline, half_the_budget
from framebatch.scheduling import Shed, Waiting, WaitUntil

if TYPE_CHECKING:
    from framebatch.profile import LatencyTable
    from framebatch.scheduling import Decision, Pending

__all__ = ["Triton"]

F = TypeVar("F", bound=Waiting)


class Triton(Baseline):
    """With the preferred batch that takes half of the deadline.

    Attributes:
        preferred: batch size.
        delay_ns: the longest that a frame waits for others.
        timeout_ns: a frame that has waited for longer is refused.
    """

    def __init__(self, table: LatencyTable, deadline_ns: int) -> None:
        """With the delay of a quarter of the deadline; frames are refused when they have expired."""
        super().__init__(table, deadline_ns)
        self.preferred = half_the_budget(table, deadline_ns)
        self.delay_ns = deadline_ns // 4
        self.timeout_ns = deadline_ns

    @classmethod
    def tuned(cls, table: LatencyTable, deadline_ns: int) -> Self:
        """Set by hand by someone who knows the curve: a frame is refused that a preferred batch would make late."""
        batcher = cls(table, deadline_ns)
        batcher.timeout_ns = deadline_ns - table.by_size_ns[batcher.preferred]
        return batcher

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """Ages follow from deadlines, as these are as long for all."""
        timed_out = pending.before(start_ns + self.deadline_ns - self.timeout_ns)
        if timed_out:
            return Shed(timed_out)
        waiting = len(pending)
        if not waiting:
            return WaitUntil(None)
        until_ns = pending.deadlines[0] - self.deadline_ns + self.delay_ns
        if waiting >= self.preferred or start_ns >= until_ns:
            return self.run(min(waiting, self.preferred))
        return WaitUntil(until_ns)
