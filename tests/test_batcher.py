"""framebatch.batching.batcher: one answer for every frame, batches as the policy decides them.

Real policy, real threads; decoding and the device end when the test says so. The device's reported times are what the
test wants them to be, so how fast the tests themselves run does not matter.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from framebatch.batching import Batcher
from framebatch.frame import Frame, Outcome
from framebatch.profile import LatencyTable
from framebatch.scheduling import Policy, ServiceEstimate, Why
from framebatch.testing import NOTHING, FakeDecoders, FakeDetect, Replies, Step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MS = 1_000_000
SECOND = 1_000 * MS
BUCKETS = (1, 2, 4, 8)
SLOW = LatencyTable.linear(alpha_ns=10 * SECOND, beta_ns=SECOND, buckets=BUCKETS)
"""So slow that no second batch is begun before the first one has ended, however busy the test machine."""
INSTANT = LatencyTable.linear(alpha_ns=MS // 100, beta_ns=100, buckets=BUCKETS)
"""So fast that every batch should have ended by the time that it has begun."""
FAST = LatencyTable.linear(alpha_ns=MS, beta_ns=MS // 10, buckets=BUCKETS)


class Rig:
    """A batcher between fakes."""

    def __init__(self, *, table: LatencyTable = SLOW, instant: bool = True, detect: Any = None, **options: Any) -> None:
        self.table = table
        self.replies = Replies()
        self.decoders = FakeDecoders(instant=instant)
        self.detect = FakeDetect()
        self.released: list[Why] = []
        self.reports: list[tuple[int, int, int]] = []
        self.submitted = 0
        self.batcher = Batcher(
            policy=Policy(ServiceEstimate(table)),
            decoders=self.decoders,
            detect=detect or self.detect,
            on_release=self.released.append,
            on_batch=self._report,
            **options,
        )

    def submit(self, *sequences: int, **options: Any) -> list[Frame]:
        """Hand over frames with these numbers."""
        return [self.hand_over(self.replies.frame(sequence, **options)) for sequence in sequences]

    def hand_over(self, frame: Frame) -> Frame:
        """Hand over one frame; all are accounted for afterwards."""
        self.batcher.submit(frame)
        self.submitted += 1
        self.check_sum()
        return frame

    def check_sum(self) -> None:
        """Received = answered + owed, and nobody holds pixels of an answered frame that is not on the device."""
        assert self.submitted == len(self.replies.frames) + self.batcher.unanswered

    async def step(self, number: int) -> Step:
        """Answer the batch with this number once the device has it."""
        return await self.detect.step(number)

    def finish(self, step: Step, **options: Any) -> None:
        """Let a batch end after just the time in the table."""
        step.finish(**{"service_ns": self.table.by_size_ns[len(step.batch)], **options})

    def outcomes(self) -> dict[int, Outcome | None]:
        """Answer the outcomes by number; None is impossible for a frame that was answered."""
        return {frame.sequence: frame.outcome for frame in self.replies.frames}

    def close(self) -> None:
        """End the threads."""
        for step in self.detect.steps:
            step.finish()
        self.batcher.close()

    def _report(self, *, frames: int, bucket: int, device_ns: int) -> None:
        self.reports.append((frames, bucket, device_ns))


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Rig]]:
    """Answer a maker of rigs, which are closed in the end."""
    rigs: list[Rig] = []

    def one(**options: Any) -> Rig:
        rigs.append(Rig(**options))
        return rigs[-1]

    yield one
    for rig in rigs:
        rig.close()
        assert rig.decoders.closed


async def test_a_frame_is_answered_with_its_times(make: Callable[..., Rig]) -> None:
    """Detections, the size of its batch, and every stage stamped in the order in which it passed it."""
    rig = make(table=FAST)
    (frame,) = rig.submit(0)
    (await rig.step(0)).finish(service_ns=0)
    await rig.replies.wait(1)
    assert (frame.outcome, frame.reason, frame.detections, frame.batch_size) == (Outcome.OK, "", NOTHING, 1)
    stamps = [frame.arrival_ns, frame.ready_ns, frame.dispatched_ns, frame.started_ns, frame.finished_ns]
    assert stamps == sorted(stamps)
    assert frame.finished_ns <= frame.parsed_ns <= frame.answered_ns
    assert (frame.prepared, frame.picture, rig.decoders.held) == (None, None, set())


async def test_batches_form_while_the_device_is_busy(make: Callable[..., Rig]) -> None:
    """What waits when the device becomes free goes together, the earliest deadlines first, up to the largest batch."""
    rig = make()
    rig.submit(0)
    first = await rig.step(0)
    for sequence in range(1, 11):
        rig.submit(sequence, deadline_ms=600_000 - sequence)
    await asyncio.sleep(0)
    rig.finish(first)
    second = await rig.step(1)
    assert (first.batch, second.batch) == ([0], [10, 9, 8, 7, 6, 5, 4, 3])
    rig.finish(second)
    third = await rig.step(2)
    assert third.batch == [2, 1]
    rig.finish(third)
    await rig.replies.wait(11)
    rig.check_sum()
    assert set(rig.outcomes().values()) == {Outcome.OK}
    assert rig.reports == [(size, size, rig.table.by_size_ns[size]) for size in (1, 8, 2)]


async def test_while_one_batch_runs_the_next_is_not_begun_too_early(make: Callable[..., Rig]) -> None:
    """Frames that wait stay free to be joined by others."""
    rig = make()
    rig.submit(0)
    await rig.step(0)
    rig.submit(1)
    await asyncio.sleep(0)
    rig.submit(2)
    await asyncio.sleep(0)
    assert (len(rig.detect.steps), rig.batcher.waiting, rig.batcher.unanswered) == (1, 2, 3)


async def test_the_next_batch_is_begun_when_the_running_one_is_due(make: Callable[..., Rig]) -> None:
    """A second batch joins one that should have ended by now, and no third one does."""
    rig = make(table=INSTANT)
    rig.submit(0)
    await rig.step(0)
    rig.submit(1)
    second = await rig.step(1)
    rig.submit(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (second.batch, len(rig.detect.steps), rig.batcher.waiting) == ([1], 2, 1)


def smallest_budget_ms(refused: Frame) -> int:
    """Answer the budget that a refusal names."""
    assert refused.outcome is Outcome.REJECTED
    start = "cannot be answered in time: 0 frames are ahead; the smallest budget that fits is "
    assert refused.reason.startswith(start)
    return int(refused.reason.removeprefix(start).split()[0])


async def test_a_frame_that_cannot_make_it_is_refused_at_once(make: Callable[..., Rig]) -> None:
    """Before `submit` returns, and with the smallest budget that would do: the device's 11 s and some milliseconds."""
    rig = make()
    (frame,) = rig.submit(0, deadline_ms=5_000)
    assert 11_000 < smallest_budget_ms(frame) < 11_050
    assert (rig.decoders.frames, rig.batcher.unanswered) == ([], 0)


