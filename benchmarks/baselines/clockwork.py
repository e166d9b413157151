"""Clockwork: a queue for each of a few batch sizes, without the frames that cannot start such a batch in time.

Gujarati et al., Serving DNNs like Clockwork: Performance Predictability from the Bottom Up, OSDI 2020, section 5; its
repository, src/clockwork/controller/infer5/infer5_scheduler.cpp (try_dequeue). A batch of so many must start by the
deadline of its first frame less its duration; a size whose queue has enough frames can be run, and the largest is. The
frames that a larger batch passes over are dropped. Sizes are powers of two, as its models are compiled for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from baselines.base import Baseline
from framebatch.scheduling import Shed, Waiting, WaitUntil

if TYPE_CHECKING:
    from framebatch.profile import LatencyTable
    from framebatch.scheduling import Decision, Pending

__all__ = ["Clockwork"]

F = TypeVar("F", bound=Waiting)


class Clockwork(Baseline):
    """Whenever the device is free, run the largest batch that can start in time.

    Attributes:
        sizes: of batches, descending.
    """

    def __init__(self, table: LatencyTable, deadline_ns: int) -> None:
        super().__init__(table, deadline_ns)
        self.sizes = [1 << power for power in reversed(range(table.max_batch.bit_length()))]

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """Frames are dropped when even a batch of one cannot start in time, or for a larger batch."""
        if not len(pending):
            return WaitUntil(None)
        for size in self.sizes:
            late = pending.before(start_ns + self.service_ns[size])
            if len(pending) - late >= size:
                return Shed(late) if late else self.run(size)
        return Shed(len(pending))
