"""Whoever makes a call: its role, the cameras it may send as, and whether it is still welcome. Knows no gRPC."""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from framebatch.edge.security.entries import WILDCARDS
from framebatch.edge.security.roles import Role, may

if TYPE_CHECKING:
    from framebatch.edge.security.entries import Entry
    from framebatch.edge.security.roles import Action

__all__ = ["ANYBODY", "CALLER", "Caller", "Ended"]

MOST_NAMES: Final = 4096
"""More are not remembered, however many are sent."""


class Ended(Enum):
    """Why a caller's calls and sessions end."""

    REMOVED = "the access file no longer has these credentials"
    CHANGED = "the access file says something else of these credentials now; connect again"


class Caller:
    """One entry of the access file, as long as it stands there unchanged; every call of it shares this object.

    Attributes:
        name: for logs; empty of somebody who need not say who it is.
        own: the camera of its frames that name none, and of those that name another's.
        ended: why it is welcome no more; None while it is.
    """

    def __init__(self, entry: Entry | None) -> None:
        """Stand for an entry; None: for anybody, who may do everything under any name."""
        self.entry: Final = entry
        self.ended: Ended | None = None
        self._patterns: tuple[str, ...] | None = None if entry is None or entry.role is Role.ADMIN else entry.cameras
        self._known: dict[str, str] = {}
        self.name = self.own = "" if entry is None else entry.name
        if entry is not None and len(entry.cameras) == 1 and WILDCARDS.isdisjoint(entry.cameras[0]):
            self.own = entry.cameras[0]

    def __repr__(self) -> str:
        ended = "" if self.ended is None else f", {self.ended.name}"
        return f"Caller({self.name!r}, {'anybody' if self.entry is None else self.entry.role.value}{ended})"

    def may(self, action: Action) -> bool:
        """Whether it may do that."""
        return self.entry is None or may(self.entry.role, action)

    def named(self, camera: str) -> tuple[str, str]:
        """The name under which a frame is taken that says it is of `camera`, and why that is refused (empty: it is not).

        A refused frame is taken under the caller's own name, so that nothing of it shows under another's.
        """
        if self._patterns is None:
            return camera, ""
        problem = self._known.get(camera)
        if problem is None:
            problem = "" if self._matches(camera) else self._refusal(camera)
            if len(self._known) >= MOST_NAMES:
                del self._known[next(iter(self._known))]
            self._known[camera] = problem
        return (self.own, problem) if problem else (camera, "")

    def _matches(self, camera: str) -> bool:
        return camera == self.own or any(fnmatchcase(camera, pattern) for pattern in self._patterns or ())

    def _refusal(self, camera: str) -> str:
        allowed = ", ".join(repr(pattern) for pattern in self._patterns or ())
        return f"camera is {camera!r}; with these credentials frames may be sent as {allowed}"


ANYBODY: Final = Caller(None)
"""Where no access file is given."""

CALLER: Final[ContextVar[Caller]] = ContextVar("caller", default=ANYBODY)
"""Who makes the call that the current task answers."""
