"""Nexus' early drop: a window as long as the planned batch slides over the queue until its head can make that batch.

Shen et al., Nexus: A GPU Cluster Engine for Accelerating DNN-Based Video Analysis, SOSP 2019, section 6.3; uwsampl/nexus,
src/nexus/backend/model_exec.cpp (GetBatchTask). The planned batch is that of a device with one model:
the largest that takes half of the deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from baselines.base import Baseline, half_the_budget
from framebatch.scheduling import Shed, Waiting, WaitUntil

if TYPE_CHECKING:
    from framebatch.profile import LatencyTable
    from framebatch.scheduling import Decision, Pending

__all__ = ["Nexus"]

F = TypeVar("F", bound=Waiting)


class Nexus(Baseline):
    """Whenever the device is free, run the first window that is in time; what lies before it is dropped.

    Attributes:
        planned: batch size.
    """

    def __init__(self, table: LatencyTable, deadline_ns: int) -> None:
        super().__init__(table, deadline_ns)
        self.planned = half_the_budget(table, deadline_ns)

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """The window is shorter than planned where fewer frames are left."""
        deadlines, total = pending.deadlines, len(pending)
        for late in range(total):
            count = min(total - late, self.planned)
            if start_ns + self.service_ns[count] <= deadlines[late]:
                return Shed(late) if late else self.run(count)
        return Shed(total) if total else WaitUntil(None)
