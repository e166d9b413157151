"""What one HTTP client may send, and how long it may take: sizes of header and body, time for a request. Answers no request.

uvicorn waits for ever for the rest of a request that was begun. Here a clock runs while a request is incomplete; a response may
take as long as it likes, as streams of events do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["KEEP_ALIVE_SECONDS", "MAX_BODY_BYTES", "MAX_HEADER_BYTES", "BoundedBody", "BoundedProtocol"]

REQUEST_SECONDS: Final = 10.0
"""From the connection, or from the first byte of another request on it, to the request's last byte."""
KEEP_ALIVE_SECONDS: Final = 5
MAX_HEADER_BYTES: Final = 16 << 10
MAX_BODY_BYTES: Final = 8 << 10
INCOMPLETE: Final = frozenset(("IDLE", "SEND_BODY"))
"""h11's names for the states of a client that still has to send something of its request."""
TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedProtocol(H11Protocol):
    """One connection whose client must send what it begins to send within `request_seconds`."""

    request_seconds = REQUEST_SECONDS
    _patience: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"BoundedProtocol({self.client}, {'waits for a request' if self._patience else 'has none to wait for'})"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; wait for the rest where a request is incomplete."""
        super().data_received(data)
        if str(self.conn.their_state) in INCOMPLETE:
            self._wait()
        else:
            self._wait_no_longer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None and not self.transport.is_closing():
            self._patience = self.loop.call_later(self.request_seconds, self._too_slow)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        if str(self.conn.their_state) == str(self.conn.our_state) == "IDLE":
            self.transport.write(TOO_SLOW)
            self.transport.close()
        else:
            self.transport.abort()


class BoundedBody:
    """An application that is asked only what has no body, or one that says beforehand that it is small."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __repr__(self) -> str:
        return f"BoundedBody({self._app!r})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 or 411 in the application's place, or let it answer."""
        refusal = _refusal(dict(scope["headers"])) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)


def _refusal(headers: dict[bytes, bytes]) -> Any:
    """What to answer to a request because of its body; None: nothing is wrong with it."""
    close = {"connection": "close"}
    if b"transfer-encoding" in headers:
        return PlainTextResponse("a body must come with its length\n", status_code=411, headers=close)
    if int(headers.get(b"content-length", b"0")) > MAX_BODY_BYTES:
        return PlainTextResponse(f"a body may have {MAX_BODY_BYTES} bytes\n", status_code=413, headers=close)
    return None
