"""framebatch.batching.device: models that share a device."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from test_batcher import FAST, SECOND, Rig, make
from test_mending import Faulty

from framebatch.batching import DeviceQueue
from framebatch.frame import Outcome
from framebatch.profile import LatencyTable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["make"]

OK, FAILED, REJECTED = Outcome.OK, Outcome.FAILED, Outcome.REJECTED
SLOWER = LatencyTable.linear(alpha_ns=100 * SECOND, beta_ns=SECOND, buckets=(1, 2, 4))


@pytest.fixture
async def queue() -> AsyncIterator[Callable[..., DeviceQueue]]:
    """Answer a maker of devices, whose threads are ended in the end."""
    queues: list[DeviceQueue] = []

    def one(**options: Any) -> DeviceQueue:
        queues.append(DeviceQueue("gpu", **options))
        return queues[-1]

    yield one
    for each in queues:
        each.close()


def ready(rig: Rig, *sequences: int, **options: Any) -> None:
    """Submit frames and have them decoded at once."""
    rig.submit(*sequences, **options)
    rig.decoders.finish(len(sequences))


def pair(make: Callable[..., Rig], device: DeviceQueue, **second: Any) -> tuple[Rig, Rig]:
    """Answer two models on one device, the first of which has a frame on it already; decoders wait to be told."""
    a = make(device=device, instant=False)
    b = make(device=device, instant=False, **second)
    ready(a, 0)
    return a, b


async def test_models_take_turns_on_one_device(queue: Callable[..., DeviceQueue], make: Callable[..., Rig]) -> None:
    """While one runs a batch the other waits, and gets the device next."""
    device = queue()
    a, b = pair(make, device)
    first = await a.step(0)
    ready(b, 1)
    await asyncio.sleep(0)
    assert (len(a.detect.steps), len(b.detect.steps), device.busy) == (1, 0, True)
    assert repr(device) == "DeviceQueue(gpu, 2 models, running=1)"
    a.finish(first)
    b.finish(await b.step(0))
    await b.replies.wait(1)
    assert (a.outcomes(), b.outcomes(), device.busy) == ({0: OK}, {1: OK}, False)
    assert (a.reports, b.reports) == ([(1, 1, 11 * SECOND)], [(1, 1, 11 * SECOND)])


async def test_who_must_start_first_goes_first(queue: Callable[..., DeviceQueue], make: Callable[..., Rig]) -> None:
    """A model with long batches before one whose deadline is earlier, but leaves it more room."""
    a, b = pair(make, queue(), table=SLOWER)
    first = await a.step(0)
    ready(a, 1, deadline_ms=250_000)
    ready(b, 2, deadline_ms=300_000)
    a.finish(first)
    second = await b.step(0)
    assert len(a.detect.steps) == 1
    b.finish(second)
    a.finish(await a.step(1))


async def test_the_more_urgent_of_two_equals_goes_first(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """Whoever came first, and whoever joined the device first."""
    a, b = pair(make, queue())
    first = await a.step(0)
    ready(a, 1, deadline_ms=400_000)
    ready(b, 2, deadline_ms=300_000)
    a.finish(first)
    b.finish(await b.step(0))
    a.finish(await a.step(1))
    await a.replies.wait(2)


async def test_under_overload_the_device_is_shared(queue: Callable[..., DeviceQueue], make: Callable[..., Rig]) -> None:
    """A model that always has urgent frames lets the other have its share."""
    a, b = pair(make, queue())
    first = await a.step(0)
    a.batcher.policy._rate_per_ns = 1.0
    ready(a, *range(1, 25), deadline_ms=100_000)
    ready(b, *range(25, 49))
    a.finish(first)
    b.finish(await b.step(0))
    a.finish(await a.step(1))
    b.finish(await b.step(1))
    a.finish(await a.step(2))
    assert a.batcher.policy.overloaded
    assert b.batcher.policy.overloaded
    assert b.batcher.policy.load < 1


async def test_what_is_more_urgent_elsewhere_counts_on_arrival(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """A frame that could be served on a device of its own is refused when another model's frames go first."""
    a, b = pair(make, queue())
    await a.step(0)
    ready(a, *range(1, 17), deadline_ms=55_000)
    ready(b, 17, deadline_ms=56_000)
    (patient,) = b.submit(18)
    assert b.outcomes() == {17: REJECTED}
    assert patient.outcome is None


