"""One model's side of the device: what to run when the device asks, and what becomes of it afterwards.

Takes from the frames that wait what the policy says, and answers them when they come back. On the event loop, apart
from `detect` (device lanes), which touches nothing but its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framebatch.batching.device import TIMER_SLACK_NS
from framebatch.batching.jobs import Batch, Warm
from framebatch.batching.mending import Mending
from framebatch.batching.rows import frame_of
from framebatch.clock import MILLISECOND_NS, now_ns, ns_to_ms
from framebatch.errors import InvalidFrame
from framebatch.frame import Frame, Outcome
from framebatch.scheduling import Pending, Policy, Run, Shed, Smoothed, Usage, Why

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.batching.answers import Answers
    from framebatch.batching.device import DeviceQueue
    from framebatch.batching.interfaces import BatchReport, Detected, HealthReport, Observer, ReleaseReport
    from framebatch.batching.jobs import Job
    from framebatch.batching.rows import Entry, Places
    from framebatch.scheduling import Decision

__all__ = ["Dispatch"]


class Dispatch:
    """A member of the device's queue: makes batches of `pending`, mends those that fail, gives answers."""

    def __init__(
        self,
        *,
        name: str,
        policy: Policy,
        pending: Pending[Frame],
        places: Places,
        answers: Answers,
        device: DeviceQueue,
        detect: Callable[[Sequence[Any]], Detected],
        reopen: Callable[[], None] | None,
        warm: Callable[[], None] | None,
        answer_margin_ns: int,
        shut: Callable[[str], None],
        tell: Callable[[str], str],
        on_release: ReleaseReport | None,
        on_batch: BatchReport | None,
        on_health: HealthReport | None,
    ) -> None:
        """Join the device.

        `shut` is told why nothing can be run any more, or that it can again; `tell` says what to add to the reason of a
        camera's frame that is lost to overload; the rest: `Batcher`.
        """
        self.policy = policy
        self.usage = Usage()
        self.probing = False
        """Whether the first frame that is ready is run even if it seems hopeless."""
        self.observer: Observer | None = None
        self._pending = pending
        self._places = places
        self._answers = answers
        self._device = device
        self._detect = detect
        self._warm = warm
        self._margin_ns = answer_margin_ns
        self._shut = shut
        self._tell = tell
        self._on_release = on_release
        self._on_batch = on_batch
        self._after = Smoothed(MILLISECOND_NS)
        policy.after_ns = answer_margin_ns + self._after.cautious_ns
        self.mending = Mending(
            self,
            device,
            policy=policy,
            name=name,
            reopen=reopen,
            warm=warm,
            on_health=on_health,
            put_back=self._put_back,
            fail=self._fail,
            shut=shut,
        )
        device.add(self)

    def __repr__(self) -> str:
        return f"Dispatch(running={self._device.jobs_of(self)}, {self._pending!r}, {self.mending!r})"

    # The device asks -------------------------------------------------------------------------------------------

    def latest_start_ns(self, start_ns: int) -> int | None:
        """See `device.Member`."""
        if self.mending.parts:
            return start_ns
        need_ns = self.policy.estimate.high_ns[1] + self.policy.after_ns
        at = self.policy.hopeless(self._pending, start_ns)
        return self._pending.deadlines[at] - need_ns if at < len(self._pending) else None

    def ahead_ns(self, deadline_ns: int) -> int:
        """See `device.Member`."""
        return self.policy.work_ns(self._pending.ahead_of(deadline_ns))

    def next_job(self, now: int, start_ns: int) -> Job | None:
        """Ask the policy and do what it says, until it says run or wait."""
        part = self._next_part(start_ns)
        if part:
            return self._batch(part, self.policy.estimate.table.bucket_for(len(part)), now, Why.RETRY)
        pending, policy = self._pending, self.policy
        while True:
            decision = policy.decide(pending, start_ns)
            if self.probing and isinstance(decision, Shed):
                decision = Run(1, policy.estimate.table.bucket_for(1), why=Why.PROBE)
            if isinstance(decision, Run):
                self.probing = False
                self._report(decision, now, start_ns)
                taken = pending.take(decision.count, decision.chosen)
                policy.taken(frame.camera for frame in taken)
                return self._batch(self._places.take(taken), decision.bucket, now, decision.why)
            if not isinstance(decision, Shed):
                self._report(decision, now, start_ns)
                if decision.time_ns is not None:
                    wait_ns = decision.time_ns - start_ns - TIMER_SLACK_NS
                    self._device.wake_at(now + max(wait_ns, TIMER_SLACK_NS // 4))
                return None
            self._shed(decision.count, start_ns)

    def give_up_hopeless(self, start_ns: int) -> None:
        """See `device.Member`."""
        hopeless = self.policy.hopeless(self._pending, start_ns)
        if hopeless:
            self._shed(hopeless, start_ns)

    def warm_job(self) -> Job | None:
        """See `device.Member`."""
        return Warm(self, estimate=self.policy.estimate, warm=self._warm) if self._warm is not None else None

    def abandon(self, reason: str) -> None:
        """See `device.Member`."""
        self.mending.close()
        self._shut(reason)

    def leave(self) -> None:
        """Ask nothing more of the device."""
        self.mending.close()
        self._device.remove(self)

    def _next_part(self, start_ns: int) -> list[Entry]:
        """What is left of a failed batch and could still be answered in time; nothing when there is no such."""
        parts = self.mending.parts
        latest_ns = start_ns + self.policy.estimate.high_ns[1] + self.policy.after_ns
        while parts:
            owed: list[Entry] = []
            for entry in parts.popleft():
                if entry.outcome is not None:
                    self._places.returned(entry)
                elif entry.deadline_ns < latest_ns:
                    self._end(entry, Outcome.EXPIRED, f"another run would be too late; {frame_of(entry).reason}")
                else:
                    owed.append(entry)
            if owed:
                return owed
        return []

    def _batch(self, entries: list[Entry], bucket: int, now: int, why: Why) -> Batch:
        size = len(entries)
        for entry in entries:
            frame = entry if isinstance(entry, Frame) else entry.frame
            frame.dispatched_ns = now
            frame.batch_size = size
        if self._on_release is not None:
            self._on_release(why)
        return Batch(
            entries, bucket, owner=self, estimate=self.policy.estimate, detect=self._detect, done=self._finished
        )

    def _shed(self, number: int, start_ns: int) -> None:
        self._report(Shed(number), now_ns(), start_ns)
        reason = ""
        for frame in self._pending.take(number):
            if frame.outcome is not None:
                continue  # an earlier row of it was answered for all
            if not reason:
                answer_ns = start_ns + self.policy.estimate.high_ns[1] + self.policy.after_ns
                late_ns = answer_ns - frame.deadline_ns
                reason = f"overload: the device would be {ns_to_ms(late_ns):.1f} ms too late"
                if late_ns <= 0:
                    reason = "overload: the batch is full of frames with more time, or of a better class"
            self._places.leave(frame)
            again = f"; {frame.reason}" if frame.reason else ""
            self._answers.give(frame, Outcome.EXPIRED, f"{reason}{again}{self._tell(frame.camera)}")

    def _report(self, decision: Decision, now: int, start_ns: int) -> None:
        pending = self._pending
        if self.observer is not None:
            self.observer.decided(
                decision, time_ns=now, start_ns=start_ns, waiting=len(pending), preparing=pending.preparing
            )

    # The device answers ----------------------------------------------------------------------------------------

    def _finished(self, batch: Batch) -> None:
        now = now_ns()
        detected = batch.detected
        if detected is None:
            self.usage.add(now - batch.dispatched_ns, now)
            error = batch.error or RuntimeError("no result")
            self.mending.failed(batch, self._owed(batch, f"a batch of {len(batch.entries)} failed: {error}"), error)
            return
        device_ns = detected.finished_ns - detected.started_ns
        self.usage.add(device_ns, now)
        self.mending.succeeded(batch.bucket, now)
        self._resolve(batch, detected)
        self.policy.estimate.observe(len(batch.entries), device_ns)
        self._after.observe(now_ns() - detected.finished_ns)
        self.policy.after_ns = self._margin_ns + self._after.cautious_ns
        self._device.learned(
            dispatched_ns=batch.dispatched_ns, submitted_ns=detected.submitted_ns, finished_ns=detected.finished_ns
        )
        if self._on_batch is not None:
            self._on_batch(frames=len(batch.entries), bucket=detected.bucket, device_ns=device_ns)
        if self.observer is not None:
            self.observer.ran(
                rows=len(batch.entries),
                bucket=detected.bucket,
                dispatched_ns=batch.dispatched_ns,
                started_ns=detected.started_ns,
                finished_ns=detected.finished_ns,
                submitted_ns=detected.submitted_ns,
            )

    def _resolve(self, batch: Batch, detected: Detected) -> None:
        give = self._answers.give
        for frame, detections in self._places.whole(zip(batch.entries, detected.detections, strict=True)):
            frame.started_ns = detected.started_ns
            frame.finished_ns = detected.finished_ns
            frame.parsed_ns = detected.parsed_ns
            frame.detections = detections
            give(frame, Outcome.OK, "")

    def _owed(self, batch: Batch, reason: str) -> list[Entry]:
        """The entries of a batch run in vain that still want an answer; the reason is told with it if it comes late."""
        owed: list[Entry] = []
        for entry in batch.entries:
            if entry.outcome is None:
                frame = frame_of(entry)
                frame.dispatched_ns = 0
                frame.reason = reason
                owed.append(entry)
            else:
                self._places.returned(entry)
        return owed

    def _put_back(self, entry: Entry) -> None:
        """It is ready again."""
        if entry.outcome is not None:  # for another row of the same frame
            self._places.returned(entry)
            return
        frame = self._places.put_back(entry)
        newer = self._pending.put_back(frame)
        if newer is not None:
            self._places.leave(frame)
            self._answers.supersede(frame, newer)

    def _end(self, entry: Entry, outcome: Outcome, reason: str) -> None:
        """Answer the frame of an entry that no batch will have again."""
        answered = entry.outcome is not None  # for another row of the same frame
        frame = self._places.returned(entry)
        if answered:
            return
        self._pending.remove(frame)
        self._places.leave(frame)
        self._answers.give(frame, outcome, reason)

    def _fail(self, entry: Entry, error: Exception) -> None:
        if isinstance(error, InvalidFrame):
            self._end(entry, Outcome.INVALID, str(error))
        else:
            self._end(entry, Outcome.FAILED, f"detection failed: {error}")