async def test_the_way_back_is_kept_free(make: Callable[..., Rig]) -> None:
    """The margin for the way to the client is part of what a frame needs."""
    (without,) = make().submit(0, deadline_ms=5_000)
    (with_margin,) = make(answer_margin_ns=SECOND).submit(0, deadline_ms=5_000)
    assert smallest_budget_ms(with_margin) == smallest_budget_ms(without) + 1_000


async def test_a_full_server_refuses(make: Callable[..., Rig]) -> None:
    """At most so many frames wait; those are answered all the same."""
    rig = make(max_waiting=2, instant=False)
    frames = rig.submit(0, 1, 2)
    assert (frames[2].outcome, frames[2].reason) == (Outcome.REJECTED, "the server is full: 2 frames wait already")
    rig.decoders.finish(2)
    rig.finish(await rig.step(0))
    await rig.replies.wait(3)
    assert rig.outcomes() == {2: Outcome.REJECTED, 0: Outcome.OK, 1: Outcome.OK}


async def test_pictures_that_wait_are_bounded_by_their_bytes(make: Callable[..., Rig]) -> None:
    """What they take is told, and above the limit frames are refused."""
    rig = make(max_waiting_bytes=20, instant=False)
    frames = rig.submit(0, 1)
    assert (rig.batcher.unanswered_bytes, rig.batcher.max_waiting_bytes) == (2 * len(b"picture"), 20)
    frames += rig.submit(2)
    assert frames[2].reason == "the server is full: more than 20 bytes of pictures wait"
    assert rig.batcher.unanswered_bytes == 2 * len(b"picture")
    rig.decoders.finish(2)
    rig.finish(await rig.step(0))
    await rig.replies.wait(3)
    assert rig.batcher.unanswered_bytes == 0


