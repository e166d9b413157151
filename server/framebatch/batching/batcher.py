"""Carries out what the policy decides: admits frames, has them decoded, commits batches to the device lanes.

Everything here runs on the event loop, apart from `_detect` (device lanes), which touches nothing but its batch. No
network and no picture format is known here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from framebatch.batching.answers import Answers
from framebatch.batching.workers import Workers
from framebatch.clock import MILLISECOND_NS, SECOND_NS, now_ns, ns_to_ms
from framebatch.errors import FramebatchError, InvalidFrame
from framebatch.frame import Frame, Outcome
from framebatch.scheduling import Pending, Policy, Run, Shed, Smoothed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.batching.interfaces import BatchReport, Decoders, Detected

__all__ = ["Batcher"]

log = logging.getLogger(__name__)

LANES: Final = 2
TIMER_SLACK_NS: Final = MILLISECOND_NS
"""asyncio wakes up to this much late (its timers are rounded up to whole milliseconds)."""
MAX_WAITING: Final = 4096
MAX_WAITING_BYTES: Final = 1 << 30
PROBE_EVERY: Final = 8


class _Batch:
    """One batch on its way through a lane."""

    __slots__ = ("bucket", "detected", "dispatched_ns", "error", "finish_ns", "frames")

    def __init__(self, frames: list[Frame], bucket: int, dispatched_ns: int, finish_ns: int) -> None:
        self.frames = frames
        self.bucket = bucket
        self.dispatched_ns = dispatched_ns
        self.finish_ns = finish_ns
        self.detected: Detected | None = None
        self.error: Exception | None = None


class Batcher:
    """Owns every frame from `submit` until its `reply` was called, which happens exactly once and by its deadline.

    Must be made and used on the event loop. `submit` never blocks and never raises.

    Worst wait: a frame's reply is called at its deadline at the latest, plus the lateness of the event loop.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        decoders: Decoders,
        detect: Callable[[Sequence[Any]], Detected],
        answer_margin_ns: int = 0,
        max_waiting: int = MAX_WAITING,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        on_batch: BatchReport | None = None,
    ) -> None:
        """Start the threads.

        Args:
            policy: decides; this object is its only user.
            decoders: turn pictures into what `detect` takes; closed by `close`.
            detect: runs a batch of what the decoders made. Called on device lanes, two at a time at most.
            answer_margin_ns: answers leave this much before the deadline, for the way back to the client.
            max_waiting: frames that may wait at a time; bounds memory.
            max_waiting_bytes: bytes of pictures that may be unanswered at a time; likewise.
            on_batch: told of each finished batch.
        """
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._policy = policy
        self._detect_batch = detect
        self._margin_ns = answer_margin_ns
        self._max_waiting = max_waiting
        self._max_waiting_bytes = max_waiting_bytes
        self._on_batch = on_batch
        self._pending: Pending[Frame] = Pending()
        self._decoders = decoders
        self._lanes: Workers[_Batch] = Workers("lane", LANES, work=self._detect, deliver=self._detected, loop=loop)
        self._running: deque[_Batch] = deque()
        self._decode = Smoothed(2 * MILLISECOND_NS)
        self._before = Smoothed(MILLISECOND_NS)
        self._after = Smoothed(MILLISECOND_NS)
        self._answers = Answers(loop, on_expired=self._drop)
        self._pump_timer: asyncio.TimerHandle | None = None
        self._pump_at_ns = 0
        self._draining = ""
        self._probing = False
        self._turned_away = 0
        policy.after_ns = answer_margin_ns + self._after.cautious_ns
        decoders.start(self._prepared)

    def __repr__(self) -> str:
        state = f"draining: {self._draining}" if self._draining else "serving"
        return f"Batcher({state}, unanswered={self._answers.owed}, running={len(self._running)}, {self._pending!r})"

    @property
    def waiting(self) -> int:
        """Frames accepted and not yet on the device."""
        return self._pending.waiting

    @property
    def unanswered(self) -> int:
        """Frames accepted whose reply was not called yet."""
        return self._answers.owed

    @property
    def decode_backlog(self) -> int:
        """Frames that no decoder has begun."""
        return self._decoders.queued

    @property
    def policy(self) -> Policy:
        """The policy, to look at."""
        return self._policy

    # Arrival ---------------------------------------------------------------------------------------------------

    def submit(self, frame: Frame) -> None:
        """Take a frame over. Refused frames are answered before this returns."""
        self._answers.owe(frame)
        now = frame.arrival_ns
        policy = self._policy
        policy.arrived(now)
        if self._draining:
            self._answers.give(frame, Outcome.REJECTED, self._draining)
            return
        pending = self._pending
        if pending.waiting >= self._max_waiting:
            self._answers.give(frame, Outcome.REJECTED, f"the server is full: {self._max_waiting} frames wait already")
            return
        if self._answers.owed_bytes > self._max_waiting_bytes:
            limit = self._max_waiting_bytes
            self._answers.give(frame, Outcome.REJECTED, f"the server is full: more than {limit} bytes of pictures wait")
            return
        refusal = policy.refusal(
            pending,
            frame.deadline_ns,
            ready_ns=now + self._decode.cautious_ns,
            start_ns=self._next_start_ns(now),
            now_ns=now,
        )
        if refusal is not None and not self._is_probe():
            self._answers.give(frame, Outcome.REJECTED, refusal)
            return
        if refusal is None:
            frame.decode_by_ns = frame.deadline_ns - policy.after_ns - policy.estimate.low_ns[1]
        superseded = pending.accept(frame)
        if superseded is not None:
            self._decoders.release(superseded)
            self._answers.give(superseded, Outcome.SUPERSEDED, f"frame {frame.sequence} of the same camera is newer")
        self._answers.watch(frame)
        self._decoders.put(frame)

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Answer a frame that was found wanting before it could be submitted, so that it is counted like any other."""
        self._answers.owe(frame)
        self._answers.give(frame, outcome, reason)

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Nobody waits for this frame any more: answer it EXPIRED unless it is on the device or answered already."""
        if self._drop(frame):
            self._answers.give(frame, Outcome.EXPIRED, reason)

    def _drop(self, frame: Frame) -> bool:
        """Let a waiting frame go; False when it is on the device, or was answered."""
        waited = self._pending.remove(frame)
        if waited:
            self._decoders.release(frame)
        return waited

    # Decoding --------------------------------------------------------------------------------------------------

    def _prepared(self, frames: list[Frame]) -> None:
        now = now_ns()
        for frame in frames:
            self._decode.observe(now - frame.arrival_ns)
            if frame.error is not None:
                self._pending.remove(frame)
                self._fail(frame, frame.error, "decoding")
            elif frame.prepared is None:
                self._pending.remove(frame)
                self._answers.give(frame, Outcome.EXPIRED, "overload: the decoders would be too late")
            else:
                self._pending.make_ready(frame)
        self._pump()

    # The device ------------------------------------------------------------------------------------------------

    def _next_start_ns(self, now: int) -> int:
        """When a batch that is committed now would start on the device."""
        start = now + self._before.cautious_ns
        return max(start, self._running[-1].finish_ns) if self._running else start

    def _pump(self) -> None:
        """Ask the policy and do what it says, until it says wait."""
        pending, policy = self._pending, self._policy
        while True:
            now = now_ns()
            start = self._next_start_ns(now)
            if self._running:
                lead = self._before.cautious_ns + TIMER_SLACK_NS
                if len(self._running) >= LANES or now < self._running[-1].finish_ns - lead:
                    # Too early to commit. What has become hopeless meanwhile is told at once.
                    hopeless = policy.hopeless(pending, start)
                    if hopeless:
                        self._shed(hopeless, start)
                    if len(self._running) < LANES:
                        self._wake_at(self._running[-1].finish_ns - lead)
                    return
            decision = policy.decide(pending, start)
            if self._probing and isinstance(decision, Shed):
                decision = Run(1, policy.estimate.table.bucket_for(1))
            if isinstance(decision, Run):
                self._dispatch(decision, now, start)
            elif isinstance(decision, Shed):
                self._shed(decision.count, start)
            else:
                if decision.time_ns is not None:
                    self._wake_at(decision.time_ns)
                return

    def _wake_at(self, time_ns: int) -> None:
        """Pump at that time or earlier: waking too early costs one look."""
        if self._pump_timer is not None:
            if self._pump_at_ns <= time_ns:
                return
            self._pump_timer.cancel()
        self._pump_at_ns = time_ns
        self._pump_timer = self._loop.call_later(max(0, time_ns - now_ns()) / SECOND_NS, self._woken)

    def _woken(self) -> None:
        self._pump_timer = None
        self._pump()

    def _shed(self, number: int, start_ns: int) -> None:
        reason = ""
        for frame in self._pending.take(number):
            if not reason:
                answer_ns = start_ns + self._policy.estimate.high_ns[1] + self._policy.after_ns
                late_ms = ns_to_ms(max(0, answer_ns - frame.deadline_ns))
                reason = f"overload: the device would be {late_ms:.1f} ms too late"
            self._decoders.release(frame)
            self._answers.give(frame, Outcome.EXPIRED, reason)

    def _is_probe(self) -> bool:
        """Whether a frame that the estimates turn away is tried all the same: every eighth while nothing else is here.

        On an idle server only the estimates stand in a frame's way, and only a batch can correct them; without a probe
        one that a disturbance made too high would keep all frames away for good.
        """
        if self._running or self._pending.waiting:
            return False
        self._turned_away += 1
        self._probing = self._turned_away % PROBE_EVERY == 0
        return self._probing

    def _dispatch(self, run: Run, now: int, start_ns: int) -> None:
        self._probing = False
        frames = self._pending.take(run.count)
        for frame in frames:
            frame.dispatched_ns = now
            frame.batch_size = run.count
        batch = _Batch(frames, run.bucket, now, start_ns + self._policy.estimate.mid_ns[run.count])
        self._running.append(batch)
        self._lanes.put(batch)

    def _detect(self, batch: _Batch) -> None:
        """On a device lane."""
        try:
            batch.detected = self._detect_batch([frame.prepared for frame in batch.frames])
        except Exception as error:  # noqa: BLE001 - whatever the device provokes is reported with its batch
            batch.error = error

    def _detected(self, batches: list[_Batch]) -> None:
        for batch in batches:
            self._running.remove(batch)
            for frame in batch.frames:
                self._decoders.release(frame)
            if batch.detected is None:
                error = batch.error or RuntimeError("no result")
                log.error("a batch of %d failed: %s", len(batch.frames), error, exc_info=error)
                for frame in batch.frames:
                    if frame.outcome is None:
                        self._fail(frame, error, "detection")
            else:
                self._resolve(batch, batch.detected)
        self._pump()

    def _resolve(self, batch: _Batch, detected: Detected) -> None:
        size = len(batch.frames)
        for frame, detections in zip(batch.frames, detected.detections, strict=True):
            if frame.outcome is None:
                frame.started_ns = detected.started_ns
                frame.finished_ns = detected.finished_ns
                frame.parsed_ns = detected.parsed_ns
                frame.detections = detections
                self._answers.give(frame, Outcome.OK, "")
        device_ns = detected.finished_ns - detected.started_ns
        self._policy.estimate.observe(size, device_ns)
        self._before.observe(detected.submitted_ns - batch.dispatched_ns)
        self._after.observe(now_ns() - detected.finished_ns)
        self._policy.after_ns = self._margin_ns + self._after.cautious_ns
        if self._running:
            following = self._running[0]
            begin = max(detected.finished_ns, following.dispatched_ns + round(self._before.mean_ns))
            following.finish_ns = begin + self._policy.estimate.mid_ns[len(following.frames)]
        if self._on_batch is not None:
            self._on_batch(frames=size, bucket=detected.bucket, device_ns=device_ns)

    def _fail(self, frame: Frame, error: Exception, doing: str) -> None:
        if isinstance(error, InvalidFrame):
            self._answers.give(frame, Outcome.INVALID, str(error))
            return
        if not isinstance(error, FramebatchError):
            log.error("%s of %r failed", doing, frame, exc_info=error)
        self._answers.give(frame, Outcome.FAILED, f"{doing} failed: {error}")

    # The end ---------------------------------------------------------------------------------------------------

    async def drain(self, timeout_seconds: float) -> None:
        """Refuse new frames, finish the accepted ones; what is left after the timeout is refused too."""
        self._draining = "the server is shutting down"
        if not await self._answers.settled(timeout_seconds):
            self._answers.give_all(Outcome.REJECTED, self._draining)

    def close(self) -> None:
        """Stop the threads and timers. Call `drain` first."""
        self._answers.close()
        if self._pump_timer is not None:
            self._pump_timer.cancel()
        self._decoders.close()
        self._lanes.close()
