"""Which batches a device has, and when the next one is handed over: just in time. Pure; no batch is looked into.

Two may be in flight: one runs, and a second is filled and copied meanwhile. The second is handed over as late as that
allows, so that frames which arrive until then can still be in it: strict serial execution leaves the device idle between
batches, and handing over as early as possible commits to small ones.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, Protocol, TypeVar

from framebatch.clock import MILLISECOND_NS
from framebatch.scheduling.smoothed import Smoothed

__all__ = ["LANES", "InFlight", "Running"]

LANES: Final = 2
"""Batches that a device may have at a time."""


class Running(Protocol):
    """Something that takes the device for a while."""

    dispatched_ns: int
    """When it was handed over."""
    finish_ns: int
    """When the device is expected to have finished it."""

    @property
    def alone(self) -> bool:
        """Whether nothing else may be in flight meanwhile."""

    def expected_ns(self) -> int:
        """How long the device will take, by the present estimate."""


J = TypeVar("J", bound=Running)


class InFlight(Generic[J]):
    """What a device has now, in the order in which it was handed over.

    Invariants: at most `lanes` at a time; finish times never fall.

    Attributes:
        before: from handing a batch over to its being filled.
        jobs: the oldest, which runs, comes first.
    """

    def __init__(self, *, slack_ns: int, lanes: int = LANES, before_ns: int = MILLISECOND_NS) -> None:
        """Have nothing.

        Args:
            slack_ns: how late the host may wake: batches are handed over so much earlier.
            lanes: how many it may have at a time.
            before_ns: what filling a batch is taken to need until that was seen.
        """
        self.before = Smoothed(before_ns)
        self.jobs: deque[J] = deque()
        self._slack_ns = slack_ns
        self._lanes = lanes

    def __repr__(self) -> str:
        return f"InFlight({len(self.jobs)} of {self._lanes}, {self.before!r})"

    def next_start_ns(self, now_ns: int) -> int:
        """When a batch that is handed over now would start on the device."""
        start_ns = now_ns + self.before.cautious_ns
        return max(start_ns, self.jobs[-1].finish_ns) if self.jobs else start_ns

    @property
    def full(self) -> bool:
        """Whether nothing can be handed over before something has finished."""
        return len(self.jobs) >= self._lanes or (bool(self.jobs) and self.jobs[0].alone)

    def commit_ns(self) -> int:
        """From when on the next one is to be handed over, where there is room: 0 for an idle device."""
        return self.jobs[-1].finish_ns - self.before.cautious_ns - self._slack_ns if self.jobs else 0

    def start(self, job: J, now_ns: int, start_ns: int) -> None:
        """It was handed over, and will start then."""
        job.dispatched_ns = now_ns
        job.finish_ns = start_ns + job.expected_ns()
        self.jobs.append(job)

    def finished(self, job: J) -> None:
        """It came back."""
        self.jobs.remove(job)

    def learned(self, *, dispatched_ns: int, submitted_ns: int, finished_ns: int) -> None:
        """A batch came back with these times: correct what is expected of the one behind it."""
        self.before.observe(submitted_ns - dispatched_ns)
        if self.jobs:
            following = self.jobs[0]
            begin_ns = max(finished_ns, following.dispatched_ns + round(self.before.mean_ns))
            following.finish_ns = begin_ns + following.expected_ns()
