"""framebatch.batching.device: a device that hangs, and one that is kept warm."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

from test_batcher import FAST, MS, SECOND, SLOW, Rig, make
from test_device_queue import FAILED, queue

from framebatch.clock import now_ns
from framebatch.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from framebatch.batching import DeviceQueue

__all__ = ["make", "queue"]


async def test_a_device_that_hangs_is_given_up(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    """Everything is answered FAILED and told why, then the owner of the process; nothing is accepted any more."""
    hung: list[tuple[str, int]] = []

    def on_hang(reason: str) -> None:
        hung.append((reason, a.batcher.unanswered + b.batcher.unanswered))

    device = queue(hang_at_least_ns=20 * MS, on_hang=on_hang)
    a, b = (make(device=device, table=FAST) for _ in range(2))
    a.submit(0)
    step = await a.step(0)
    a.submit(1)
    b.submit(2)
    await a.replies.wait(2)
    reason = "gpu hangs: nothing came back from it for 0.0 s"
    assert {(frame.outcome, frame.reason) for rig in (a, b) for frame in rig.replies.frames} == {(FAILED, reason)}
    assert hung == [(reason, 0)]
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    (late,) = b.submit(3)
    joined = make(device=device)
    (lost,) = joined.submit(4)
    assert (late.outcome, late.reason, lost.outcome) == (FAILED, reason, FAILED)
    step.finish()
    await asyncio.sleep(0)
    await a.batcher.closed()
    assert len(hung) == 1
    assert repr(device).endswith(f", hung: {reason})")


async def test_each_batch_is_watched_by_its_own_measure(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """A short one that hangs is noticed soon, whatever ran before it."""
    device = queue(hang_at_least_ns=MS)
    slow, fast = make(device=device), make(device=device, table=FAST)
    slow.submit(0)
    slow.finish(await slow.step(0))
    await slow.replies.wait(1)
    fast.submit(1)
    await fast.replies.wait(1)
    assert fast.outcomes() == {1: FAILED}


async def test_a_device_is_given_the_time_that_it_needs(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """Twenty times the estimate of a slow batch is no hang; nor is a process that was stopped for a while."""
    hung: list[str] = []
    device = queue(hang_at_least_ns=MS, on_hang=hung.append)
    rig = make(device=device)
    rig.submit(0)
    step = await rig.step(0)
    device._look()
    device._progress_ns -= 219 * SECOND
    device._look()
    device._progress_ns -= SECOND
    device._watch_at_ns = now_ns() - SECOND
    device._look()
    assert (hung, rig.replies.frames) == ([], [])
    device._watch_at_ns = now_ns()
    device._progress_ns -= 220 * SECOND
    device._look()
    assert len(hung) == 1
    step.finish()


async def test_an_idle_device_does_not_hang(queue: Callable[..., DeviceQueue]) -> None:
    """There is nothing to wait for."""
    hung: list[str] = []
    queue(on_hang=hung.append)._look()
    assert hung == []


class Warmth:
    """Counts warm runs, and fails them when told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None
        self._go = threading.Semaphore(0)
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> None:
        """Run; on a lane."""
        self._loop.call_soon_threadsafe(self._count)
        self._go.acquire()
        if self.error is not None:
            raise self.error

    def finish(self) -> None:
        """Let one run end."""
        self._go.release()

    async def wait(self, runs: int) -> None:
        """Wait until so many have begun."""
        while self.runs < runs:
            self._changed.clear()
            await self._changed.wait()

    def _count(self) -> None:
        self.runs += 1
        self._changed.set()


async def test_an_idle_device_is_kept_warm(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    """Again and again while it is idle, after its first batch; nobody counts that as a batch, and it may fail."""
    warm = Warmth()
    rig = make(device=queue(keep_warm_ns=2 * MS), table=FAST, warm=warm)
    rig.submit(0)
    (await rig.step(0)).finish()
    await warm.wait(1)
    warm.error = DeviceError("cold")
    warm.finish()
    await warm.wait(2)
    assert "keeping the device warm failed: cold" in caplog.text
    warm.finish()
    assert [frames for frames, _, _ in rig.reports] == [1]
    assert rig.batcher.recovery.counts.batches_failed == 0


async def test_a_busy_or_forgotten_device_is_not_warmed(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """While a batch runs, shortly after one, and a minute after the last."""
    warm = Warmth()
    device = queue(keep_warm_ns=60 * SECOND)
    rig = make(device=device, warm=warm)
    device._keep_warm()
    rig.submit(0)
    first = await rig.step(0)
    device._keep_warm()
    rig.finish(first)
    await rig.replies.wait(1)
    device._keep_warm()
    device._progress_ns -= 60 * SECOND
    device._served_ns -= 60 * SECOND
    device._keep_warm()
    assert list(device._in_flight.jobs) == list(device._alone)
    device._served_ns += SECOND
    device._keep_warm()
    await warm.wait(1)
    warm.finish()


async def test_a_model_that_cannot_be_warmed_is_left_alone(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """The device simply stays idle."""
    device = queue(keep_warm_ns=SECOND)
    rig = make(device=device, table=SLOW)
    rig.submit(0)
    rig.finish(await rig.step(0))
    await rig.replies.wait(1)
    device._progress_ns -= SECOND
    device._keep_warm()
    assert not device.busy
