"""What every baseline has in common: the side that a host sees, and a latency curve that follows the device.

The papers plan with curves that were measured beforehand (Clockwork: with the last few measurements). Here all of them
are given the estimate of this project's policy, which follows a device that slows down, so that they differ in nothing
but their rule. All frames have the same relative deadline; order of arrival is order of deadline.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from framebatch.scheduling import Run, ServiceEstimate, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from framebatch.profile import LatencyTable
    from framebatch.scheduling import Decision, Pending

__all__ = ["Baseline", "half_the_budget"]

F = TypeVar("F", bound=Waiting)


class Baseline(ABC):
    """A rule that decides from what waits; those that learn something override what they need.

    Attributes:
        deadline_ns: of each frame, after its arrival.
        estimate: of the service times.
        max_batch: the largest batch.
    """

    def __init__(self, table: LatencyTable, deadline_ns: int) -> None:
        self.deadline_ns = deadline_ns
        self.estimate = ServiceEstimate(table)
        self.max_batch = table.max_batch

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_batch={self.max_batch}, {self.estimate!r})"

    @property
    def service_ns(self) -> Sequence[int]:
        """What a batch of 0 .. `max_batch` frames takes, as far as is known now: the 90th percentile."""
        return self.estimate.high_ns

    def arrived(self, now_ns: int) -> None:  # noqa: B027 - an answer, not a gap
        """Nothing is learned from arrivals."""

    def ready(self, camera: str, now_ns: int, deadline_ns: int) -> None:  # noqa: B027 - an answer, not a gap
        """Nothing is learned from frames."""

    def taken(self, cameras: Iterable[str]) -> None:  # noqa: B027 - an answer, not a gap
        """Nothing is learned from who is served."""

    @abstractmethod
    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """What to do with the device, given that a batch committed now starts at `start_ns`."""

    def run(self, count: int) -> Run:
        """The first so many."""
        return Run(count, self.estimate.table.bucket_for(count))


def half_the_budget(table: LatencyTable, deadline_ns: int) -> int:
    """The largest batch that takes no more than half of the deadline, at least 1.

    A frame that just misses a batch is then in time with the next one.
    """
    fits = [size for size in range(1, table.max_batch + 1) if 2 * table.by_size_ns[size] <= deadline_ns]
    return max(fits, default=1)