async def test_when_both_are_overloaded_neither_is_shut_out(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """The backlog of one does not turn away the frames of the other, which has a share of the device."""
    a, b = pair(make, queue())
    await a.step(0)
    a.batcher.policy._rate_per_ns = b.batcher.policy.other_load = 1.0
    ready(a, *range(1, 17), deadline_ms=55_000)
    (frame,) = b.submit(17, deadline_ms=56_000)
    assert frame.outcome is None


async def test_under_overload_no_more_is_ahead_than_there_is(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """One frame of the other model is, however many frames of its own a model has."""
    a, b = pair(make, queue())
    await a.step(0)
    a.batcher.policy._rate_per_ns = b.batcher.policy.other_load = 1.0
    ready(a, 1, deadline_ms=52_000)
    ready(b, *range(2, 10), deadline_ms=53_000)
    (frame,) = b.submit(10, deadline_ms=54_000)
    assert frame.outcome is None


async def test_a_model_can_be_replaced(queue: Callable[..., DeviceQueue], make: Callable[..., Rig]) -> None:
    """The old one refuses what is new and finishes what it has; then nothing of it is left on the device."""
    device = queue()
    old, new = pair(make, device)
    first = await old.step(0)
    ready(old, 1)
    old.batcher.retire("version 2 has taken over")
    (late,) = old.submit(2)
    assert (late.outcome, late.reason) == (REJECTED, "version 2 has taken over")
    closed = asyncio.create_task(old.batcher.closed())
    ready(new, 3)
    old.finish(first)
    old.finish(await old.step(1))
    new.finish(await new.step(0))
    await closed
    await new.replies.wait(1)
    assert (old.outcomes(), new.outcomes()) == ({2: REJECTED, 0: OK, 1: OK}, {3: OK})
    assert repr(device).startswith("DeviceQueue(gpu, 1 models")


async def test_a_model_is_closed_only_when_the_device_has_let_it_go(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """Also when all its frames were answered before."""
    old = make(device=queue(), table=FAST, instant=False)
    ready(old, 0, deadline_ms=200)
    step = await old.step(0)
    old.batcher.retire("replaced")
    closed = asyncio.create_task(old.batcher.closed())
    await old.replies.wait(1)
    await asyncio.sleep(0)
    assert not closed.done()
    step.finish()
    await closed
    assert old.decoders.held == set()


async def test_closing_one_of_two_leaves_the_device_running(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """Closing twice does no harm either."""
    device = queue()
    a, b = make(device=device), make(device=device)
    a.batcher.close()
    b.submit(0)
    b.finish(await b.step(0))
    await b.replies.wait(1)


async def test_a_result_that_nobody_can_handle_stops_nothing(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells; the frame is answered at its deadline, and the next batch is run."""
    rig = make(device=queue(), table=FAST, detect=lambda _: "no result at all")
    rig.submit(0, 1, deadline_ms=100)
    await rig.replies.wait(2)
    assert rig.outcomes() == {0: Outcome.EXPIRED, 1: Outcome.EXPIRED}
    assert caplog.text.count("gpu: what came of a job could not be handled; its frames will expire") == 2


async def test_other_models_wait_while_a_session_is_opened(
    queue: Callable[..., DeviceQueue], make: Callable[..., Rig]
) -> None:
    """And are served afterwards."""
    device, broken = queue(), Faulty()
    broken.broken = True
    broken.held.clear()
    a, b = broken.rig(make, device=device), make(device=device, instant=False)
    for number in range(3):
        ready(a, number)
        await a.replies.wait(min(number + 1, 2))
    await broken.opening.wait()
    ready(b, 3)
    for _ in range(100):
        await asyncio.sleep(0)
    assert (b.detect.steps, device.busy) == ([], True)
    broken.held.set()
    b.finish(await b.step(0))
    await b.replies.wait(1)
    await a.replies.wait(3)
    assert (a.outcomes(), b.outcomes()) == ({0: FAILED, 1: FAILED, 2: OK}, {3: OK})