async def test_a_newer_live_frame_supersedes_one_being_decoded(make: Callable[..., Rig]) -> None:
    """The older one is answered at once and names the newer; its pixels, when they come, go back."""
    rig = make(instant=False)
    old, new = rig.submit(1, 2, live=True)
    assert (old.outcome, old.reason) == (Outcome.SUPERSEDED, "frame 2 of the same camera is newer")
    rig.decoders.finish(2)
    step = await rig.step(0)
    rig.finish(step)
    await rig.replies.wait(2)
    assert (step.batch, new.outcome, rig.decoders.held) == ([2], Outcome.OK, set())


async def test_a_newer_live_frame_supersedes_one_that_waits(make: Callable[..., Rig]) -> None:
    """Frames of other cameras, parts to be judged, and what is on the device stay."""
    rig = make(instant=False)
    rig.submit(0, live=True)
    rig.decoders.finish()
    first = await rig.step(0)
    rig.submit(1, live=True)
    rig.submit(2)
    rig.submit(3, live=True, camera="other")
    rig.decoders.finish(3)
    assert len(rig.decoders.held) == 4
    rig.submit(4, live=True)
    assert rig.outcomes() == {1: Outcome.SUPERSEDED}
    assert len(rig.decoders.held) == 3
    rig.decoders.finish()
    rig.finish(first)
    assert sorted((await rig.step(1)).batch, key=str) == [2, 3, 4]


async def test_frames_can_be_withdrawn(make: Callable[..., Rig]) -> None:
    """Whether being decoded or waiting they are answered EXPIRED and cost no device time."""
    rig = make(instant=False)
    rig.submit(0)
    rig.decoders.finish()
    first = await rig.step(0)
    waiting, decoding = rig.submit(1, 2)
    rig.decoders.finish()
    for frame in (waiting, decoding):
        rig.batcher.withdraw(frame, "the client went away")
        assert (frame.outcome, frame.reason) == (Outcome.EXPIRED, "the client went away")
    rig.decoders.finish()
    rig.finish(first)
    await rig.replies.wait(3)
    assert (len(rig.detect.steps), rig.batcher.waiting, rig.decoders.held) == (1, 0, set())


async def test_what_is_on_the_device_is_not_withdrawn(make: Callable[..., Rig]) -> None:
    """It gets its answer, and withdrawing an answered frame changes nothing."""
    rig = make()
    (frame,) = rig.submit(0)
    step = await rig.step(0)
    rig.batcher.withdraw(frame, "the client went away")
    assert frame.outcome is None
    rig.finish(step)
    await rig.replies.wait(1)
    rig.batcher.withdraw(frame, "the client went away")
    assert (rig.outcomes(), len(rig.replies.frames)) == ({0: Outcome.OK}, 1)


async def test_a_frame_found_wanting_is_counted_like_any_other(make: Callable[..., Rig]) -> None:
    """Refused by the network's side, it has its one answer."""
    rig = make()
    frame = rig.replies.frame()
    rig.batcher.refuse(frame, Outcome.INVALID, "no picture")
    assert (rig.replies.frames, frame.outcome, rig.batcher.unanswered) == ([frame], Outcome.INVALID, 0)


async def test_it_shows_its_state(make: Callable[..., Rig]) -> None:
    """The repr counts what is unanswered and running, and tells when it drains."""
    rig = make(instant=False)
    rig.submit(0)
    waiting = "Pending(preparing=1, ready=0, live=0)"
    assert repr(rig.batcher) == f"Batcher(serving, unanswered=1, running=0, {waiting})"
    await rig.batcher.drain(0)
    assert repr(rig.batcher).startswith("Batcher(draining: the server is shutting down, unanswered=0, running=0, ")
    assert (rig.batcher.waiting, rig.batcher.decode_backlog) == (0, 0)


async def test_every_batch_says_why_it_was_released(make: Callable[..., Rig]) -> None:
    """When it is handed over: all that waited, then a full one; and what is left of a batch that failed."""
    rig = make()
    rig.submit(0)
    first = await rig.step(0)
    assert rig.released == [Why.IDLE]
    rig.submit(*range(1, 9))
    rig.finish(first)
    second = await rig.step(1)
    assert rig.released == [Why.IDLE, Why.FULL]
    second.finish(error=RuntimeError("no"))
    await rig.step(2)
    assert rig.released[2:] == [Why.RETRY]
