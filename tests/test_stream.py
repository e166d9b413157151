"""Streams against a real server in this process: sending, answers, closing."""

import asyncio
from typing import Any

import pytest

from framebatch_client import (
    Answer,
    AsyncClient,
    AsyncStream,
    Client,
    ClientClosed,
    InvalidRequest,
    Outcome,
)
from framebatch_client.testing import ScriptedServer, reply_ok, stay_silent
from framebatch_proto.v1 import detector_pb2

JPEG = b"\xff\xd8\xff\xe0 not really"


async def test_every_frame_has_its_answer(client: AsyncClient) -> None:
    """Frames are numbered from 0, and after finish() the answers end by themselves."""
    async with client.stream(camera="press-3") as stream:
        sent = [await stream.send(JPEG) for _ in range(5)]
        await stream.finish()
        answers = [answer async for answer in stream.answers()]
    assert sent == [0, 1, 2, 3, 4]
    assert sorted(answer.sequence for answer in answers) == sent
    assert {answer.camera for answer in answers} == {"press-3"}


async def test_several_tasks_may_send(client: AsyncClient) -> None:
    """Frames sent at the same time by different tasks follow each other on the stream."""
    async with client.stream() as stream:
        sent = await asyncio.gather(*(stream.send(bytes(100_000)) for _ in range(10)))
        await stream.finish()
        answers = [answer async for answer in stream.answers()]
    assert sorted(sent) == sorted(answer.sequence for answer in answers) == list(range(10))


async def test_answers_come_as_they_are_ready(server: ScriptedServer, client: AsyncClient) -> None:
    """A frame that takes longer does not hold up the one after it."""
    second_answered = asyncio.Event()

    async def first_waits(frame: detector_pb2.Frame) -> detector_pb2.Answer:
        if frame.sequence == 0:
            await second_answered.wait()
        return await reply_ok(frame)

    server.reply = first_waits
    async with client.stream() as stream:
        for _ in range(2):
            await stream.send(JPEG)
        answers = stream.answers()
        first = await anext(answers)
        second_answered.set()
        assert [first.sequence, (await anext(answers)).sequence] == [1, 0]


async def test_all_options_reach_the_server(server: ScriptedServer, client: AsyncClient) -> None:
    """Options of the stream are on each frame, with the period as the hint when the next one comes."""
    options: dict[str, Any] = {"camera": "c", "fps": 20, "deadline_ms": 80, "mode": "live", "model": "m"}
    async with client.stream(region=(0, 1, 2, 3), priority="best-effort", **options) as stream:
        await stream.send(JPEG, sequence=7, capture_time=1.0)
        await stream.send(JPEG, next_frame_ms=12)
        await server.received(2)
    expected = detector_pb2.Frame(
        camera="c",
        sequence=7,
        encoded=JPEG,
        deadline_ms=80,
        capture_time_unix_ns=1_000_000_000,
        mode=detector_pb2.MODE_LIVE,
        region=detector_pb2.Region(x=0, y=1, width=2, height=3),
        next_frame_ms=50,
        model="m",
        priority=detector_pb2.PRIORITY_BEST_EFFORT,
    )
    assert server.frames[0] == expected
    assert server.frames[1].next_frame_ms == 12


async def test_closing_waits_for_what_was_sent(server: ScriptedServer, client: AsyncClient) -> None:
    """Leaving the stream half-closes it and takes the answers that are still to come."""
    release = asyncio.Event()

    async def when_released(frame: detector_pb2.Frame) -> detector_pb2.Answer:
        await release.wait()
        return await reply_ok(frame)

    server.reply = when_released
    stream = client.stream()
    await stream.open()
    await stream.send(JPEG)
    closing = asyncio.create_task(stream.close())
    await server.received(1)
    release.set()
    await closing
    assert (stream.state, stream.stats.answered[Outcome.OK], stream.stats.lost) == ("closed", 1, 0)


async def test_closing_is_bounded(server: ScriptedServer, client: AsyncClient) -> None:
    """What has no answer when the time is over counts as lost, by number."""
    server.reply = stay_silent
    stream = client.stream()
    await stream.open()
    await stream.send(JPEG, sequence=5)
    await stream.close(timeout_seconds=0.01)
    assert (stream.stats.lost, stream.stats.in_flight, stream.unanswered) == (1, 0, (5,))


