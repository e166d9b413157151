"""A reader of the status page's stream of states, over a plain connection: for tests of a running server."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Answer", "States", "ask"]


class Answer(NamedTuple):
    """Of a plain request."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


async def ask(address: str, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask an HTTP port without holding up the server, which may run on the same loop."""

    def blocking() -> Answer:
        connection = http.client.HTTPConnection(address, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(blocking)


class States:
    """One viewer, from `async with` to its end."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")
        self.head = ""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, int(self._port), limit=1 << 24)
        self._writer.write(b"GET /page/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def next(self) -> dict[str, Any] | None:
        """The next state; None: the stream has ended."""
        while line := await self._reader.readline():
            if line.startswith(b"data: "):
                found: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                return found
        return None

    async def until(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first state from now on of which that is true."""
        while (state := await self.next()) is not None:
            if reached(state):
                return state
        raise AssertionError("the stream has ended")
