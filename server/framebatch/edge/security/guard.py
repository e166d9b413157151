"""Who is let in at a running server: the access file, followed while it changes, and what both ports share of it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

from framebatch.edge.security.register import Register
from framebatch.edge.security.roles import who_may
from framebatch.logs import event
from framebatch.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.edge.security.caller import Caller
    from framebatch.edge.security.file import AccessFile
    from framebatch.edge.security.refusals import Refusals
    from framebatch.edge.security.roles import Action

__all__ = ["Guard", "forbidden"]

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0


class Guard:
    """Lives on the event loop, from `start` to `stop`.

    Attributes:
        register: finds callers.
        refusals: counts whom it turned away.
    """

    def __init__(self, file: AccessFile, refusals: Refusals) -> None:
        """Read the file.

        Args:
            file: says who may do what.
            refusals: counts, of the whole server.

        Raises:
            UsageError: it cannot be read, or an entry is wrong.
        """
        self._file = file
        entries = file.read()
        self.register: Final = Register(entries)
        self.refusals: Final = refusals
        self._following: asyncio.Task[None] | None = None
        roles = Counter(entry.role.value for entry in entries)
        log.info(
            "%s: %s",
            file.name,
            ", ".join(f"{count} {role}{'s' if count > 1 else ''}" for role, count in roles.items())
            or "nobody is in it, so nobody may do anything; `framebatch access add` adds names",
            extra=event("access.read", roles=dict(roles)),
        )

    def __repr__(self) -> str:
        return f"Guard({self._file!r}, {self.register!r}, {self.refusals!r})"

    def start(self, on_ended: Callable[[], None]) -> None:
        """Follow the file; `on_ended` is called when callers are no longer welcome."""
        self._following = asyncio.create_task(self._follow(on_ended))

    def stop(self) -> None:
        """Follow it no longer."""
        if self._following is not None:
            self._following.cancel()

    async def _follow(self, on_ended: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                entries = await in_thread(self._file.read_again)
            except Exception:
                log.exception(
                    "%r could not be read again; what it said before still holds",
                    self._file,
                    extra=event("access.raised"),
                )
                continue
            if entries is None:
                continue
            ended = self.register.adopt(entries)
            log.info(
                "%r was read again: %d entries; %s",
                self._file,
                len(entries),
                _sentence(ended),
                extra=event("access.changed", entries=len(entries), ended=len(ended)),
            )
            if ended:
                on_ended()


def forbidden(caller: Caller, action: Action) -> str:
    """What is said to a caller whose role may not do that."""
    entry = caller.entry
    role = "" if entry is None else f", whose role is {entry.role.value},"
    return f"{caller.name!r}{role} may not {action.value}; that takes role {who_may(action)}"


def _sentence(ended: list[Caller]) -> str:
    if not ended:
        return "nobody's credentials ended"
    return f"changed or removed: {', '.join(repr(caller.name) for caller in ended)}"
