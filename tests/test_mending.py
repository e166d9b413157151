"""framebatch.batching.mending: failed batches of a real batcher, until each frame has its answer."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest
from test_batcher import FAST, SECOND, SLOW, Rig, make

from framebatch.clock import now_ns
from framebatch.errors import DeviceError, DeviceMemoryError
from framebatch.frame import Outcome
from framebatch.testing import NOTHING, FakeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["make"]

OK, FAILED, EXPIRED = Outcome.OK, Outcome.FAILED, Outcome.EXPIRED


class Faulty:
    """A device that fails as it is told to, at once; keeps what it was asked to run, in order.

    Attributes:
        poison: frames that every batch fails with.
        room: the largest batch that it has memory for.
        broken: whether everything fails until it is opened anew.
        irreparable: whether opening it anew fails too.
        held: opening waits until this is set.
    """

    def __init__(self, *, poison: Sequence[int] = (), room: int = 8) -> None:
        self.poison = set(poison)
        self.room = room
        self.broken = False
        self.irreparable = False
        self.held = threading.Event()
        self.held.set()
        self.opening = asyncio.Event()
        self.runs: list[list[int]] = []
        self.log: list[str] = []
        self.health: list[tuple[bool, str]] = []
        self._loop = asyncio.get_running_loop()

    def detect(self, batch: Sequence[Any]) -> FakeResult:
        """Run a batch."""
        self.runs.append(list(batch))
        if len(batch) > self.room:
            raise DeviceMemoryError(f"no memory for {len(batch)}")
        if self.fails(batch):
            raise DeviceError("illegal access")
        now = now_ns()
        return FakeResult([NOTHING] * len(batch), len(batch), now, now - 1, now, now)

    def fails(self, batch: Sequence[Any]) -> bool:
        """Answer whether this run fails."""
        return self.broken or not self.poison.isdisjoint(batch)

    def warm(self) -> None:
        """Run nobody's batch."""
        self.log.append("warm")
        if self.broken or self.room < 1:
            raise DeviceError("still broken")

    def reopen(self) -> None:
        """Mend what is broken."""
        self.log.append("reopen")
        self._loop.call_soon_threadsafe(self.opening.set)
        self.held.wait()
        if self.irreparable:
            raise DeviceError("no such device")
        self.broken, self.room = False, self.room or 8
        self.log.append("reopened")

    def report(self, *, healthy: bool, reason: str) -> None:
        """Keep what is said of its health."""
        self.health.append((healthy, reason))

    def rig(self, make: Callable[..., Rig], **options: Any) -> Rig:
        """Answer a batcher of this device, whose frames are decoded when told."""
        repair = {"warm": self.warm, "reopen": self.reopen, "on_health": self.report}
        return make(detect=self.detect, instant=False, **(repair | options))


async def run_all(rig: Rig, *sequences: int, **options: Any) -> dict[int, Outcome | None]:
    """Submit frames, have them decoded together, and answer all outcomes so far once these have theirs."""
    before = len(rig.replies.frames)
    rig.submit(*sequences, **options)
    rig.decoders.finish(len(sequences))
    await rig.replies.wait(before + len(sequences))
    return rig.outcomes()


async def quiet(rig: Rig) -> None:
    """Wait until the device has nothing to do."""
    await rig.batcher._device.finished_for(rig.batcher._dispatch)


@pytest.mark.parametrize("poison", range(8))
async def test_a_poison_frame_is_found_and_its_mates_are_answered(make: Callable[..., Rig], poison: int) -> None:
    """Wherever it lies in the batch; it alone is FAILED, with what the device says."""
    device = Faulty(poison=[poison])
    rig = device.rig(make)
    outcomes = await run_all(rig, *range(8))
    assert outcomes == {number: FAILED if number == poison else OK for number in range(8)}
    reason = next(frame.reason for frame in rig.replies.frames if frame.sequence == poison)
    assert (reason, rig.decoders.held) == ("detection failed: illegal access", set())
    counts = rig.batcher.recovery.counts
    assert (counts.batches_failed, counts.batches_split, counts.frames_poisoned) == (4, 3, 1)
    assert sum(frame.batch_size for frame in rig.replies.frames if frame.sequence != poison) == 1 + 2 * 2 + 4 * 4


