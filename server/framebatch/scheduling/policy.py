"""The rule: an adaptive drop window over frames ordered by deadline. Pure; `decide` changes nothing it is given.

Where the device keeps up, batches form by themselves: whatever waits when the device becomes free is taken. Under
overload the rule refuses early and keeps the batch large, because running a frame that can no longer make it costs
everyone behind it. The window is the number of frames taken; frames at the head that would force a smaller window
than the others allow are refused. Close relatives: Nexus (Shen et al., SOSP 2019, early drop) and Symphony
(Chen et al., arXiv 2308.07470).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final, TypeVar

from framebatch.clock import SECOND_NS, ns_to_ms
from framebatch.scheduling.pending import Pending, Waiting

if TYPE_CHECKING:
    from framebatch.scheduling.drift import ServiceEstimate

__all__ = ["Decision", "Policy", "Run", "Shed", "WaitUntil"]

F = TypeVar("F", bound=Waiting)

HEAVY_LOAD: Final = 0.97
LOAD_WINDOW_NS: Final = SECOND_NS


@dataclass(frozen=True, slots=True)
class Run:
    """Run the first `count` ready frames now, padded to `bucket`."""

    count: int
    bucket: int


@dataclass(frozen=True, slots=True)
class Shed:
    """Answer the first `count` ready frames EXPIRED now: no schedule worth having can still meet their deadlines."""

    count: int


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Nothing to do before `time_ns`, or before the next event when that is None."""

    time_ns: int | None


Decision = Run | Shed | WaitUntil


