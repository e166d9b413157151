"""A server under a virtual clock: the policy, the admission and the just-in-time hand-over are the server's own.

A discrete-event simulation. Of events at one moment the ends of batches come first, then arrivals, then decoded frames;
after all of them the policy is asked what to do, where the server would ask. No thread, no waiting.
"""

from __future__ import annotations

import random
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

from framebatch.clock import MILLISECOND_NS
from framebatch.frame import Outcome
from framebatch.planning.decoders import Decoders
from framebatch.planning.durations import NOTHING
from framebatch.planning.host import Host
from framebatch.scheduling import InFlight, Pending, Preparing, Probes, Run, Shed, Smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.planning.fleet import SimulatedFrame
    from framebatch.planning.service import DeviceModel
    from framebatch.scheduling import Policy, ServiceEstimate

__all__ = ["Batch", "Simulation"]

NEVER: Final = 1 << 62
FINISHED, ANSWERED, DECODED = range(3)
FIRST_DECODE_NS: Final = 2 * MILLISECOND_NS


class Batch:
    """Frames on their way through the device."""

    __slots__ = (
        "_estimate",
        "alone",
        "bucket",
        "dispatched_ns",
        "finish_ns",
        "finished_ns",
        "frames",
        "started_ns",
        "submitted_ns",
    )

    def __init__(self, frames: list[SimulatedFrame], bucket: int, estimate: ServiceEstimate | None) -> None:
        """Be handed over; `estimate` None: nothing is planned behind it."""
        self.frames = frames
        self.bucket = bucket
        self.alone = False
        self._estimate = estimate
        self.dispatched_ns = 0
        self.submitted_ns = 0
        self.started_ns = 0
        self.finish_ns = 0
        self.finished_ns = 0

    def __repr__(self) -> str:
        return f"Batch({len(self.frames)} in {self.bucket})"

    def expected_ns(self) -> int:
        """By the middle estimate, as it is now."""
        return self._estimate.mid_ns[len(self.frames)] if self._estimate is not None else 0


