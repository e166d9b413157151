"""framebatch.edge.page: its files, its stream, its pictures, on a real HTTP port."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from sse import States, ask

from framebatch.edge.http import HttpServer, bind
from framebatch.edge.page import page_routes
from framebatch.edge.page.files import INDEX, TYPES, read_files
from framebatch.errors import InvalidFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CAREFUL = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "script-src 'self'; img-src 'self' data:; connect-src 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Viewing:
    """Sees one state, or the same again and again, until there are no more."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._seen = False

    async def next(self) -> bytes | None:
        """Answer the state."""
        if self._seen and not self._figures.again:
            await self._figures.ended.wait()
            return None
        self._seen = True
        return self._figures.state

    def leave(self) -> None:
        """Note it."""
        self._figures.looking -= 1
        self._figures.left.set()


class Figures:
    """Knows one camera, and lets one look at a time."""

    def __init__(self) -> None:
        self.state = b'{"models":[]}'
        self.again = False
        self.ended = asyncio.Event()
        self.looking = 0
        self.left = asyncio.Event()
        self.asked: list[tuple[str, bool]] = []

    def join(self) -> Viewing | None:
        """Answer a viewing, unless there is one."""
        if self.looking:
            return None
        self.looking += 1
        return Viewing(self)

    async def shot(self, camera: str, *, large: bool) -> bytes:
        """Answer a shot of all cameras but two."""
        self.asked.append((camera, large))
        if camera == "dark":
            raise LookupError("there is no picture of camera 'dark' yet")
        if camera == "broken":
            raise InvalidFrame("encoded is a truncated png")
        return b'{"number":1}'


@pytest.fixture
def figures() -> Figures:
    """Answer figures."""
    return Figures()


@pytest_asyncio.fixture
async def address(figures: Figures) -> AsyncIterator[str]:
    """Answer where the page is."""
    server = HttpServer(
        bind("127.0.0.1", 0), metrics=lambda: b"", content_type="text/plain", routes=page_routes(figures)
    )
    await server.start()
    yield f"127.0.0.1:{server.port}"
    figures.ended.set()
    await server.stop()


async def test_the_files_are_served_with_careful_headers(address: str) -> None:
    """The page at /, each other file by its name; with a tag, by which a browser need not fetch it again."""
    files = read_files()
    for name, file in files.items():
        answer = await ask(address, "/" if name == INDEX else f"/page/{name}")
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, file.content, file.media_type)
        assert CAREFUL.items() <= answer.headers.items()
        assert answer.headers["cache-control"] == "no-cache"
        again = await ask(address, f"/page/{name}", if_none_match=answer.headers["etag"])
        assert (again.status, again.body) == (304, b"")
    assert INDEX in files


@pytest.mark.parametrize(
    "path", ["/page/nothing.js", "/page/../http.py", "/page/%2e%2e%2fhttp.py", "/page/__init__.py"]
)
async def test_nothing_else_is_served_by_name(address: str, path: str) -> None:
    """Whatever is asked for."""
    assert (await ask(address, path)).status == 404


async def test_all_files_of_the_page_have_a_type() -> None:
    """None is left out for its suffix."""
    from importlib import resources  # noqa: PLC0415 - for this test alone

    folder = resources.files("framebatch.edge.page").joinpath("static")
    assert [each.name for each in folder.iterdir() if "." + each.name.rpartition(".")[2] not in TYPES] == []


async def test_shots_are_asked_by_the_camera_name(address: str, figures: Figures) -> None:
    """Which may hold anything that a path would not."""
    for path in ("press-3", "hall%2F1/press%203", "%C3%A4", ""):
        answer = await ask(address, f"/page/cameras/{path}/shot{'?large=1' if path == 'press-3' else ''}")
        assert (answer.status, answer.json()) == (200, {"number": 1})
        assert answer.headers["cache-control"] == "no-store"
        assert CAREFUL.items() <= answer.headers.items()
    assert figures.asked == [("press-3", True), ("hall/1/press 3", False), ("ä", False), ("", False)]


async def test_a_missing_shot_says_why(address: str) -> None:
    """As JSON, with the same headers."""
    for camera, reason in (
        ("dark", "there is no picture of camera 'dark' yet"),
        ("broken", "encoded is a truncated png"),
    ):
        answer = await ask(address, f"/page/cameras/{camera}/shot")
        assert (answer.status, answer.json()) == (404, {"reason": reason})
        assert CAREFUL.items() <= answer.headers.items()


async def test_a_further_viewer_is_told_to_come_back(address: str, figures: Figures) -> None:
    """And finds a place when another has gone."""
    async with States(address) as first:
        assert await first.next() == {"models": []}
        assert "text/event-stream" in first.head
        refused = await ask(address, "/page/events")
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert refused.json() == {"reason": "too many look at this page already; come back later"}
    await figures.left.wait()
    async with States(address) as second:
        assert await second.next() == {"models": []}


async def test_asking_for_the_head_of_the_stream_is_not_looking(address: str, figures: Figures) -> None:
    """It ends at once."""
    answer = await ask(address, "/page/events", "HEAD")
    assert (answer.status, answer.body, figures.looking) == (200, b"", 0)


async def test_a_viewer_that_reads_nothing_is_dropped(figures: Figures) -> None:
    """What waits for it is bounded by what its connection takes and one state more."""
    figures.again = True
    figures.state = b'"' + b"x" * (8 << 20) + b'"'
    routes = page_routes(figures, stall_seconds=0.2)
    server = HttpServer(bind("127.0.0.1", 0), metrics=lambda: b"", content_type="text/plain", routes=routes)
    await server.start()
    stuck = socket.socket()
    stuck.connect(("127.0.0.1", server.port))
    stuck.sendall(b"GET /page/events HTTP/1.1\r\nHost: here\r\n\r\n")
    await asyncio.wait_for(figures.left.wait(), 30)
    assert figures.looking == 0
    stuck.close()
    await server.stop()


async def test_without_the_page_there_is_a_list_of_paths() -> None:
    """As on a server whose page is off."""
    server = HttpServer(bind("127.0.0.1", 0), metrics=lambda: b"", content_type="text/plain")
    await server.start()
    assert b"/metrics" in (await ask(f"127.0.0.1:{server.port}", "/")).body
    assert (await ask(f"127.0.0.1:{server.port}", "/page/events")).status == 404
    await server.stop()
