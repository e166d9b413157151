"""The rule: what to do with the device now. Pure; `decide` changes nothing it is given.

Where the device keeps up, batches form by themselves: whatever waits when the device becomes free is taken. Under
overload the adaptive drop window (`window`) refuses early and keeps the batch large. Where frames can be expected
(`arrivals`) and few of them fit into a deadline, a plan is made for them together with those that wait (`lookahead`).
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final, TypeVar

from framebatch.clock import SECOND_NS, ns_to_ms
from framebatch.scheduling.admission import Newcomer, refusal
from framebatch.scheduling.arrivals import Arrivals
from framebatch.scheduling.decisions import Decision, Run, Shed, WaitUntil, Why
from framebatch.scheduling.fairness import Shares
from framebatch.scheduling.lookahead import plan
from framebatch.scheduling.options import PolicyOptions
from framebatch.scheduling.outlook import Times, outlook
from framebatch.scheduling.pending import Pending, Waiting
from framebatch.scheduling.window import densest, drains, largest_within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framebatch.scheduling.drift import ServiceEstimate
    from framebatch.scheduling.outlook import Choice, Outlook

__all__ = ["Policy"]

F = TypeVar("F", bound=Waiting)

HEAVY_LOAD: Final = 0.97
LOAD_BATCHES: Final = 12
"""Full batches for whose duration arrivals are counted."""
BUDGET_GROWS: Final = 1.05
"""What is known of the shortest budget of critical frames is raised by so much with each that has a longer one."""
CRITICAL_NS: Final = 600 * SECOND_NS
"""So long after the last critical frame the next one is reckoned with: batches are kept short for it."""
GRAINS: Final = 64
"""In the shortest batch: waits and differences of arrival times below one are not made."""
FORESEEN: Final = 0.15
"""Of the frames must have been expected lately: a plan that knows nothing of what comes keeps no room for it."""
HORIZON: Final = 2
"""Plans reach so many budgets ahead."""
FEW: Final = 12
"""Dynamic programming is used where no more sizes of batches than these fit into a deadline, """
FEW_WAITING: Final = 24
"""no more frames wait, """
FEW_FRAMES: Final = 32
"""and it considers so many, the expected ones included."""


DEFAULTS: Final = PolicyOptions()


class Policy:
    """Decides for one device.

    Owns the estimate of service times, of the load and of what is expected. It is told of every frame that arrives
    (`arrived`) and that can be run (`ready`), of those that go into a batch (`taken`) and of every finished batch
    (`estimate.observe`), and is asked to `decide` whenever one of these has happened or a wait is over. All deadlines are compared with the moment at which an answer leaves: the batch's completion plus
    `after_ns`, the time that the host needs to turn device output into an answer.

    What a frame is here may be one of several rows that a frame takes; every row is counted.

    Attributes:
        options: which ideas are used.
        estimate: how long batches take.
        arrivals: who is expected.
        shares: who was served.
        after_ns: set by the owner as it learns.
        max_batch: the largest batch that is run; see `limit_batch`.
        other_load: `load` of the others that share the device, set by who knows them.
    """

    def __init__(self, estimate: ServiceEstimate, *, after_ns: int = 0, options: PolicyOptions = DEFAULTS) -> None:
        self.options = options
        self.estimate = estimate
        self.arrivals = Arrivals(estimate.table.by_size_ns[1] // GRAINS)
        self.shares = Shares()
        self.after_ns = after_ns
        self.max_batch: int = estimate.table.max_batch
        self.other_load = 0.0
        self._critical_ns = 0
        self._critical_budget_ns = estimate.table.service_ns[-1] * 2
        self._load_window_ns = LOAD_BATCHES * estimate.table.service_ns[-1]
        self._window_start_ns = 0
        self._window_count = 0
        self._rate_per_ns = 0.0

    def __repr__(self) -> str:
        return f"Policy(load={self.load:.2f}, after={ns_to_ms(self.after_ns):.1f} ms, {self.estimate!r})"

    @property
    def load(self) -> float:
        """Arrival rate over what the device can do in batches as large as budgets allow; above 1 frames must be lost."""
        return self._rate_per_ns * self._frame_ns()

    @property
    def rate_per_ns(self) -> float:
        """Rows that arrive in a nanosecond, of late."""
        return self._rate_per_ns

    @property
    def carried_per_second(self) -> float:
        """Rows that the device could answer in batches as large as budgets allow; what `load` is measured against."""
        return SECOND_NS / self._frame_ns()

    def load_at(self, now_ns: int) -> float:
        """The load, for people: it falls when no frame comes any more, though nobody tells this object. O(1)."""
        elapsed_ns = now_ns - self._window_start_ns
        if elapsed_ns <= 2 * self._load_window_ns:
            return self.load
        return self._window_count / elapsed_ns * self._frame_ns()

    def _frame_ns(self) -> float:
        """Device time of a frame in the largest batch that could be in time."""
        budget_ns = self.arrivals.budget_ns - self.after_ns
        size = self.max_batch if budget_ns <= 0 else largest_within(self.estimate.mid_ns, budget_ns, self.max_batch)
        size = max(1, size)
        return self.estimate.mid_ns[size] / size

    @property
    def overloaded(self) -> bool:
        """Whether the device is asked for about as much as it can do, or more."""
        return self.load + self.other_load >= HEAVY_LOAD

    def overloaded_at(self, now_ns: int) -> bool:
        """The same, for people: see `load_at`."""
        return self.load_at(now_ns) + self.other_load >= HEAVY_LOAD

    def limit_batch(self, frames: int) -> None:
        """Run no larger batches from now on; at least 1, and never more than the table knows."""
        self.max_batch = max(1, min(frames, self.estimate.table.max_batch))

    def arrived(self, now_ns: int, rows: int = 1) -> None:
        """Count one arrival. O(1)."""
        elapsed_ns = now_ns - self._window_start_ns
        self._window_count += rows
        if elapsed_ns >= self._load_window_ns:
            rate = self._window_count / elapsed_ns
            self._rate_per_ns = rate if elapsed_ns > 2 * self._load_window_ns else (self._rate_per_ns + rate) / 2
            self._window_start_ns = now_ns
            self._window_count = 0
            self.shares.load = self.load + self.other_load

    def ready(self, camera: str, now_ns: int, deadline_ns: int, rows: int = 1, next_ns: int = 0) -> None:
        """Learn from a frame that can be run from now on: when its camera sends, and that it wants its share.

        `next_ns`: when the camera's next frame will be ready, by the sender's hint; 0: not told.
        """
        if self.options.predict:
            self.arrivals.heard(camera, now_ns, deadline_ns - now_ns, rows, next_ns)
        self.shares.came(camera)
        if camera in self.shares.critical:
            self._critical_ns = now_ns
            self._critical_budget_ns = min(deadline_ns - now_ns, round(BUDGET_GROWS * self._critical_budget_ns))

    def taken(self, cameras: Iterable[str]) -> None:
        """Frames of these cameras go into a batch."""
        for camera in cameras:
            self.shares.served(camera)

    def refusal(
        self,
        pending: Pending[F],
        deadline_ns: int,
        *,
        ready_ns: int,
        start_ns: int,
        now_ns: int,
        rows: int = 1,
        camera: str = "",
    ) -> str | None:
        """Why a frame that arrives now will not be answered in time; None when it may be. See `admission.Newcomer`."""
        new = Newcomer(camera, deadline_ns, ready_ns=ready_ns, start_ns=start_ns, now_ns=now_ns, rows=rows)
        return refusal(self, pending, new)

    def work_ns(self, rows: int) -> int:
        """How long the device needs for so many in the largest batches that are run."""
        full, rest = divmod(rows, self.max_batch)
        return full * self.estimate.mid_ns[self.max_batch] + self.estimate.mid_ns[rest]

    def hopeless(self, pending: Pending[F], start_ns: int) -> int:
        """How many ready frames at the head could not be answered in time even alone, with luck. O(log n)."""
        return pending.before(start_ns + self.estimate.low_ns[1] + self.after_ns)

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """What to do with the device, given that a batch committed now starts at `start_ns`.

        The drop window takes O(log n log B) for n waiting frames and batches up to B, O(n log B) when the drain of a
        queue is checked; for plans see `lookahead.plan`, which is used for short queues only.
        """
        hopeless = self.hopeless(pending, start_ns)
        if hopeless:
            return Shed(hopeless)
        if not len(pending):
            return WaitUntil(None)
        limit = self.max_batch
        if self.shares.critical and start_ns - self._critical_ns < CRITICAL_NS:
            limit = self._limit_for_critical()
            decision = self._by_class(pending, start_ns, limit)
            if decision is not None:
                return decision
        decision = self._by_plan(pending, start_ns, limit)
        if decision is None:
            decision = self._by_window(pending, start_ns, limit)
        if isinstance(decision, Run) and self.options.fair and self.overloaded:
            return self._by_share(pending, decision, start_ns)
        return decision

    def _by_share(self, pending: Pending[F], run: Run, start_ns: int) -> Run:
        """The same batch with those frames that deserve it most, of all that can be in no later batch of this size.

        These all have later deadlines than the head, so whichever are chosen are in time; and as many are lost.
        """
        length_ns = self.estimate.high_ns[run.count]
        begin = pending.before(start_ns + length_ns + self.after_ns)
        end = pending.before(start_ns + 2 * length_ns + self.after_ns)
        if end - begin <= run.count:
            return run
        chosen = self.shares.choose(pending.cameras(begin, end), run.count)
        return Run(run.count, run.bucket, tuple(begin + at for at in chosen), run.why)

    def _limit_for_critical(self) -> int:
        """No batch takes more than half a budget, so that a critical frame which just missed one is in the next."""
        return max(1, largest_within(self.estimate.high_ns, self._critical_budget_ns // 2, self.max_batch))

    def _by_class(self, pending: Pending[F], start_ns: int, limit: int) -> Decision | None:
        """While a critical frame waits: the largest batch that is in time for the first of them, all others behind."""
        cameras = pending.cameras(0, len(pending))
        critical = self.shares.critical
        first = next((at for at, camera in enumerate(cameras) if camera in critical), -1)
        if first < 0:
            return None
        high_ns = self.estimate.high_ns
        start_ns += self.after_ns
        deadlines = pending.deadlines
        count = max(1, largest_within(high_ns, deadlines[first] - start_ns, min(limit, len(cameras))))
        begin = min(first, pending.before(start_ns + high_ns[count]))
        if begin:
            return Shed(begin)
        chosen = self.shares.choose(cameras, count)
        why = Why.FULL if count == self.max_batch else Why.CRITICAL
        return Run(count, self.estimate.table.bucket_for(count), chosen, why)

    def _by_plan(self, pending: Pending[F], start_ns: int, limit: int) -> Decision | None:
        """The beginning of a plan for what waits and is expected; None where too little, or too much, is expected."""
        if not self.options.look_ahead or self.arrivals.foreseen < FORESEEN or len(pending) > FEW_WAITING:
            return None
        budget_ns = max(pending.deadlines[-1] - start_ns, self.arrivals.budget_ns) - self.after_ns
        fits = largest_within(self.estimate.mid_ns, budget_ns, limit)
        buckets = self.estimate.table.buckets
        sizes = range(1, fits + 1) if fits <= FEW else buckets[: bisect_right(buckets, fits)]
        if len(sizes) > FEW:
            return None
        view = self._outlook(pending, start_ns, budget_ns)
        if fits > FEW and view.end_ns < start_ns + budget_ns:
            return None  # so many come that the plan would not see those of the next batch
        times = Times(self.estimate.low_ns, self.estimate.mid_ns, self.estimate.high_ns, sizes)
        choice = plan(view, times, self._frame_ns())
        return None if choice is None else self._carry_out(choice, view, limit)

    def _outlook(self, pending: Pending[F], start_ns: int, budget_ns: int) -> Outlook:
        deadlines_ns = pending.deadlines
        room = FEW_FRAMES - len(deadlines_ns)
        end_ns = start_ns + HORIZON * budget_ns
        expected = self.arrivals.expected(start_ns, end_ns, room)
        if len(expected) >= room:
            end_ns = expected[-1].time_ns
        worth: list[float] | None = None
        if self.options.fair and self.overloaded:
            cameras = (*pending.cameras(0, len(pending)), *(each.camera for each in expected))
            worth = list(accumulate(map(self.shares.weight, cameras), initial=0.0))
        return outlook(deadlines_ns, expected, start_ns=start_ns, end_ns=end_ns, after_ns=self.after_ns, worth=worth)

    def _carry_out(self, choice: Choice, view: Outlook, limit: int) -> Decision | None:
        """Start the plan, or wait until it starts; look again when a frame that it counts on is late.

        None where waiting any longer would lose all frames that wait, for others that may not come.
        """
        if choice.start_ns > view.start_ns:
            latest_ns = view.deadlines_ns[view.waiting - 1] - self.estimate.high_ns[1]
            if latest_ns <= view.start_ns:
                return None
            return WaitUntil(min(choice.start_ns, view.ready_ns[view.waiting], latest_ns))
        if choice.skip:
            return Shed(choice.skip)
        size = choice.size
        if size == limit:
            why = self._why_no_larger(limit)
        elif size < len(view.ready_ns) and view.ready_ns[size] + self.estimate.high_ns[size + 1] > view.deadlines_ns[0]:
            why = Why.DEADLINE
        else:
            why = Why.PREDICTED
        return Run(size, self.estimate.table.bucket_for(size), why=why)

    def _by_window(self, pending: Pending[F], start_ns: int, limit: int) -> Decision:
        """The adaptive drop window."""
        hopeless = pending.before(start_ns + self.estimate.high_ns[1] + self.after_ns)
        if hopeless:
            return Shed(hopeless)
        high_ns = self.estimate.high_ns
        deadlines = pending.deadlines
        start_ns += self.after_ns
        most = min(len(deadlines), limit)
        fits_head = largest_within(high_ns, deadlines[0] - start_ns, most)
        if fits_head == most or (
            not self.overloaded and drains(None, deadlines, start_ns=start_ns, high_ns=high_ns, limit=limit)
        ):
            return self._run(fits_head, limit, Why.IDLE if fits_head == len(deadlines) else Why.DEADLINE)
        buckets = self.estimate.table.buckets
        first, size = densest(deadlines, start_ns=start_ns, high_ns=high_ns, buckets=buckets, limit=limit)
        return Shed(first) if first else self._run(size, limit, Why.OVERLOAD)

    def _run(self, count: int, limit: int, why: Why) -> Run:
        """The batch, cut to a full bucket where padding would make it slower per frame than that."""
        buckets = self.estimate.table.buckets
        at = bisect_right(buckets, count) - 1
        below = buckets[at]
        high_ns = self.estimate.high_ns
        if below < count and below * high_ns[count] > count * high_ns[below] and self.overloaded:
            count, why = below, Why.OVERLOAD
        if count == limit:
            why = self._why_no_larger(limit)
        return Run(count, self.estimate.table.bucket_for(count), why=why)

    def _why_no_larger(self, limit: int) -> Why:
        """Why a batch of `limit` has that limit."""
        return Why.FULL if limit == self.max_batch else Why.CRITICAL