class Simulation:
    """One run; `play` it once, to its end.

    Attributes:
        frames: all of them; each carries what became of it.
        batches: all that were run, in order.
        policy: the one that decided.
        decoders: what they did.
    """

    def __init__(
        self,
        frames: Sequence[SimulatedFrame],
        *,
        policy: Policy,
        device: DeviceModel,
        host: Host | None = None,
        seed: int = 0,
    ) -> None:
        """Set up.

        Args:
            frames: in the order in which they arrive.
            policy: used by this run only; `after_ns` is set as the server sets it. A host with one lane that admits
                everything asks it no more than `framebatch.scheduling` says of every host.
            device: what batches take.
            host: the machine around it.
            seed: of the device's noise and of the host's durations.
        """
        self.frames = frames
        self.batches: list[Batch] = []
        self.policy: Final = policy
        self._device = device
        self._host = host = Host() if host is None else host
        self._noise = random.Random(seed)  # noqa: S311 - a simulation needs no secrecy
        self._delays = random.Random(f"{seed} host")  # noqa: S311 - as above
        self.decoders: Final = Decoders(host.decoders, host.decode, random.Random(f"{seed} decode"))  # noqa: S311 - as above
        self._decode = Preparing(min(FIRST_DECODE_NS, 4 * host.decode.mean_ns))
        self._after = Smoothed(host.after.mean_ns)
        policy.after_ns = host.margin_ns + self._after.cautious_ns
        self._pending: Pending[SimulatedFrame] = Pending()
        self._in_flight: InFlight[Batch] = InFlight(
            slack_ns=host.slack_ns, lanes=host.lanes, before_ns=round(host.before.mean_ns)
        )
        self._events: list[tuple[int, int, int, Batch | SimulatedFrame]] = []
        self._tie = count()
        self._free_ns = 0
        self._due_ns = NEVER
        """When the policy is to be asked again, """
        self._wake_ns = NEVER
        """and when the host wakes for that, if nothing else wakes it before."""
        self._probes = Probes()
        self._probing = False

    def __repr__(self) -> str:
        return f"Simulation({len(self.frames)} frames, {self._in_flight!r}, {self._pending!r})"

    def play(self) -> None:
        """All events in order, until every frame has its outcome."""
        frames, events, decoders = self.frames, self._events, self.decoders
        coming, total = 0, len(frames)
        while True:
            now = min(frames[coming].arrival_ns if coming < total else NEVER, self._wake_ns)
            if events and events[0][0] < now:
                now = events[0][0]
            if now == NEVER:
                return
            ask = self._happen(now, before=DECODED) if events else False
            while coming < total and frames[coming].arrival_ns == now:
                ask |= self._arrive(frames[coming], now)
                coming += 1
            if decoders.queued:
                ask |= self._hand_to_decoders(now)
            ask |= self._happen(now, before=DECODED + 1) if events else False
            if self._due_ns <= now:
                self._due_ns = self._wake_ns = NEVER
                ask = True
            if ask:
                self._pump(now)

    def _at(self, time_ns: int, kind: int, what: Batch | SimulatedFrame) -> None:
        heappush(self._events, (time_ns, kind, next(self._tie), what))

    def _happen(self, now: int, *, before: int) -> bool:
        """All events of now that are of a kind before this one; whether the policy is to be asked then."""
        events, ask = self._events, False
        while events and events[0][0] == now and events[0][1] < before:
            _, kind, _, what = heappop(events)
            if not isinstance(what, Batch):
                self._decoded(what, now)
                if self.decoders.queued:
                    self._hand_to_decoders(now)
            elif kind == ANSWERED:
                self._answer(what, now)
            else:
                self._at(now + self._host.after.draw(self._delays, now), ANSWERED, what)
                continue
            ask = True
        return ask

    # A frame comes -----------------------------------------------------------------------------------------------

    def _arrive(self, frame: SimulatedFrame, now: int) -> bool:
        """As `Batcher.submit`; whether the policy is to be asked then: its pixels are there at once."""
        policy, pending = self.policy, self._pending
        policy.arrived(now, frame.rows)
        if self._host.admits and not self._admit(frame, now):
            _end(frame, Outcome.REJECTED, now)
            return False
        superseded = pending.accept(frame)
        if superseded is not None:
            _end(superseded, Outcome.SUPERSEDED, now)
        if frame.decoding_ns is not None:
            self._at(max(now, min(now + frame.decoding_ns, frame.deadline_ns)), DECODED, frame)
        elif self._host.decode is NOTHING:
            self._ready(frame, now)
            return True
        else:
            self.decoders.put(frame)
        return False

    def _admit(self, frame: SimulatedFrame, now: int) -> bool:
        policy = self.policy
        policy.shares.classify(frame.camera, frame.priority)
        late = policy.refusal(
            self._pending,
            frame.deadline_ns,
            ready_ns=now + self._decode.expected_ns(queued=self.decoders.queued),
            start_ns=self._in_flight.next_start_ns(now),
            now_ns=now,
            rows=frame.rows,
            camera=frame.camera,
        )
        if late is None:
            frame.decode_by_ns = frame.deadline_ns - policy.after_ns - policy.estimate.low_ns[1]
            return True
        idle = not self._in_flight.jobs and not self._pending.waiting
        if self._probes.due(idle=idle):
            self._probing = True
            return True
        self._probing &= not idle
        policy.shares.came(frame.camera)
        return False

    def _hand_to_decoders(self, now: int) -> bool:
        """As `DecoderPool`; whether frames were given up."""
        decoders, late = self.decoders, False
        while (frame := decoders.late(now)) is not None:
            late = True
            self._decode.observe(now - frame.arrival_ns)
            self._pending.remove(frame)
            _end(frame, Outcome.EXPIRED, now)
        while begun := decoders.begin(now):
            frame, duration_ns = begun
            self._at(now + duration_ns, DECODED, frame)
        return late

    def _decoded(self, frame: SimulatedFrame, now: int) -> None:
        """As `Batcher._prepared`, and `Answers` at the deadline."""
        if frame.decoding_ns is None:
            self.decoders.done()
        if frame.outcome is not None:
            return
        if now >= frame.deadline_ns:
            self._pending.remove(frame)
            _end(frame, Outcome.EXPIRED, now)
            return
        self._ready(frame, now)

    def _ready(self, frame: SimulatedFrame, now: int) -> None:
        self._decode.observe(now - frame.arrival_ns)
        frame.ready_ns = now
        if self._pending.make_ready(frame):
            self.policy.ready(frame.camera, now, frame.deadline_ns, frame.rows, frame.next_ns)

    # The device --------------------------------------------------------------------------------------------------

    def _pump(self, now: int) -> None:
        """As `DeviceQueue.pump`."""
        in_flight, pending = self._in_flight, self._pending
        while True:
            start_ns = in_flight.next_start_ns(now)
            if in_flight.jobs and (in_flight.full or now < in_flight.commit_ns()):
                if self._host.admits:
                    self._shed(self.policy.hopeless(pending, start_ns), now)
                if not in_flight.full:
                    self._wake(in_flight.commit_ns())
                return
            decision = self.policy.decide(pending, start_ns)
            if self._probing and isinstance(decision, Shed):
                decision = Run(1, self.policy.estimate.table.bucket_for(1))
            if isinstance(decision, Run):
                self._probing = False
                taken = pending.take(decision.count, decision.chosen)
                self.policy.taken(frame.camera for frame in taken)
                self._run(taken, decision.bucket, now, start_ns)
            elif isinstance(decision, Shed):
                self._shed(decision.count, now)
            else:
                if decision.time_ns is not None:
                    if decision.time_ns <= start_ns:
                        raise RuntimeError(f"asked at {start_ns} it wants to be asked again at {decision.time_ns}")
                    slack_ns = self._host.slack_ns
                    self._wake(now + max(decision.time_ns - start_ns - slack_ns, slack_ns // 4))
                return

    def _wake(self, time_ns: int) -> None:
        """As `DeviceQueue.wake_at`, and later than asked for by up to the host's slack."""
        if time_ns < self._due_ns:
            self._due_ns = time_ns
            slack_ns = self._host.slack_ns
            self._wake_ns = time_ns + int(slack_ns * self._delays.random()) if slack_ns else time_ns

    def _shed(self, number: int, now: int) -> None:
        for frame in self._pending.take(number) if number else ():
            _end(frame, Outcome.EXPIRED, now)

    def _run(self, frames: list[SimulatedFrame], bucket: int, now: int, start_ns: int) -> None:
        size = len(frames)
        batch = Batch(frames, bucket, self.policy.estimate if self._host.plans_ahead else None)
        self._in_flight.start(batch, now, start_ns)
        batch.submitted_ns = now + self._host.before.draw(self._delays, now)
        batch.started_ns = max(batch.submitted_ns, self._free_ns)
        batch.finished_ns = self._free_ns = batch.started_ns + self._device.draw(size, batch.started_ns, self._noise)
        for frame in frames:
            frame.dispatched_ns, frame.batch_size = now, size
            frame.started_ns, frame.finished_ns = batch.started_ns, batch.finished_ns
        self.batches.append(batch)
        self._at(batch.finished_ns, FINISHED, batch)

    def _answer(self, batch: Batch, now: int) -> None:
        """As `Dispatch._finished`."""
        policy = self.policy
        self._in_flight.finished(batch)
        for frame in batch.frames:
            frame.rows_left -= 1
            if frame.outcome is None and not frame.rows_left:
                _end(frame, Outcome.OK if now <= frame.deadline_ns else Outcome.EXPIRED, now)
        policy.estimate.observe(len(batch.frames), batch.finished_ns - batch.started_ns)
        self._after.observe(now - batch.finished_ns)
        policy.after_ns = self._host.margin_ns + self._after.cautious_ns
        self._in_flight.learned(
            dispatched_ns=batch.dispatched_ns, submitted_ns=batch.submitted_ns, finished_ns=batch.finished_ns
        )


def _end(frame: SimulatedFrame, outcome: Outcome, now: int) -> None:
    """It has its outcome, at its deadline at the latest; at its arrival where it came after that."""
    frame.outcome = outcome
    frame.answered_ns = max(frame.arrival_ns, min(now, frame.deadline_ns))
