"""One physical device: its lanes, what runs on it, and whose turn is next among the models that share it.

What a batch holds and what becomes of it is its owner's business; no frame is known here. Everything runs on the event
loop, apart from `Job.work` (device lanes).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from framebatch.batching.workers import Workers
from framebatch.clock import MILLISECOND_NS, SECOND_NS, now_ns, ns_to_seconds
from framebatch.logs import event
from framebatch.scheduling import LANES, Claim, InFlight, Usage, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.batching.jobs import Job
    from framebatch.scheduling import Policy

__all__ = ["DeviceQueue", "Member"]

log = logging.getLogger(__name__)

TIMER_SLACK_NS: Final = MILLISECOND_NS
"""asyncio wakes up to this much late (its timers are rounded up to whole milliseconds)."""
KEEP_WARM_FOR_NS: Final = 60 * SECOND_NS
"""A device is kept warm so long after the last frame."""
HANG_AT_LEAST_NS: Final = 2 * SECOND_NS
STALL_NS: Final = SECOND_NS // 2
"""When the watchdog itself wakes so late the whole process was held up, and the device is given its time again."""


class Member(Protocol):
    """A model that shares the device. All calls are made on the event loop; none may block."""

    @property
    def policy(self) -> Policy:
        """What the model asks of the device."""

    @property
    def usage(self) -> Usage:
        """What it had of the device."""

    def latest_start_ns(self, start_ns: int) -> int | None:
        """When its most urgent frame must start; None when no ready frame could be answered after `start_ns`."""

    def next_job(self, now: int, start_ns: int) -> Job | None:
        """What it wants to run, given that this would start at `start_ns`; the caller runs it."""

    def ahead_ns(self, deadline_ns: int) -> int:
        """How long its ready frames with deadlines up to this one take."""

    def give_up_hopeless(self, start_ns: int) -> None:
        """Answer ready frames that cannot be answered in time when the next batch starts at `start_ns`."""

    def warm_job(self) -> Job | None:
        """A run of the smallest batch for nobody, if the model can do that."""

    def abandon(self, reason: str) -> None:
        """The device is lost: answer everything, accept nothing more."""


class DeviceQueue:
    """Lanes and jobs of one device. Must be made and used on the event loop.

    One job runs and a second one may be handed over, just before the first is due, so that it is filled and copied
    meanwhile. Members are asked in the order of `scheduling.order`; each decides with its own policy.

    Worst wait of a member that has frames: see `scheduling.order`, plus the batch that runs (batches are not stopped).
    """

    def __init__(
        self,
        name: str = "device",
        *,
        keep_warm_ns: int = 0,
        hang_at_least_ns: int = HANG_AT_LEAST_NS,
        on_hang: Callable[[str], None] | None = None,
        taken: Callable[[], bool] = lambda: False,
    ) -> None:
        """Start the lanes.

        Args:
            name: for people: in the log, and in the reason when the device hangs.
            keep_warm_ns: run the smallest batch for nobody after so much idleness, while frames came in the last
                minute: for devices that fall into low clocks. 0: never.
            hang_at_least_ns: nothing that takes less is called a hang, however short it should be.
            on_hang: told why, once, after everything was answered. The lanes are lost then; the process should end.
            taken: whether somebody who is no member has the device right now; what waits behind that does not hang.
        """
        self.name = name
        self._loop = asyncio.get_running_loop()
        self._keep_warm_ns = keep_warm_ns
        self._hang_at_least_ns = hang_at_least_ns
        self._on_hang = on_hang
        self._taken = taken
        self._lanes: Workers[Job] = Workers("lane", LANES, work=_work, deliver=self._finished, loop=self._loop)
        self._in_flight: InFlight[Job] = InFlight(slack_ns=TIMER_SLACK_NS)
        self._alone: deque[Job] = deque()
        self._members: list[Member] = []
        self._pump_timer: asyncio.TimerHandle | None = None
        self._pump_at_ns = 0
        self._watchdog: asyncio.TimerHandle | None = None
        self._watch_at_ns = 0
        self._warm_timer: asyncio.TimerHandle | None = None
        self._progress_ns = 0
        self._served_ns = 0
        self._hung = ""
        self._hop = asyncio.Event()

    def __repr__(self) -> str:
        state = f", hung: {self._hung}" if self._hung else ""
        return f"DeviceQueue({self.name}, {len(self._members)} models, running={len(self._in_flight.jobs)}{state})"

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits to run alone."""
        return bool(self._in_flight.jobs or self._alone)

    def add(self, member: Member) -> None:
        """From now on this one is asked too."""
        self._members.append(member)
        self._share_load()
        if self._hung:
            member.abandon(self._hung)

    def remove(self, member: Member) -> None:
        """Ask it no more; harmless where it is not asked. What it has on the device is finished."""
        if member in self._members:
            self._members.remove(member)
            self._share_load()

    def jobs_of(self, owner: object) -> int:
        """Jobs of this owner that run, or wait to run alone."""
        return sum(job.owner is owner for job in (*self._in_flight.jobs, *self._alone))

    async def finished_for(self, owner: object) -> None:
        """Wait until the device has nothing of this owner any more."""
        while self.jobs_of(owner) and not self._hung:
            self._hop.clear()
            await self._hop.wait()

    def start_for(self, member: Member, deadline_ns: int, now: int) -> int:
        """The earliest start of a batch of this member, given what is more urgent elsewhere.

        Under overload the members take turns, and no more is ahead elsewhere than the others' shares allow.
        """
        start = self._in_flight.next_start_ns(now)
        members = self._members
        if len(members) == 1:
            return start
        ahead_ns = sum(each.ahead_ns(deadline_ns) for each in members if each is not member)
        if member.policy.overloaded:
            ahead_ns = min(ahead_ns, (len(members) - 1) * member.ahead_ns(deadline_ns))
        return start + ahead_ns

    def pump(self) -> None:
        """Hand jobs over until that would be too early, or nobody wants to."""
        in_flight = self._in_flight
        while not self._hung:
            now = now_ns()
            start = in_flight.next_start_ns(now)
            if in_flight.jobs:
                blocked = bool(self._alone) or in_flight.full
                commit_ns = in_flight.commit_ns()
                if blocked or now < commit_ns:
                    # Too early to commit. What has become hopeless meanwhile is told at once.
                    for member in self._members:
                        member.give_up_hopeless(start)
                    if not blocked:
                        self.wake_at(commit_ns)
                    return
            job = self._alone.popleft() if self._alone else self._next_job(now, start)
            if job is None:
                return
            self._start(job, now, start)

    def wake_at(self, time_ns: int) -> None:
        """Pump at that time or earlier: waking too early costs one look."""
        if self._pump_timer is not None:
            if self._pump_at_ns <= time_ns:
                return
            self._pump_timer.cancel()
        self._pump_at_ns = time_ns
        self._pump_timer = self._loop.call_later(max(0, time_ns - now_ns()) / SECOND_NS, self._woken)

    def run_alone(self, job: Job) -> None:
        """Run it once the device is idle; nothing else starts before it is finished."""
        self._alone.append(job)
        self.pump()

    def learned(self, *, dispatched_ns: int, submitted_ns: int, finished_ns: int) -> None:
        """A batch came back with these times: correct what is expected of the one behind it."""
        self._in_flight.learned(dispatched_ns=dispatched_ns, submitted_ns=submitted_ns, finished_ns=finished_ns)
        self._served_ns = finished_ns
        if len(self._members) > 1:
            self._share_load()

    def close(self) -> None:
        """Stop threads and timers."""
        for timer in (self._pump_timer, self._watchdog, self._warm_timer):
            if timer is not None:
                timer.cancel()
        self._lanes.close()

    # Who is next -----------------------------------------------------------------------------------------------

    def _next_job(self, now: int, start_ns: int) -> Job | None:
        members = self._members
        if len(members) > 1:
            claims = [Claim(member.latest_start_ns(start_ns), member.usage.at(now)) for member in members]
            members = [members[at] for at in order(claims, overloaded=members[0].policy.overloaded)]
        for member in members:
            job = member.next_job(now, start_ns)
            if job is not None:
                return job
        return None

    def _share_load(self) -> None:
        """Each policy knows what the others ask of the device."""
        total = sum(member.policy.load for member in self._members)
        for member in self._members:
            member.policy.other_load = total - member.policy.load

    def _woken(self) -> None:
        self._pump_timer = None
        self.pump()

    # The lanes -------------------------------------------------------------------------------------------------

    def _start(self, job: Job, now: int, start_ns: int) -> None:
        if not self._in_flight.jobs:
            self._progress_ns = now
        self._in_flight.start(job, now, start_ns)
        self._lanes.put(job)
        self._watch(now + max(self._hang_at_least_ns, job.bound_ns()))

    def _finished(self, jobs: list[Job]) -> None:
        if self._hung:
            return
        self._progress_ns = now_ns()
        for job in jobs:
            self._in_flight.finished(job)
            try:
                job.finished()
            except Exception:
                log.exception(
                    "%s: what came of a job could not be handled; its frames will expire",
                    self.name,
                    extra=event("device.job_raised", device=self.name),
                )
        self._hop.set()
        self.pump()
        if self._keep_warm_ns and not self._in_flight.jobs and self._warm_timer is None:
            self._warm_timer = self._loop.call_later(ns_to_seconds(self._keep_warm_ns), self._keep_warm)

    def _keep_warm(self) -> None:
        self._warm_timer = None
        now = now_ns()
        if self._hung or self.busy or now - self._served_ns > KEEP_WARM_FOR_NS:
            return  # the next job that leaves the device idle starts the timer anew
        left_ns = self._progress_ns + self._keep_warm_ns - now
        if left_ns > 0:
            self._warm_timer = self._loop.call_later(ns_to_seconds(left_ns), self._keep_warm)
            return
        job = next((job for member in self._members if (job := member.warm_job()) is not None), None)
        if job is not None:
            self._start(job, now, self._in_flight.next_start_ns(now))

    # A device that hangs ---------------------------------------------------------------------------------------

    def _watch(self, time_ns: int) -> None:
        """Look at that time or earlier."""
        if self._watchdog is not None:
            if self._watch_at_ns <= time_ns:
                return
            self._watchdog.cancel()
        self._watch_at_ns = time_ns
        self._watchdog = self._loop.call_later(max(0, time_ns - now_ns()) / SECOND_NS, self._look)

    def _look(self) -> None:
        """Nothing came back for longer than any of what runs may take: the device hangs."""
        self._watchdog = None
        if not self._in_flight.jobs:
            return
        now = now_ns()
        if now > self._watch_at_ns + STALL_NS or self._taken():
            self._progress_ns = now
        bound_ns = max(self._hang_at_least_ns, *(job.bound_ns() for job in self._in_flight.jobs))
        if now < self._progress_ns + bound_ns:
            self._watch(self._progress_ns + bound_ns)
            return
        self._hung = f"{self.name} hangs: nothing came back from it for {ns_to_seconds(bound_ns):.1f} s"
        log.critical("%s", self._hung, extra=event("device.hung", device=self.name, reason=self._hung))
        self._hop.set()
        for member in list(self._members):
            member.abandon(self._hung)
        if self._on_hang is not None:
            self._on_hang(self._hung)


def _work(job: Job) -> None:
    """On a lane."""
    try:
        job.work()
    except Exception as error:  # noqa: BLE001 - whatever the device provokes is reported with its job
        job.error = error
