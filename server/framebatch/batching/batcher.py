"""Owns the frames of one model from their arrival to their answer: admits them, has them decoded, hands them on.

How they become batches is `dispatch`'s business. Everything here runs on the event loop. No network and no picture
format is known here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from framebatch.batching.answers import Answers
from framebatch.batching.device import DeviceQueue
from framebatch.batching.dispatch import Dispatch
from framebatch.batching.observers import joined, without
from framebatch.batching.rows import Places
from framebatch.clock import MILLISECOND_NS, now_ns
from framebatch.errors import FramebatchError, InvalidFrame
from framebatch.frame import Frame, Outcome
from framebatch.logs import event
from framebatch.scheduling import Pending, Policy, Preparing, Probes, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.batching.interfaces import BatchReport, Decoders, Detected, HealthReport, Observer, ReleaseReport
    from framebatch.batching.recovery import Recovery
    from framebatch.frame import Detections, Header, Region

__all__ = ["Batcher"]

log = logging.getLogger(__name__)

MAX_WAITING: Final = 4096
MAX_WAITING_BYTES: Final = 1 << 30


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
        name: str = "model",
        device: DeviceQueue | None = None,
        reopen: Callable[[], None] | None = None,
        warm: Callable[[], None] | None = None,
        count_rows: Callable[[Header, Region | None], int] | None = None,
        merge: Callable[[list[Detections], Header, Region | None], Detections] | None = None,
        answer_margin_ns: int = 0,
        max_waiting: int = MAX_WAITING,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        on_release: ReleaseReport | None = None,
        on_batch: BatchReport | None = None,
        on_health: HealthReport | None = None,
    ) -> None:
        """Join the device.

        Args:
            policy: decides; this object is its only user.
            decoders: turn pictures into what `detect` takes; closed by `close`.
            detect: runs a batch of what the decoders made. Called on device lanes, two at a time at most.
            name: of the model, for the log and for reasons.
            device: shared with the batchers of other models; None: one of its own, closed by `close`.
            reopen: opens the model's session anew, and raises where that does not succeed. Called on a lane while
                nothing else runs on the device; blocks for as long as loading and warming take.
            warm: runs the smallest batch for nobody, on a lane; raises where the session does not work.
            count_rows: how many rows a picture with this header takes, or InvalidFrame; None: always one. With it goes `merge`.
            merge: makes one answer of those to a frame's rows, in their order, given its header and region. Called on
                the event loop.
            answer_margin_ns: answers leave this much before the deadline, for the way back to the client.
            max_waiting: rows that may wait at a time; bounds memory.
            max_waiting_bytes: bytes of pictures that may be unanswered at a time; likewise.
            on_release: told of each batch that is handed to the device.
            on_batch: told of each finished batch.
            on_health: told when the model cannot be run any more, and when it can again.
        """
        self._max_waiting = max_waiting
        self._max_waiting_bytes = max_waiting_bytes
        self._policy = policy
        self._pending: Pending[Frame] = Pending()
        self._decoders = decoders
        self._decode = Preparing(2 * MILLISECOND_NS)
        self._wide = count_rows is not None
        self._places = Places(decoders.release, count=count_rows, merge=merge)
        self._tally = Tally()
        self._answers = Answers(
            asyncio.get_running_loop(), on_expired=self._drop, on_answered=self._tally.answered, tell=self._tell
        )
        self._draining = ""
        self._down = ""
        self._closed: tuple[Outcome, str] | None = None
        """How new frames are answered while none are taken in."""
        self._probes = Probes()
        self._owns_device = device is None
        self._device = device or DeviceQueue()
        self._dispatch = Dispatch(
            name=name,
            policy=policy,
            pending=self._pending,
            places=self._places,
            answers=self._answers,
            device=self._device,
            detect=detect,
            reopen=reopen,
            warm=warm,
            answer_margin_ns=answer_margin_ns,
            shut=self._shut,
            tell=self._tell,
            on_release=on_release,
            on_batch=on_batch,
            on_health=on_health,
        )
        decoders.start(self._prepared)

    def __repr__(self) -> str:
        state = f"down: {self._down}" if self._down else "serving"
        state = f"draining: {self._draining}" if self._draining else state
        running = self._device.jobs_of(self._dispatch)
        return f"Batcher({state}, unanswered={self._answers.owed}, running={running}, {self._pending!r})"

    @property
    def waiting(self) -> int:
        """Rows accepted and not yet on the device."""
        return self._pending.waiting

    @property
    def unanswered(self) -> int:
        """Frames accepted whose reply was not called yet."""
        return self._answers.owed

    @property
    def unanswered_bytes(self) -> int:
        """What the pictures of those frames take, as received."""
        return self._answers.owed_bytes

    @property
    def max_waiting_bytes(self) -> int:
        """Above it frames are refused."""
        return self._max_waiting_bytes

    @property
    def decode_backlog(self) -> int:
        """Frames that no decoder has begun."""
        return self._decoders.queued

    @property
    def cameras_not_fitting(self) -> int:
        """Cameras that lose frames again and again because the device is asked for more than it carries."""
        return self._tally.not_fitting(self._policy, now_ns())

    @property
    def policy(self) -> Policy:
        """The policy, to look at."""
        return self._policy

    @property
    def recovery(self) -> Recovery:
        """How batches failed so far, and how large they may be; to look at."""
        return self._dispatch.mending.recovery

    def observe(self, observer: Observer) -> None:
        """Tell it too of everything from now on."""
        self._answers.observer = self._dispatch.observer = joined(self._answers.observer, observer)

    def unobserve(self, observer: Observer) -> None:
        """Tell it nothing any more."""
        self._answers.observer = self._dispatch.observer = without(self._answers.observer, observer)

    # Arrival ---------------------------------------------------------------------------------------------------

    def submit(self, frame: Frame) -> None:
        """Take a frame over. Refused frames are answered before this returns."""
        self._answers.owe(frame)
        if self._wide:
            try:
                self._places.count(frame)
            except InvalidFrame as error:
                self._answers.give(frame, Outcome.INVALID, str(error))
                return
        now, rows, policy, pending = frame.arrival_ns, frame.rows, self._policy, self._pending
        policy.arrived(now, rows)
        self._tally.arrived(frame.camera, now)
        if self._closed:
            self._answers.give(frame, *self._closed)
            return
        if pending.waiting + rows > self._max_waiting or self._answers.owed_bytes > self._max_waiting_bytes:
            self._answers.give(frame, Outcome.REJECTED, self._full())
            return
        policy.shares.classify(frame.camera, frame.priority)
        late = policy.refusal(
            pending,
            frame.deadline_ns,
            ready_ns=now + self._decode.expected_ns(queued=self._decoders.queued),
            start_ns=self._device.start_for(self._dispatch, frame.deadline_ns, now),
            now_ns=now,
            rows=rows,
            camera=frame.camera,
        )
        if late is None:
            frame.decode_by_ns = frame.deadline_ns - policy.after_ns - policy.estimate.low_ns[1]
        elif not self._try_all_the_same():
            policy.shares.came(frame.camera)
            self._answers.give(frame, Outcome.REJECTED, late + self._tell(frame.camera))
            return
        superseded = pending.accept(frame)
        if superseded is not None:
            self._places.leave(superseded)
            self._answers.supersede(superseded, frame)
        self._answers.watch(frame)
        self._decoders.put(frame)

    def _tell(self, camera: str) -> str:
        """What to add to the reason of a frame that overload has cost the camera."""
        return self._tally.tell(self._policy, camera)

    def _full(self) -> str:
        """Why there is no room for another frame."""
        if self._answers.owed_bytes > self._max_waiting_bytes:
            return f"the server is full: more than {self._max_waiting_bytes} bytes of pictures wait"
        return f"the server is full: {self._pending.waiting} frames wait already"

    def _try_all_the_same(self) -> bool:
        """Whether a frame that was turned away is a probe, which is then run even if it seems hopeless."""
        idle = not self._device.busy and not self._pending.waiting
        due = self._probes.due(idle=idle)
        if idle:  # then no probe is on its way any more
            self._dispatch.probing = due
        return due

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
            self._places.leave(frame)
        return waited

    def forget_decoding(self) -> None:
        """Unlearn how long decoding takes: what was measured while the decoders started says nothing of later frames."""
        self._decode = Preparing(2 * MILLISECOND_NS)

    # Decoding --------------------------------------------------------------------------------------------------

    def _prepared(self, frames: list[Frame]) -> None:
        now = now_ns()
        for frame in frames:
            if frame.outcome is not None:
                continue  # by what the answer to another one of these has led to
            self._decode.observe(now - frame.arrival_ns)
            error = frame.error
            if error is None and frame.prepared is not None:
                error = self._places.spread(frame) if self._wide else None
                if error is None:
                    if self._pending.make_ready(frame):
                        self._policy.ready(frame.camera, now, frame.deadline_ns, frame.rows, self._next_ns(frame))
                    continue
            self._drop(frame)
            if isinstance(error, InvalidFrame):
                self._answers.give(frame, Outcome.INVALID, str(error))
            elif error is not None:
                if not isinstance(error, FramebatchError):
                    said = event("decoding.failed", camera=frame.camera, sequence=frame.sequence, reason=error)
                    log.error("decoding of %r failed", frame, exc_info=error, extra=said)
                self._answers.give(frame, Outcome.FAILED, f"decoding failed: {error}")
            else:
                self._answers.give(frame, Outcome.EXPIRED, "overload: the decoders would be too late")
        self._device.pump()

    def _next_ns(self, frame: Frame) -> int:
        """When the camera's next frame will be ready, if its sender said when it will arrive; else 0."""
        return frame.arrival_ns + frame.next_frame_ns + round(self._decode.mean_ns) if frame.next_frame_ns else 0

    # The end ---------------------------------------------------------------------------------------------------

    def _shut(self, reason: str) -> None:
        """The model cannot be run, and why; or it can again, when that is empty."""
        self._down = reason
        self._decide_closed()
        if reason:
            self._answers.give_all(Outcome.FAILED, reason)

    def retire(self, reason: str) -> None:
        """Refuse new frames from now on; those accepted are answered as usual."""
        self._draining = reason
        self._decide_closed()

    def _decide_closed(self) -> None:
        if self._draining:
            self._closed = (Outcome.REJECTED, self._draining)
        else:
            self._closed = (Outcome.FAILED, self._down) if self._down else None

    async def closed(self) -> None:
        """Wait, after `retire`, until nothing is unanswered and the device has nothing of this model any more."""
        await self._answers.settled(None)
        self._dispatch.leave()
        await self._device.finished_for(self._dispatch)

    async def drain(self, timeout_seconds: float) -> None:
        """Refuse new frames, finish the accepted ones; what is left after the timeout is refused too."""
        self.retire("the server is shutting down")
        if not await self._answers.settled(timeout_seconds):
            self._answers.give_all(Outcome.REJECTED, self._draining)

    def close(self) -> None:
        """Stop the timers, the decoders, and the device unless it is shared. Call `drain` or `closed` first."""
        self._answers.close()
        self._dispatch.leave()
        self._decoders.close()
        if self._owns_device:
            self._device.close()