class Policy:
    """Decides for one device.

    Owns the estimate of service times and of the load; it is told of arrivals and finished batches and asked for
    decisions. All deadlines are compared with the moment at which an answer leaves: the batch's completion plus
    `after_ns`, the time that the host needs to turn device output into an answer.

    What a frame is here may be one of several rows that a frame takes; every row is counted.

    Attributes:
        estimate: how long batches take.
        after_ns: set by the owner as it learns.
        max_batch: the largest batch that is run; see `limit_batch`.
        other_load: `load` of the others that share the device, set by who knows them.
    """

    def __init__(self, estimate: ServiceEstimate, *, after_ns: int = 0) -> None:
        self.estimate = estimate
        self.after_ns = after_ns
        self.max_batch: int = estimate.table.max_batch
        self.other_load = 0.0
        self._window_start_ns = 0
        self._window_count = 0
        self._rate_per_ns = 0.0

    def __repr__(self) -> str:
        return f"Policy(load={self.load:.2f}, after={ns_to_ms(self.after_ns):.1f} ms, {self.estimate!r})"

    @property
    def load(self) -> float:
        """Arrival rate over what the device can do in full batches; above 1 frames must be lost."""
        return self._rate_per_ns * self.estimate.mid_ns[self.max_batch] / self.max_batch

    def load_at(self, now_ns: int) -> float:
        """The load, for people: it falls when no frame comes any more, though nobody tells this object. O(1)."""
        elapsed_ns = now_ns - self._window_start_ns
        if elapsed_ns <= 2 * LOAD_WINDOW_NS:
            return self.load
        return self._window_count / elapsed_ns * self.estimate.mid_ns[self.max_batch] / self.max_batch

    @property
    def overloaded(self) -> bool:
        """Whether the device is asked for about as much as it can do, or more."""
        return self.load + self.other_load >= HEAVY_LOAD

    def limit_batch(self, frames: int) -> None:
        """Run no larger batches from now on; at least 1, and never more than the table knows."""
        self.max_batch = max(1, min(frames, self.estimate.table.max_batch))

    def arrived(self, now_ns: int, rows: int = 1) -> None:
        """Count one arrival. O(1)."""
        elapsed_ns = now_ns - self._window_start_ns
        self._window_count += rows
        if elapsed_ns >= LOAD_WINDOW_NS:
            rate = self._window_count / elapsed_ns
            self._rate_per_ns = rate if elapsed_ns > 2 * LOAD_WINDOW_NS else (self._rate_per_ns + rate) / 2
            self._window_start_ns = now_ns
            self._window_count = 0

    def refusal(
        self, pending: Pending[F], deadline_ns: int, *, ready_ns: int, start_ns: int, now_ns: int, rows: int = 1
    ) -> str | None:
        """Why a frame that arrives now cannot be answered in time by any schedule; None when it can. O(log n).

        Args:
            pending: what waits already; frames that are still preparing count as ahead of the new one.
            deadline_ns: of the new frame.
            ready_ns: when its pixels will be there.
            start_ns: the earliest start of the next batch.
            now_ns: the current time.
            rows: places of a batch that it takes.
        """
        ahead = pending.ahead_of(deadline_ns) + pending.preparing
        if ahead + rows <= self.max_batch:
            feasible_ns = max(ready_ns, start_ns) + self.estimate.mid_ns[ahead + rows] + self.after_ns
        else:
            backlog_ns = start_ns + self.work_ns(ahead + rows)
            ready_ns = max(ready_ns, start_ns) + self.work_ns(max(rows, self.max_batch))
            feasible_ns = max(backlog_ns, ready_ns) + self.after_ns
        if feasible_ns <= deadline_ns:
            return None
        budget_ms = ceil(ns_to_ms(feasible_ns - now_ns))  # rounded up: what is named must be enough
        return f"cannot be answered in time: {ahead} frames are ahead; the smallest budget that fits is {budget_ms} ms"

    def work_ns(self, rows: int) -> int:
        """How long the device needs for so many in the largest batches that are run."""
        full, rest = divmod(rows, self.max_batch)
        return full * self.estimate.mid_ns[self.max_batch] + self.estimate.mid_ns[rest]

    def hopeless(self, pending: Pending[F], start_ns: int) -> int:
        """How many ready frames at the head could not be answered in time even alone. O(log n)."""
        return pending.before(start_ns + self.estimate.high_ns[1] + self.after_ns)

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """What to do with the device, given that a batch committed now starts at `start_ns`.

        O(log n log B) for n waiting frames and batches up to B; O(n log B) when the drain of a queue is checked.
        """
        hopeless = self.hopeless(pending, start_ns)
        if hopeless:
            return Shed(hopeless)
        waiting = len(pending)
        if not waiting:
            return WaitUntil(None)
        limit = min(waiting, self.max_batch)
        deadlines = pending.deadlines
        fits_head = min(limit, self._largest_within(deadlines[0] - start_ns))
        if fits_head == limit or (not self.overloaded and self._drains(pending, start_ns)):
            return self._run(fits_head)
        window = self._window(pending, start_ns, limit)
        skipped = pending.before(start_ns + self.estimate.high_ns[window] + self.after_ns)
        return Shed(skipped) if skipped else self._run(window)

    def _run(self, count: int) -> Run:
        """The batch, cut to a full bucket where padding would make it slower per frame than that."""
        buckets = self.estimate.table.buckets
        at = bisect_right(buckets, count) - 1
        below = buckets[at]
        high_ns = self.estimate.high_ns
        if below < count and below * high_ns[count] > count * high_ns[below] and self.overloaded:
            count = below
        return Run(count, self.estimate.table.bucket_for(count))

    def _largest_within(self, budget_ns: int) -> int:
        """The largest batch that completes, answers included, within `budget_ns`."""
        return bisect_right(self.estimate.high_ns, budget_ns - self.after_ns) - 1

    def _drains(self, pending: Pending[F], start_ns: int) -> bool:
        """Whether taking the largest feasible batch from the head, again and again, loses no frame."""
        deadlines = pending.deadlines
        high_ns = self.estimate.high_ns
        at = 0
        while at < len(deadlines):
            size = min(self._largest_within(deadlines[at] - start_ns), len(deadlines) - at, self.max_batch)
            if size < 1:
                return False
            start_ns += high_ns[size]
            at += size
        return True

    def _window(self, pending: Pending[F], start_ns: int, limit: int) -> int:
        """The largest m for which at least m frames can still be answered after a batch of m. At least 1.

        The count of feasible frames falls and m grows with m, so the largest is found by bisection.
        """
        waiting = len(pending)
        high_ns = self.estimate.high_ns
        low, high = 1, limit
        while low < high:
            middle = (low + high + 1) // 2
            if waiting - pending.before(start_ns + high_ns[middle] + self.after_ns) >= middle:
                low = middle
            else:
                high = middle - 1
        return low
