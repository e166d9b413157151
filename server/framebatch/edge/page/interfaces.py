"""What the page asks of whoever knows the figures. Interfaces only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["Figures", "Viewing"]


class Viewing(Protocol):
    """One who looks."""

    async def next(self) -> bytes | None:
        """The newest state that this one has not had, one line of JSON, as soon as there is one; None: there will be no more."""

    def leave(self) -> None:
        """Look no more; called once."""


class Figures(Protocol):
    """Who knows the figures; on the event loop."""

    def join(self) -> Viewing | None:
        """Somebody looks; None where too many do."""

    def shot(self, camera: str, *, large: bool) -> Awaitable[bytes]:
        """A camera's last picture with its boxes, as JSON.

        Raises:
            LookupError: there is none; says why.
            FramebatchError: it cannot be shown; says why.
        """
