"""The page on which people log in, and what its form sends. Static: one sentence is filled in, and nothing of a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response

from framebatch.edge.http_headers import careful

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["login_page", "style", "token_of"]

MOST_BYTES: Final = 4096
"""Of a form."""
_PAGE: Final = Path(__file__).with_name("login.html").read_text(encoding="utf-8")
_STYLE: Final = Path(__file__).with_name("login.css").read_text(encoding="utf-8")


def login_page(message: str = "", status: int = 200) -> HTMLResponse:
    """The form, with a sentence of ours above it."""
    return HTMLResponse(_PAGE.replace("{message}", message), status, careful() | {"cache-control": "no-store"})


def style() -> Response:
    """What the page looks like."""
    return Response(_STYLE, headers=careful(), media_type="text/css")


async def token_of(request: Request) -> str:
    """The token that the form sends; empty when it sends none, far more than one, or breaks off."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return ""
    except ClientDisconnect:
        return ""
    return parse_qs(body.decode("ascii", "replace")).get("token", [""])[0].strip()