async def test_a_batch_that_fails_once_is_no_loss(make: Callable[..., Rig]) -> None:
    """Both halves succeed."""
    rig = make(instant=False)
    rig.submit(*range(4))
    rig.decoders.finish(4)
    (await rig.step(0)).finish(error=DeviceError("once"))
    for number in (1, 2):
        rig.finish(await rig.step(number))
    await rig.replies.wait(4)
    assert [step.batch for step in rig.detect.steps] == [[0, 1, 2, 3], [0, 1], [2, 3]]
    assert rig.outcomes() == dict.fromkeys(range(4), OK)
    assert all(frame.reason == "" for frame in rig.replies.frames)


async def test_halves_go_before_others(make: Callable[..., Rig]) -> None:
    """Whoever waits with an earlier deadline comes after them."""
    rig = make(instant=False)
    rig.submit(0, 1)
    rig.decoders.finish(2)
    first = await rig.step(0)
    rig.submit(2, deadline_ms=300_000)
    rig.decoders.finish()
    first.finish(error=DeviceError("once"))
    for number in (1, 2, 3):
        rig.finish(await rig.step(number))
    await rig.replies.wait(3)
    assert [step.batch for step in rig.detect.steps] == [[0, 1], [0], [1], [2]]


async def test_who_was_answered_meanwhile_is_not_run_again(make: Callable[..., Rig]) -> None:
    """A frame that expired on the device leaves its batch-mate to be run alone."""
    rig = make(table=FAST, instant=False)
    rig.submit(0, deadline_ms=300)
    rig.submit(1)
    rig.decoders.finish(2)
    first = await rig.step(0)
    await rig.replies.wait(1)
    first.finish(error=DeviceError("once"))
    second = await rig.step(1)
    assert (first.batch, second.batch) == ([0, 1], [1])
    second.finish()
    await rig.replies.wait(2)
    assert (rig.outcomes(), rig.decoders.held) == ({0: EXPIRED, 1: OK}, set())


async def test_halves_that_would_be_too_late_are_not_run(make: Callable[..., Rig]) -> None:
    """Their frames are told why, and the others are run."""
    rig = make(instant=False)
    rig.submit(0, deadline_ms=60_000)
    rig.submit(1)
    rig.decoders.finish(2)
    first = await rig.step(0)
    for _ in range(9):
        rig.batcher.policy.estimate.observe(1, 100 * SECOND)
    first.finish(error=DeviceError("once"))
    rig.finish(await rig.step(1))
    await rig.replies.wait(2)
    late = rig.replies.frames[0]
    assert rig.outcomes() == {0: EXPIRED, 1: OK}
    assert late.reason == "another run would be too late; a batch of 2 failed: once"


async def test_out_of_memory_smaller_batches_are_run(make: Callable[..., Rig]) -> None:
    """The frames lose nothing but time, and no larger batch is tried for now."""
    device = Faulty(room=3)
    rig = device.rig(make)
    assert await run_all(rig, *range(8)) == dict.fromkeys(range(8), OK)
    assert [len(run) for run in device.runs] == [8, 4, 2, 2, 2, 2]
    counts = rig.batcher.recovery.counts
    assert (rig.batcher.recovery.cap, counts.cap_lowered, counts.out_of_memory) == (2, 2, 2)
    device.runs.clear()
    await run_all(rig, *range(8, 12))
    assert [len(run) for run in device.runs] == [2, 2]


async def test_larger_batches_are_tried_again_later(make: Callable[..., Rig]) -> None:
    """When the quiet time is over and memory is there."""
    device = Faulty(room=4)
    rig = device.rig(make)
    await run_all(rig, *range(8))
    device.room = 8
    rig.batcher.recovery._raise_at_ns = now_ns()
    device.runs.clear()
    await run_all(rig, 8)
    await run_all(rig, *range(9, 17))
    assert [len(run) for run in device.runs] == [1, 8]
    assert rig.batcher.recovery.counts.cap_raised == 1


async def test_a_frame_put_back_gives_way_to_a_newer_one(make: Callable[..., Rig]) -> None:
    """Live cameras keep one waiting frame, also when a batch found no memory; and the reason is told when it is late."""
    rig = make(instant=False)
    rig.submit(0, live=True)
    rig.submit(1, 2)
    rig.decoders.finish(3)
    first = await rig.step(0)
    rig.submit(3, live=True)
    rig.decoders.finish()
    first.finish(error=DeviceMemoryError("no memory"))
    second = await rig.step(1)
    assert (rig.outcomes(), first.batch, second.batch) == ({0: Outcome.SUPERSEDED}, [0, 1, 2], [1, 2])
    waiting = next(frame for frame in rig.decoders.held if frame.sequence == 3)
    rig.batcher.withdraw(waiting, "gone")
    rig.finish(second)
    await rig.replies.wait(4)
    assert rig.decoders.held == set()


