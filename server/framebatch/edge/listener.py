"""A listening socket that bounds how many connections it accepts: in all, from one address, and in one turn of the loop.

The bound stands where a connection becomes a descriptor: before TLS, before HTTP, and until the descriptor is closed. So
it holds for connections that never say a word, too.
"""

from __future__ import annotations

import logging
import socket
from collections import Counter
from typing import Any, Final, Self

from framebatch.clock import SECOND_NS, now_ns
from framebatch.logs import event

__all__ = ["Connection", "Listener"]

log = logging.getLogger(__name__)

AT_ONCE: Final = 16
"""Connections taken before the event loop serves others again."""
GONE_AFTER_MS: Final = 20_000
"""A peer that acknowledges nothing for so long, or takes none of what waits for it, is given up by the kernel."""
IDLE_SECONDS: Final = 30
SAY_EVERY_NS: Final = 60 * SECOND_NS


class Connection(socket.socket):
    """An accepted connection, which tells its listener when its descriptor is gone."""

    listener: Listener | None = None
    address = ""

    def close(self) -> None:
        """Close it, once."""
        super().close()
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.closed(self.address)


class Listener(socket.socket):
    """A listening TCP socket for asyncio's servers. Lives on the event loop once it listens.

    Invariant: `open` = accepted connections that were not closed, at most `limit`.

    Attributes:
        limit: of connections open at a time; one address may have half of them, so that no single peer locks others out.
        open: connections now.
        refused: connections that were closed as soon as they were accepted.
    """

    def __init__(self, family: int, *, limit: int) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self.limit = limit
        self.open = 0
        self.refused = 0
        self._of: Counter[str] = Counter()
        self._turn = 0
        self._said_ns = -SAY_EVERY_NS
        # Connections inherit these.
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_AFTER_MS)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_SECONDS)

    def __repr__(self) -> str:
        return f"Listener(open={self.open} of {self.limit}, refused={self.refused})"

    def accept(self) -> tuple[Connection, Any]:
        """The next connection that is within the limits; those that are not are closed.

        Raises:
            BlockingIOError: nobody waits, or enough were looked at in this turn of the loop.
        """
        while self._turn < AT_ONCE:
            self._turn += 1
            try:
                accepted, address = super().accept()
            except OSError:
                self._turn = 0
                raise
            connection = Connection(self.family, self.type, self.proto, fileno=accepted.detach())
            if self._takes(str(address[0])):
                connection.listener, connection.address = self, str(address[0])
                self.open += 1
                self._of[connection.address] += 1
                return connection, address
            connection.close()
        self._turn = 0
        raise BlockingIOError

    def closed(self, address: str) -> None:
        """One connection from there is gone."""
        self.open -= 1
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]

    def _takes(self, address: str) -> bool:
        of_it = self._of.get(address, 0)
        if self.open < self.limit and of_it < max(1, self.limit // 2):
            return True
        self.refused += 1
        now = now_ns()
        if now - self._said_ns >= SAY_EVERY_NS:
            self._said_ns = now
            log.warning(
                "the HTTP port refuses connections: %d of %d are open, %d of them from %s; "
                "find out who opens them, or raise max_http_connections",
                self.open,
                self.limit,
                of_it,
                address,
                extra=event("connections.refused", open=self.open, limit=self.limit, peer=address, of_peer=of_it),
            )
        return False

    def __enter__(self) -> Self:
        return self
