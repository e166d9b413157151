"""A stream of server-sent events (WHATWG HTML, 9.2) to one viewer: the newest state, whenever there is one.

A slow viewer is given the newest state when it has read the one before, so one is queued for it at most. One that takes
longer than `STALL_SECONDS` for a state is dropped, as is one that has gone; the kernel gives up one that takes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from framebatch.edge.page.interfaces import Viewing

__all__ = ["STALL_SECONDS", "EventStream"]

log = logging.getLogger(__name__)

STALL_SECONDS: Final = 30.0
RETRY_MS: Final = 2000


class EventStream(Response):
    """Answers until the viewer goes, stalls, or there is nothing more to tell."""

    def __init__(self, viewing: Viewing, *, headers: Mapping[str, str], stall_seconds: float = STALL_SECONDS) -> None:
        super().__init__(headers=dict(headers), media_type="text/event-stream")
        del self.headers["content-length"]
        self._viewing = viewing
        self._stall_seconds = stall_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send; see ASGI 3."""
        del scope
        sending = asyncio.ensure_future(self._send(send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            self._viewing.leave()
            sending.cancel()
            gone.cancel()
            await asyncio.wait((sending, gone))

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        head = b"retry: %d\n" % RETRY_MS
        while (state := await self._viewing.next()) is not None:
            body = b"%sevent: state\ndata: %s\n\n" % (head, state)
            head = b""
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            except TimeoutError:
                log.info(
                    "a viewer of the page took longer than %g s to read a state, and is dropped",
                    self._stall_seconds,
                    extra=event("page.viewer_dropped", seconds=self._stall_seconds),
                )
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    """Until the viewer has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