async def test_a_frame_put_back_waits_again(make: Callable[..., Rig]) -> None:
    """It is not on the device any more, and knows why."""
    rig = make(instant=False)
    rig.submit(0)
    (waiting,) = rig.submit(1)
    rig.decoders.finish(2)
    (await rig.step(0)).finish(error=DeviceMemoryError("no memory"))
    assert (await rig.step(1)).batch == [0]
    assert (waiting.dispatched_ns, waiting.reason) == (0, "a batch of 2 failed: no memory")
    assert (waiting.outcome, rig.batcher.waiting) == (None, 1)


async def test_a_frame_put_back_that_comes_too_late_says_why(make: Callable[..., Rig]) -> None:
    """EXPIRED names the batch that failed."""
    rig = make(instant=False)
    rig.submit(0, deadline_ms=60_000)
    rig.submit(1)
    rig.decoders.finish(2)
    first = await rig.step(0)
    for _ in range(9):
        rig.batcher.policy.estimate.observe(1, 100 * SECOND)
    first.finish(error=DeviceMemoryError("no memory"))
    rig.finish(await rig.step(1))
    await rig.replies.wait(2)
    assert rig.replies.frames[0].outcome is EXPIRED
    assert rig.replies.frames[0].reason.startswith("overload: the device would be ")
    assert rig.replies.frames[0].reason.endswith(" ms too late; a batch of 2 failed: no memory")


async def test_the_log_is_not_flooded(make: Callable[..., Rig], caplog: pytest.LogCaptureFixture) -> None:
    """One line for the batch that failed, and one for what was found to be at fault, however many there are."""
    rig = Faulty(poison=[0, 5]).rig(make)
    await run_all(rig, *range(8))
    assert [record.getMessage() for record in caplog.records] == [
        "model: a batch of 8 failed: illegal access; each half is run for itself",
        "model: a frame failed alone: illegal access; answered FAILED",
    ]


async def test_it_shows_its_state(make: Callable[..., Rig]) -> None:
    """The repr says whether the session works."""
    rig = make(table=SLOW)
    mending = repr(rig.batcher._dispatch.mending)
    assert mending.startswith("Mending(working, parts=0, Recovery(cap=8 of 8")
    assert repr(rig.batcher._dispatch) == f"Dispatch(running=0, Pending(preparing=0, ready=0, live=0), {mending})"


class Chaos(Faulty):
    """Fails by chance, too, and remembers who failed alone."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self.faults = True
        self.alone: set[int] = set()

    def fails(self, batch: Sequence[Any]) -> bool:
        """Fail one of ten."""
        fails = super().fails(batch) or (self.faults and self.chance.random() < 0.1)
        if fails and len(batch) == 1:
            self.alone.update(batch)
        return fails

    def trouble(self) -> None:
        """Something changes."""
        self.room = self.chance.choice([1, 2, 3, 5, 8, 8, 8])
        self.broken = self.broken or self.chance.random() < 0.05


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_fails_each_frame_has_one_answer(make: Callable[..., Rig], seed: int) -> None:
    """No frame is FAILED for another one's sake, and when the faults end so do the failures."""
    chance = random.Random(seed)  # noqa: S311 - a test needs no secrecy
    device = Chaos(chance)
    device.poison = set(chance.sample(range(400), 20))
    rig = device.rig(make, table=FAST)
    for sequence in range(400):
        deadline_ms = chance.choice([3.0, 30.0, 600_000.0, 600_000.0])
        rig.submit(sequence, live=chance.random() < 0.3, camera=chance.choice("abc"), deadline_ms=deadline_ms)
        if chance.random() < 0.4:
            rig.decoders.finish(chance.randrange(9))
        if chance.random() < 0.1:
            device.trouble()
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        rig.check_sum()
    rig.decoders.finish(400)
    await rig.replies.wait(400)
    await quiet(rig)
    assert sorted(frame.sequence for frame in rig.replies.frames) == list(range(400))
    assert {number for number, outcome in rig.outcomes().items() if outcome is FAILED} <= device.alone
    assert rig.decoders.held == set()
    assert device.health == []
    device.faults, device.broken, device.room, device.poison = False, False, 8, set()
    assert {(await run_all(rig, number, number + 1))[number] for number in range(400, 440, 2)} == {OK}
