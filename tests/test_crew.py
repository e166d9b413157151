"""framebatch.decoding.crew: decoders that die, at the worst of moments, and decoders that cannot start."""

# ruff: noqa: ASYNC110 - how far another process is can only be looked at
from __future__ import annotations

import asyncio
import os
import select
import signal
from typing import TYPE_CHECKING

from decoder_bench import LONG_WORK, PICTURES, SHORT_WORK, Bench, one, two

from framebatch.decoding.crew import BROKEN_AFTER
from framebatch.decoding.protocol import TAKING
from framebatch.detection.headers import Limits, read_header
from framebatch.errors import FramebatchError
from framebatch.frame import Outcome

if TYPE_CHECKING:
    import pytest

__all__ = ["one", "two"]


async def test_a_decoder_that_dies_takes_one_picture_with_it(two: Bench) -> None:
    """That frame is delivered with an error, others are decoded, and a new decoder takes its place."""
    victim = two.put(LONG_WORK)
    place, process = await two.someone_works()
    os.kill(process, signal.SIGKILL)
    others = [two.put(PICTURES["jpeg"][0]) for _ in range(20)]
    await two.wait(21)
    assert (type(victim.error), str(victim.error)) == (FramebatchError, "the decoder died of this picture")
    assert all(frame.error is None for frame in others)
    while two.pool._crew.processes[place].pid == process:
        await asyncio.sleep(0.01)
    two.put(PICTURES["jpeg"][0])
    await two.wait(22)
    assert two.all_slots_free()


async def test_pictures_handed_out_together_are_tried_alone_after_a_death(one: Bench) -> None:
    """Which of them was at fault cannot be told, so none is given up."""
    one.pool._mean_ns = 100_000.0
    frames = [one.put(SHORT_WORK) for _ in range(2)]
    _, process = await one.someone_works()
    assert [len(chunk) for chunk in one.pool._chunks.values()] == [2]
    os.kill(process, signal.SIGKILL)
    await one.wait(2)
    assert [frame.error for frame in frames] == [None, None]
    assert one.all_slots_free()


async def test_a_suspect_that_was_answered_is_not_tried_again(one: Bench) -> None:
    """Its deadline came while it waited for its second chance."""
    answered, alive = one.replies.frame(), one.replies.frame(picture=PICTURES["jpeg"][0])
    answered.outcome, answered.picture = Outcome.EXPIRED, None
    alive.header = read_header(PICTURES["jpeg"][0], Limits())
    one.pool._suspects += [alive, answered]
    one.pool._hand_out()
    assert await one.wait(1) == [alive]
    assert one.all_slots_free()


async def test_a_decoder_that_dies_after_its_work_loses_nothing(one: Bench) -> None:
    """What it had written before is delivered, once."""
    frame = one.put(PICTURES["jpeg"][0])
    while not one.pool._handed:
        await asyncio.sleep(0)
    (ticket,) = one.pool._handed
    select.select([one.pool._channel.results], [], [])  # the loop must not see the result before the death
    one.pool._died(ticket)
    await one.wait(1)
    assert (one.delivered, frame.error) == ([frame], None)
    assert one.all_slots_free()


async def test_a_decoder_that_dies_with_a_picture_it_could_not_note_loses_nothing(one: Bench) -> None:
    """Killed right after it took a chunk: the frames are tried again, and their slots come back."""
    (process,) = await one.asleep()
    frame = one.put(PICTURES["jpeg"][0])
    await one.takes(1)
    behind = one.put(PICTURES["jpeg"][0])
    while len(one.pool._handed) < 2:
        await asyncio.sleep(0)
    one.pool._crew._notes[0] = TAKING
    os.kill(process, signal.SIGKILL)
    await one.wait(2)
    assert [frame.error, behind.error] == [None, None]
    assert one.all_slots_free()


async def test_what_a_living_decoder_may_have_taken_is_not_tried_twice(two: Bench) -> None:
    """As long as it has not noted what it has, nothing is concluded from the death of another one."""
    dead, alive = await two.asleep()
    lost, held = two.put(PICTURES["jpeg"][0], deadline_ms=1000_000), two.put(PICTURES["png"][0], deadline_ms=2000_000)
    _, ticket = await two.takes(2)
    notes = two.pool._crew._notes
    notes[:] = TAKING
    os.kill(dead, signal.SIGKILL)
    while notes[0] == TAKING:
        await asyncio.sleep(0)
    assert (len(two.pool._handed), two.pool._suspects) == (2, [])
    notes[1] = ticket
    assert await two.wait(1) == [lost]
    assert (lost.error, list(two.pool._chunks)) == (None, [ticket])
    os.kill(alive, signal.SIGKILL)
    await two.wait(2)
    assert str(held.error) == "the decoder died of this picture"
    assert two.all_slots_free()


async def test_decoders_that_cannot_start_are_told_of(one: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """After some starts in a row that came to nothing the pool says so, until one comes to something."""
    crew = one.pool._crew
    crew._restart_seconds = 0.001
    (process,) = await one.asleep()
    working = crew._settings["resize"]
    crew._settings["resize"] = {}
    os.kill(process, signal.SIGKILL)
    assert (one.pool.broken, repr(crew)) == ("", "Crew(1 decoders, working=0)")
    while not one.pool.broken:
        await asyncio.sleep(0.001)
    assert one.pool.broken == (
        f"no decoder can be started: {BROKEN_AFTER} ended with status 1 before their first picture; "
        "what they wrote is in the log"
    )
    while "a decoder wrote: Traceback" not in caplog.text:
        await asyncio.sleep(0.001)
    assert "TypeError" in caplog.text
    crew._settings["resize"] = working
    frame = one.put(PICTURES["jpeg"][0])
    await one.wait(1)
    assert (frame.error, one.pool.broken) == (None, "")


async def test_the_work_of_decoders_is_seen(two: Bench) -> None:
    """How many are at it now, and for how long all of them have been, also one that has died since."""
    crew = two.pool.crew
    assert (crew.busy, crew.worked_ns) == (0, 0)
    two.put(LONG_WORK)
    two.put(LONG_WORK)
    while crew.busy < 2:
        await asyncio.sleep(0)
    frames = await two.wait(2)
    assert all(frame.error is None for frame in frames)
    assert crew.worked_ns > 0
    await two.asleep()
    assert crew.busy == 0
    before, pids = crew.worked_ns, crew.pids
    os.kill(pids[0], signal.SIGKILL)
    while crew.pids[0] == pids[0]:
        await asyncio.sleep(0.01)
    assert (crew.worked_ns, crew.pids[1]) == (before, pids[1])
    os.kill(pids[1], signal.SIGCONT)
