"""Whether a server takes frames, and who is told: both ports, the log, and whoever started the process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from framebatch import __version__
from framebatch.app.notify import ServiceManager
from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.app.doors import Doors
    from framebatch.app.repository import Repository

__all__ = ["Readiness"]

log = logging.getLogger(__name__)

NO_MODEL: Final = "no model is served: all were unloaded; `framebatch models load` serves one"


class Readiness:
    """Of one server, from its loading to its end.

    Attributes:
        device: what serves; known once the models are loaded.
        started: both ports are open.
        ending: why the server ends; empty: it does not.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._manager = ServiceManager()
        self._manager.starting("loading")
        self._told = "starting"
        self.device = ""
        self.started = False
        self.ending = ""

    def __repr__(self) -> str:
        return f"Readiness({self.why_not or 'ready'})"

    @property
    def why_not(self) -> str:
        """Why no frames are taken; empty when they are."""
        if self.ending or not self.started:
            return self.ending or "starting"
        down = [served.down for served in self._repository.serving.values()]
        if not down:
            return NO_MODEL
        return down[0] if all(down) else ""

    def stopping(self) -> None:
        """Whoever started the process knows that it ends."""
        self._manager.stopping()

    async def tell(self, doors: Doors, ready_line: str) -> None:
        """Tell everybody how it is now."""
        why_not = self.why_not
        self._log(why_not, ready_line)
        await doors.tell(why_not)
        if why_not == NO_MODEL:
            self._manager.serving(why_not)  # somebody wanted it so, and a restart would undo that
        elif why_not:
            self._manager.not_serving(why_not)
        else:
            self._manager.serving(f"serving {', '.join(self._repository.serving)} on {self.device}")

    def _log(self, why_not: str, ready_line: str) -> None:
        """Once for each change; why the server ends is told where it ends."""
        if why_not == self._told or self.ending:
            return
        self._told = why_not
        if why_not:
            log.warning("not ready: %s", why_not, extra=event("server.not_ready", reason=why_not))
        else:
            models = sorted(self._repository.serving)
            log.info(
                "%s", ready_line, extra=event("server.ready", models=models, device=self.device, version=__version__)
            )
