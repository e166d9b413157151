"""framebatch.app.recorder: what a batcher does, as records. Between a batcher, fakes and a list."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from framebatch.app.recorder import Recorder
from framebatch.app.router import Router
from framebatch.batching import Batcher
from framebatch.errors import InvalidFrame
from framebatch.frame import Outcome
from framebatch.profile import LatencyTable
from framebatch.recording import BatchRecord, Decided, DecisionRecord, FrameRecord, Record
from framebatch.scheduling import Policy, Run, ServiceEstimate, Shed, WaitUntil
from framebatch.testing import FakeDecoders, FakeDetect, Replies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from framebatch.scheduling import Decision

MS = 1_000_000
TABLE = LatencyTable.linear(alpha_ns=10_000 * MS, beta_ns=1_000 * MS, buckets=(1, 2, 4))


class Rig:
    """A batcher that is watched."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.replies = Replies()
        self.decoders = FakeDecoders()
        self.detect = FakeDetect()
        self.batcher = Batcher(policy=Policy(ServiceEstimate(TABLE)), decoders=self.decoders, detect=self.detect)
        self.batcher.observe(Recorder("conveyor", self.records.append))

    async def served(self, *sequences: int) -> None:
        """Serve frames in one batch."""
        for sequence in sequences:
            self.batcher.submit(self.replies.frame(sequence))
        number, answered = len(self.detect.steps), len(self.replies.frames)
        self.decoders.finish(len(sequences))
        (await self.detect.step(number)).finish(service_ns=TABLE.by_size_ns[len(sequences)])
        await self.replies.wait(answered + len(sequences))

    def of(self, kind: type[Record]) -> list[Record]:
        """Answer the records of one kind."""
        return [record for record in self.records if isinstance(record, kind)]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Answer a batcher that is closed in the end."""
    made = Rig()
    yield made
    made.batcher.close()


async def test_a_frame_is_written_down_when_it_is_answered(rig: Rig) -> None:
    """With all its times, its batch and its outcome."""
    await rig.served(7)
    (frame,) = rig.replies.frames
    assert rig.of(FrameRecord) == [
        FrameRecord(
            *("conveyor", "camera", 7, False, 1, 1, frame.arrival_ns, frame.deadline_ns, frame.ready_ns),
            *(frame.dispatched_ns, frame.started_ns, frame.finished_ns, frame.answered_ns, 1, Outcome.OK),
        )
    ]
    assert frame.finished_ns > 0


async def test_a_batch_and_the_decision_for_it_are_written_down(rig: Rig) -> None:
    """They tell of the same frames."""
    await rig.served(1, 2, 3)
    frame = rig.replies.frames[0]
    (batch,) = rig.of(BatchRecord)
    assert batch[:6] == ("conveyor", 3, 3, frame.dispatched_ns, frame.started_ns, frame.finished_ns)
    assert isinstance(batch, BatchRecord)
    assert frame.dispatched_ns <= batch.submitted_ns <= frame.answered_ns
    (run,) = [record for record in rig.records if isinstance(record, DecisionRecord) and record.decided is Decided.RUN]
    assert (run.frames, run.waiting, run.preparing, run.time_ns) == (3, 3, 0, frame.dispatched_ns)
    assert run.start_ns > run.time_ns


async def test_frames_that_never_reach_the_device_are_written_down(rig: Rig) -> None:
    """Refused, superseded, broken, and given up."""
    rig.batcher.refuse(rig.replies.frame(1), Outcome.INVALID, "no picture")
    rig.batcher.submit(rig.replies.frame(2, deadline_ms=0.001))
    for sequence in (3, 4):
        rig.batcher.submit(rig.replies.frame(sequence, live=True))
    withdrawn = rig.replies.frame(5)
    rig.batcher.submit(withdrawn)
    rig.batcher.withdraw(withdrawn, "gone")
    rig.decoders.finish(error=InvalidFrame("broken"))
    rig.decoders.finish(error=InvalidFrame("broken"))
    outcomes = [(record.sequence, record.outcome) for record in rig.of(FrameRecord) if isinstance(record, FrameRecord)]
    assert outcomes == [
        (1, Outcome.INVALID),
        (2, Outcome.REJECTED),
        (3, Outcome.SUPERSEDED),
        (5, Outcome.EXPIRED),
        (4, Outcome.INVALID),
    ]
    assert [frame.sequence for frame in rig.replies.frames] == [sequence for sequence, _ in outcomes]


async def test_frames_that_are_shed_are_written_down_with_the_decision(rig: Rig) -> None:
    """As many as were given up."""
    for sequence in (1, 2):
        rig.batcher.submit(rig.replies.frame(sequence, deadline_ms=12_500))
    for frame in rig.decoders.frames:
        frame.deadline_ns -= 12_000 * MS  # as if it had waited so long for a decoder
    rig.decoders.finish(2)
    decisions = [record for record in rig.of(DecisionRecord) if isinstance(record, DecisionRecord)]
    assert [(each.decided, each.frames, each.waiting) for each in decisions[:1]] == [(Decided.SHED, 2, 2)]
    assert [frame.outcome for frame in rig.replies.frames] == [Outcome.EXPIRED] * 2


def test_waiting_is_written_down_once() -> None:
    """As long as the policy says the same; a batch or frames given up are always."""
    records: list[Record] = []
    recorder = Recorder("conveyor", records.append)

    def said(decision: Decision) -> None:
        recorder.decided(decision, time_ns=1, start_ns=2, waiting=3, preparing=4)

    for decision in (WaitUntil(None), WaitUntil(None), Run(2, 2), Run(2, 2), WaitUntil(None), Shed(1), WaitUntil(9)):
        said(decision)
    kinds = [record.decided for record in records if isinstance(record, DecisionRecord)]
    assert kinds == [Decided.WAIT, Decided.RUN, Decided.RUN, Decided.SHED, Decided.WAIT]
    assert records[-1] == DecisionRecord("conveyor", 1, 2, Decided.WAIT, 0, 3, 4)


async def test_frames_for_a_model_that_is_not_served_are_written_down() -> None:
    """Under the name "", and with a name of their camera that has a limit."""
    records: list[Record] = []
    replies = Replies()
    router = Router(asyncio.get_running_loop(), default="conveyor")
    router.observe(Recorder("", records.append))
    router.refuse(replies.frame(3, camera="c" * 1_000), Outcome.INVALID, "no such model")
    (record,) = records
    assert isinstance(record, FrameRecord)
    assert (record.model, record.camera, record.sequence, record.outcome) == ("", "c" * 128, 3, Outcome.INVALID)


def test_it_shows_its_state() -> None:
    """Of which model, and what is not said again."""
    recorder = Recorder("conveyor", print)
    recorder.decided(WaitUntil(None), time_ns=1, start_ns=2, waiting=3, preparing=4)
    assert repr(recorder) == "Recorder('conveyor', last wait=WaitUntil(time_ns=None))"
