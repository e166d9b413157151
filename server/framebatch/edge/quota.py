"""How many camera streams may be open, in all and of one peer. Counts and decides; ends no call."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from framebatch.edge.peers import address_of
from framebatch.edge.security.caller import CALLER

if TYPE_CHECKING:
    from grpc import aio

__all__ = ["StreamQuota", "peer_of"]

ALL: Final = "max_streams"
OF_A_PEER: Final = "max_streams_per_peer"


def peer_of(context: aio.ServicerContext[Any, Any]) -> str:
    """Who calls: by the name in the access file, where there is one, else by address."""
    return CALLER.get().name or address_of(context.peer())


class StreamQuota:
    """Whether another stream may be opened. Lives on the event loop.

    Invariant: `open` = the sum over all peers of those that entered and did not leave.

    Attributes:
        open: streams now.
        refused: how often which limit kept a stream out, by the limit's key in the settings.
    """

    def __init__(self, *, streams: int, per_peer: int) -> None:
        """Set the limits.

        Args:
            streams: over all peers.
            per_peer: of each peer.
        """
        self._streams = streams
        self._per_peer = per_peer
        self.open = 0
        self._of: Counter[str] = Counter()
        self.refused = {ALL: 0, OF_A_PEER: 0}

    def __repr__(self) -> str:
        return f"StreamQuota({self.open} of {self._streams}, peers={len(self._of)}, refused={self.refused})"

    def enter(self, peer: str) -> str:
        """Let a stream of the peer in, until `leave`; or say which limit keeps it out, and what to do. Empty: it is in."""
        if self._of[peer] >= self._per_peer:
            self.refused[OF_A_PEER] += 1
            return (
                f"{peer} has {self._of[peer]} streams open, and one peer may have {self._per_peer}; "
                "close some, or raise max_streams_per_peer on the server"
            )
        if self.open >= self._streams:
            self.refused[ALL] += 1
            return (
                f"{self.open} streams are open, and the server may have {self._streams}; "
                "close some, or raise max_streams on the server"
            )
        self.open += 1
        self._of[peer] += 1
        return ""

    def leave(self, peer: str) -> None:
        """One stream of the peer has ended."""
        self.open -= 1
        self._of[peer] -= 1
        if not self._of[peer]:
            del self._of[peer]
