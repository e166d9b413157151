"""Sessions of browsers: a random number in a cookie stands for a caller, for half a day. In memory; time is passed in."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import SECOND_NS

if TYPE_CHECKING:
    from framebatch.edge.security.caller import Caller

__all__ = ["SESSION_SECONDS", "Sessions"]

SESSION_SECONDS: Final = 12 * 3600
MOST: Final = 1000
"""With more, the oldest ends."""


class _Session(NamedTuple):
    caller: Caller
    until_ns: int


class Sessions:
    """Open sessions, oldest first. Kept by the hash of their number, so that no look-up tells anything of it."""

    def __init__(self) -> None:
        self._open: dict[bytes, _Session] = {}

    def __repr__(self) -> str:
        return f"Sessions(open={len(self._open)})"

    def begin(self, caller: Caller, now_ns: int) -> str:
        """Answer the number of a new session."""
        self._open = {key: each for key, each in self._open.items() if _holds(each, now_ns)}
        while len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        number = secrets.token_urlsafe(32)
        self._open[_key(number)] = _Session(caller, now_ns + SESSION_SECONDS * SECOND_NS)
        return number

    def find(self, number: str, now_ns: int) -> Caller | None:
        """Answer whose session it is; None: of nobody, or over, or its caller's entry is gone."""
        found = self._open.get(_key(number))
        return found.caller if found is not None and _holds(found, now_ns) else None

    def end(self, number: str) -> bool:
        """Forget it; whether there was one."""
        return self._open.pop(_key(number), None) is not None


def _holds(session: _Session, now_ns: int) -> bool:
    return session.caller.ended is None and now_ns < session.until_ns


def _key(number: str) -> bytes:
    return hashlib.sha256(number.encode("utf-8", "surrogateescape")).digest()
