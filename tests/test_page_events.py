"""framebatch.edge.page.events: server-sent events for one viewer, who may be slow, stuck or gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framebatch.edge.page.events import EventStream

Message = dict[str, Any]


class Viewing:
    """Gives what it is told to."""

    def __init__(self, *states: bytes) -> None:
        self.left = 0
        self.asked = 0
        self._states: asyncio.Queue[bytes | None] = asyncio.Queue()
        for state in states:
            self._states.put_nowait(state)

    def end(self) -> None:
        """There will be no more."""
        self._states.put_nowait(None)

    async def next(self) -> bytes | None:
        """Answer the next one."""
        self.asked += 1
        return await self._states.get()

    def leave(self) -> None:
        """Count it."""
        self.left += 1


class Connection:
    """The other side, as ASGI shows it."""

    def __init__(self, *, takes: int | None = None) -> None:
        self.sent: list[Message] = []
        self.closed = asyncio.Event()
        self._takes = takes

    async def send(self, message: Any) -> None:
        """Take it, unless the reader is stuck."""
        self.sent.append(dict(message))
        if self._takes is not None and len(self.sent) > self._takes:
            await asyncio.Event().wait()

    async def receive(self) -> Message:
        """Tell of the request, then, once it is closed, of that."""
        await self.closed.wait()
        return {"type": "http.disconnect"}


async def run(stream: EventStream, connection: Connection) -> None:
    """Answer the request."""
    await stream({"type": "http"}, connection.receive, connection.send)


async def test_states_are_sent_as_events() -> None:
    """Each one an event of its own; how soon to come back is told first; the end is told too."""
    viewing, connection = Viewing(b'{"a":1}', b'{"a":2}'), Connection()
    viewing.end()
    await run(EventStream(viewing, headers={"Cache-Control": "no-store"}), connection)
    start, *bodies = connection.sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert headers == {"cache-control": "no-store", "content-type": "text/event-stream; charset=utf-8"}
    assert [body["body"] for body in bodies] == [
        b'retry: 2000\nevent: state\ndata: {"a":1}\n\n',
        b'event: state\ndata: {"a":2}\n\n',
        b"",
    ]
    assert [body["more_body"] for body in bodies] == [True, True, False]
    assert viewing.left == 1


async def test_a_viewer_who_goes_is_let_go() -> None:
    """Also while there is nothing to send."""
    viewing, connection = Viewing(b"{}"), Connection()
    running = asyncio.create_task(run(EventStream(viewing, headers={}), connection))
    while len(connection.sent) < 2:  # noqa: ASYNC110 - as the loop goes on, nothing tells of it
        await asyncio.sleep(0)
    connection.closed.set()
    await running
    assert (viewing.left, len(connection.sent)) == (1, 2)


async def test_a_viewer_who_does_not_read_is_dropped() -> None:
    """And is asked for nothing more meanwhile: one state waits for it, however many there are."""
    viewing, connection = Viewing(*[b"{}"] * 50), Connection(takes=1)
    await run(EventStream(viewing, headers={}, stall_seconds=0.01), connection)
    assert (viewing.left, viewing.asked, len(connection.sent)) == (1, 1, 2)


async def test_a_server_that_gives_up_the_request_leaves_nobody_behind() -> None:
    """Cancelling it ends the viewing."""
    viewing, connection = Viewing(), Connection()
    running = asyncio.create_task(run(EventStream(viewing, headers={}), connection))
    while not connection.sent:  # noqa: ASYNC110 - as the loop goes on, nothing tells of it
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert viewing.left == 1