async def test_a_closed_stream_says_so(client: AsyncClient) -> None:
    """Sending after the end raises ClientClosed; closing again does nothing; answers just end."""
    async with client.stream(camera="c") as stream:
        pass
    await stream.close()
    with pytest.raises(ClientClosed, match="the stream of camera 'c' is closed"):
        await stream.send(JPEG)
    assert [answer async for answer in stream.answers()] == []


async def test_a_number_in_flight_is_refused(server: ScriptedServer, client: AsyncClient) -> None:
    """The same sequence number twice at a time could not be told apart."""
    server.reply = stay_silent
    async with client.stream() as stream:
        await stream.send(JPEG, sequence=1)
        with pytest.raises(InvalidRequest, match="sequence 1 is still in flight"):
            await stream.send(JPEG, sequence=1)
        await stream.close(timeout_seconds=0)


async def test_many_cameras_share_one_connection(client: AsyncClient) -> None:
    """Twenty streams at once each get the answers to their own frames."""
    streams = [client.stream(camera=f"camera-{number}", fps=100) for number in range(20)]
    answers: list[Answer] = []
    await asyncio.gather(*(stream.run([JPEG] * 5, on_answer=answers.append) for stream in streams))
    assert {stream.stats.answered[Outcome.OK] for stream in streams} == {5}
    assert len({(answer.camera, answer.sequence) for answer in answers}) == 100


async def test_unread_answers_are_dropped_and_counted(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never reads does not fill the memory: the oldest answers go."""
    monkeypatch.setattr("framebatch_client.stream._MAX_KEPT_ANSWERS", 2)
    stream = client.stream(fps=500)
    stats = await stream.run([JPEG] * 5)
    assert (stats.unread, [answer.sequence async for answer in stream.answers()]) == (3, [3, 4])


async def test_a_stream_shows_its_state_and_its_sum(server: ScriptedServer, client: AsyncClient) -> None:
    """The repr tells camera, state and what became of the frames, at every stage of its life."""
    server.reply = stay_silent
    stream = client.stream(camera="c")
    shown = [repr(stream)]
    await stream.send(JPEG)
    shown.append(repr(stream))
    await stream.finish()
    shown.append(repr(stream))
    await stream.close(timeout_seconds=0)
    shown.append(repr(stream))
    assert shown == [
        "<AsyncStream 'c' new: 0 sent = 0 answered + 0 lost + 0 in flight>",
        "<AsyncStream 'c' open: 1 sent = 0 answered + 0 lost + 1 in flight>",
        "<AsyncStream 'c' finishing: 1 sent = 0 answered + 0 lost + 1 in flight>",
        "<AsyncStream 'c' closed: 1 sent = 0 answered + 1 lost + 0 in flight>",
    ]


async def test_the_blocking_stream_does_the_same(server: ScriptedServer) -> None:
    """Without asyncio: sending, iterating, running, figures and closing."""

    def use() -> tuple[Any, ...]:
        with Client(server.address) as client:
            with client.stream(camera="a") as stream:
                sent = [stream.send(JPEG) for _ in range(3)]
                stream.finish()
                read = sorted(answer.sequence for answer in stream.answers())
            answers: list[Answer] = []
            runner = client.stream(camera="b", fps=200)
            stats = runner.run([JPEG] * 4, on_answer=answers.append)
            return sent, read, stats.sent, len(answers), repr(stream), runner.unanswered

    shown = "<Stream 'a' closed: 3 sent = 3 answered + 0 lost + 0 in flight>"
    assert await asyncio.to_thread(use) == ([0, 1, 2], [0, 1, 2], 4, 4, shown, ())


def test_a_stream_belongs_to_no_loop_until_it_opens() -> None:
    """Making a stream outside of any event loop works; options are checked at once."""
    client = AsyncClient("localhost:1")
    assert isinstance(client.stream(), AsyncStream)
    with pytest.raises(InvalidRequest, match="fps must be a number greater than 0, not 0"):
        client.stream(fps=0)
