"""Calls that were refused: counted by reason, and told in the log once a minute for each peer. Shows no credentials."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS, now_ns
from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CALLS", "FORBIDDEN", "LOGIN", "UNAUTHENTICATED", "Refusals"]

log = logging.getLogger(__name__)

UNAUTHENTICATED: Final = "unauthenticated"
"""No credentials, or wrong ones."""
FORBIDDEN: Final = "forbidden"
"""The role may not do that."""
LOGIN: Final = "too_many_logins"
"""The address failed to log in too often."""
CALLS: Final = "too_many_calls"
"""The peer has as many calls open as it may."""
QUIET_NS: Final = 60 * SECOND_NS
MOST_PEERS: Final = 1024
"""More are not remembered: the one that was refused longest ago is forgotten first."""
_TOKEN: Final = re.compile(r"fb_[A-Za-z0-9_-]+")


class Refusals:
    """Lives on the event loop. Every reason is there from the start, with 0."""

    def __init__(self, clock: Callable[[], int] = now_ns) -> None:
        self._clock = clock
        self._told_ns: dict[str, int] = {}
        self.counts: Final = dict.fromkeys((UNAUTHENTICATED, FORBIDDEN, LOGIN, CALLS), 0)

    def __repr__(self) -> str:
        return f"Refusals({', '.join(f'{reason}={count}' for reason, count in self.counts.items())})"

    def add(self, reason: str, peer: str, what: str) -> None:
        """Count one.

        Args:
            reason: one of those above.
            peer: the address of whoever called, without its port.
            what: what is wrong with which call, for people.
        """
        self.counts[reason] += 1
        now = self._clock()
        told = self._told_ns.pop(peer, None)
        if told is not None and now - told < QUIET_NS:
            self._told_ns[peer] = told
            return
        if len(self._told_ns) >= MOST_PEERS:
            del self._told_ns[next(iter(self._told_ns))]
        self._told_ns[peer] = now
        shown = _TOKEN.sub("fb_...", what)  # somebody may have sent a token where none belongs, as in a path
        log.warning(
            "refused %s: %s (said once a minute; framebatch_refused_calls_total counts)",
            peer,
            shown,
            extra=event("call.refused", peer=peer, reason=shown),
        )
