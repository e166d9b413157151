"""The page's routes: docs/status-page.md lists them. All are GET, and all answer with the same careful headers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from framebatch.edge.http_headers import careful
from framebatch.edge.page.events import STALL_SECONDS, EventStream
from framebatch.edge.page.files import INDEX, StaticFile, read_files
from framebatch.errors import FramebatchError

if TYPE_CHECKING:
    from starlette.requests import Request

    from framebatch.edge.page.interfaces import Figures

__all__ = ["page_routes"]

ALWAYS: Final = careful("script-src 'self'", "img-src 'self' data:", "connect-src 'self'")
FRESH: Final = ALWAYS | {"cache-control": "no-store"}
UNBUFFERED: Final = {"x-accel-buffering": "no"}
"""For an nginx in between, which would collect events otherwise."""
COME_BACK_SECONDS: Final = 5


def page_routes(figures: Figures, *, stall_seconds: float = STALL_SECONDS) -> list[Route]:
    """The routes; the page is at /.

    Args:
        figures: who knows what is shown.
        stall_seconds: a viewer that reads nothing for so long is dropped.
    """
    files = read_files()

    async def index(request: Request) -> Response:
        return _file(request, files[INDEX])

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        return _file(request, files[name]) if name in files else _missing(f"the page has no file {name!r}")

    async def events(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(headers=FRESH, media_type="text/event-stream")
        viewing = figures.join()
        if viewing is None:
            return _refused("too many look at this page already; come back later")
        return EventStream(viewing, headers=FRESH | UNBUFFERED, stall_seconds=stall_seconds)

    async def shot(request: Request) -> Response:
        try:
            body = await figures.shot(request.path_params["id"], large=request.query_params.get("large") == "1")
        except (LookupError, FramebatchError) as error:
            return _missing(str(error.args[0]) if error.args else "there is none")
        return Response(body, headers=FRESH, media_type="application/json")

    return [
        Route("/", index),
        Route("/page/events", events),
        Route("/page/cameras/{id:path}/shot", shot),
        Route("/page/{name}", static),
    ]


def _file(request: Request, file: StaticFile) -> Response:
    headers = ALWAYS | {"cache-control": "no-cache", "etag": file.etag}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


def _missing(reason: str) -> Response:
    return Response(json.dumps({"reason": reason}), status_code=404, headers=FRESH, media_type="application/json")


def _refused(reason: str) -> Response:
    headers = FRESH | {"retry-after": str(COME_BACK_SECONDS)}
    return Response(json.dumps({"reason": reason}), status_code=503, headers=headers, media_type="application/json")
