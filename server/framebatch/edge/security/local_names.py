"""By which names a server that listens on its machine alone, and asks nobody who it is, lets itself be called over HTTP.

A page of another site can have its own name resolve to 127.0.0.1 after it was loaded (DNS rebinding); for the browser what it then
reads of this port is of that site. The name that it called is in the request, and no address can be made to mean another.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["LocalNames", "is_local_name"]

_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
_MISDIRECTED: Final = 421
_WHY: Final = (
    "this server asks nobody who it is, so it answers only where it is called localhost or by an address, which pages of other "
    "sites cannot; have your proxy call it so, or give it --access FILE or --anonymous\n"
)


def is_local_name(host: str) -> bool:
    """Whether a `Host` header names localhost or an address; one that is missing names nothing that could mislead."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found[1].strip("[]").lower().rstrip(".")
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class LocalNames:
    """Stands before an ASGI application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __repr__(self) -> str:
        return f"LocalNames({self._app!r})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the HTTP server for each request."""
        if scope["type"] != "http":
            return  # the port speaks HTTP alone
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        app = self._app if is_local_name(host) else PlainTextResponse(_WHY, _MISDIRECTED)
        await app(scope, receive, send)
