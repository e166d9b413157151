"""Streams that run a source at its pace, against a real server in this process."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from framebatch_client import (
    Answer,
    AsyncClient,
    Client,
    InvalidRequest,
    Outcome,
    SourceFrame,
)
from framebatch_client.testing import ScriptedServer

JPEG = b"\xff\xd8\xff\xe0 not really"


async def test_run_sends_the_source_at_its_pace(server: ScriptedServer, client: AsyncClient) -> None:
    """Frames go out in order, not before they are due, stamped with their time; then the stream is closed."""
    start = time.time()
    stream = client.stream(fps=50)
    answers: list[Answer] = []
    stats = await stream.run([JPEG] * 5, on_answer=answers.append)
    stamps = [frame.capture_time_unix_ns / 1e9 - start for frame in server.frames]
    assert [frame.sequence for frame in server.frames] == [0, 1, 2, 3, 4]
    assert stamps[-1] >= 0.079
    assert (stats.sent, len(answers), stream.state) == (5, 5, "closed")


async def test_run_takes_numbers_from_the_source(server: ScriptedServer, client: AsyncClient) -> None:
    """A SourceFrame's index is its sequence number, so that answers lead back to it."""
    source = [SourceFrame(JPEG, None, index) for index in (3, 5, 8)]
    await client.stream(fps=200).run(source)
    assert [frame.sequence for frame in server.frames] == [3, 5, 8]


async def test_run_stops_at_the_count(client: AsyncClient) -> None:
    """A source without end is asked for no more than the count."""
    asked: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            asked.append(len(asked))
            yield JPEG

    stats = await client.stream(fps=500).run(endless(), count=3)
    assert (stats.sent, asked) == (3, [0, 1, 2])


async def test_run_can_be_stopped(client: AsyncClient) -> None:
    """stop() ends a run that waits for its next frame, without waiting for it."""
    stream = client.stream(fps=0.001)
    stats = await stream.run([JPEG] * 3, on_answer=lambda _: stream.stop())
    assert (stats.sent, stats.answered[Outcome.OK]) == (1, 1)


async def test_a_slow_source_is_counted_as_late(client: AsyncClient) -> None:
    """Frames that the source gives too late for their time are sent, and counted."""

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0.1)
            yield JPEG

    stats = await client.stream(fps=20).run(slow())
    assert (stats.sent, stats.late) == (3, 2)


async def test_a_live_source_is_asked_when_a_frame_is_due(client: AsyncClient) -> None:
    """A real camera's picture is not taken a period before it is sent."""
    asked: list[float] = []

    class Live:
        live = True

        def __iter__(self) -> Iterator[bytes]:
            while True:
                asked.append(time.perf_counter())
                yield JPEG

    start = time.perf_counter()
    await client.stream(fps=50).run(Live(), count=3)
    assert asked[2] - start >= 0.04


async def test_a_broken_source_ends_the_run(client: AsyncClient) -> None:
    """The error of a source comes out of run."""

    def broken() -> Iterator[bytes]:
        yield JPEG
        raise OSError("disk gone")

    async with client.stream(fps=100) as stream:
        with pytest.raises(OSError, match="disk gone"):
            await stream.run(broken())
    assert stream.state == "closed"


async def test_an_error_in_the_callback_ends_the_run(client: AsyncClient) -> None:
    """What on_answer raises comes out of run."""

    def fail(_: Answer) -> None:
        raise ZeroDivisionError("in the callback")

    async with client.stream(fps=100) as stream:
        with pytest.raises(ZeroDivisionError):
            await stream.run([JPEG] * 3, on_answer=fail)


@pytest.mark.parametrize(
    ("fps", "source", "message"),
    [(None, [JPEG], "run needs the fps of the stream"), (5, JPEG, "run needs several pictures, not one bytes")],
)
async def test_a_run_that_makes_no_sense_is_refused(client: AsyncClient, fps: Any, source: Any, message: str) -> None:
    """Without a pace or with a single picture for a source, the error says what is missing."""
    with pytest.raises(InvalidRequest, match=message):
        await client.stream(fps=fps).run(source)


async def test_a_blocking_run_can_be_stopped_from_another_thread(server: ScriptedServer) -> None:
    """stop() ends a run that waits in another thread."""
    with Client(server.address) as client:
        stream = client.stream(fps=0.001)
        running = asyncio.create_task(asyncio.to_thread(stream.run, [JPEG] * 3))
        await server.received(1)
        await asyncio.to_thread(stream.stop)
        assert (await running).sent == 1


async def test_a_callback_that_calls_its_client_is_refused(server: ScriptedServer) -> None:
    """Waiting for the thread that one is on would never end; the error says so."""
    with Client(server.address) as client:
        stream = client.stream(fps=100)
        with pytest.raises(InvalidRequest, match="on_answer must not call the client"):
            await asyncio.to_thread(stream.run, [JPEG], on_answer=lambda _: _ignore(client.health()))


def _ignore(_: object) -> None:
    """Turn a call into one without a result."""
