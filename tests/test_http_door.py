"""framebatch.edge.security.http_door: the HTTP port with an access file: logging in, staying in, and being shown out."""

from __future__ import annotations

import asyncio
import http.client
import logging
import shutil
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.async_api import async_playwright
from starlette.responses import StreamingResponse

from framebatch.clock import SECOND_NS
from framebatch.edge.http import HttpServer, bind
from framebatch.edge.security.attempts import MOST_WRONG
from framebatch.edge.security.editing import with_entry
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.file import AccessFile, write_private
from framebatch.edge.security.guard import Guard
from framebatch.edge.security.http_door import HttpDoor
from framebatch.edge.security.refusals import Refusals
from framebatch.edge.security.roles import Role
from framebatch.edge.security.sessions import SESSION_SECONDS
from framebatch.edge.security.tokens import digest, new_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import ConsoleMessage
    from starlette.types import ASGIApp, Receive, Scope, Send

OLGA, PRESS = new_token(), new_token()
CSP = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class Served(NamedTuple):
    """A started server, its guard, the door's time, and the pieces of its endless answer at /pieces."""

    server: HttpServer
    guard: Guard
    now_ns: list[int]
    pieces: asyncio.Queue[bytes]


class Answer(NamedTuple):
    """What came back; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    text: str


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Answer a server that knows an operator and a camera."""
    text = with_entry("", Entry(name="olga", role=Role.OPERATOR, token=digest(OLGA)))
    text = with_entry(text, Entry(name="press-3", role=Role.CAMERA, token=digest(PRESS)))
    write_private(tmp_path / "access.toml", text)
    guard = Guard(AccessFile(tmp_path / "access.toml"), Refusals())
    now_ns: list[int] = [0]
    pieces: asyncio.Queue[bytes] = asyncio.Queue()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield await pieces.get()

    def door(app: ASGIApp) -> ASGIApp:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            served = StreamingResponse(endless()) if scope["path"] == "/pieces" else app
            await served(scope, receive, send)

        return HttpDoor(application, guard, clock=lambda: now_ns[0])

    server = HttpServer(bind("127.0.0.1", 0), metrics=lambda: b"answers 42\n", content_type="text/plain", door=door)
    await server.start()
    yield Served(server, guard, now_ns, pieces)
    await server.stop()


async def ask(served: Served, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
    """Ask without holding up the server, which runs on the same loop."""

    def wait() -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read().decode())
        finally:
            connection.close()

    return await asyncio.to_thread(wait)


async def log_in(served: Served, token: str) -> Answer:
    """Send the form."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    return await ask(served, "POST", "/login", urlencode({"token": token}), **form)


def cookie_of(answer: Answer) -> str:
    """Answer what a browser sends back."""
    return answer.headers["set-cookie"].partition(";")[0]


async def test_without_credentials_the_first_page_is_the_one_to_log_in(served: Served) -> None:
    """It runs no script, sends its form home only, and goes into no frame."""
    answer = await ask(served, "GET", "/")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-security-policy"] == CSP
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert '<form method="post" action="/login">' in answer.text
    assert not {"<script", "<style", "style=", "onload="} & set(answer.text.split())
    style = await ask(served, "GET", "/login.css")
    assert (style.status, style.headers["content-type"]) == (200, "text/css; charset=utf-8")


async def test_logging_in_opens_everything_to_look_at(served: Served) -> None:
    """The cookie is for this server alone, and for half a day."""
    answer = await log_in(served, OLGA)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    name, *flags = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"framebatch_session_{served.server.port}=")
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=lax", "max-age=43200", "path=/"}
    assert OLGA not in str(answer)
    for path in ("/", "/metrics"):
        assert (await ask(served, "GET", path, cookie=cookie_of(answer))).status == 200
    served.now_ns[0] += SESSION_SECONDS * SECOND_NS
    assert (await ask(served, "GET", "/metrics", cookie=cookie_of(answer))).status == 401


async def test_a_browser_logs_in(served: Served) -> None:
    """Its rules for pages let the form and the style through, and nothing is complained of."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        said: list[ConsoleMessage] = []
        page.on("console", lambda message: said.append(message))  # noqa: PLW0108 - it sets an attribute on what it is given
        await page.goto(f"http://127.0.0.1:{served.server.port}/login")
        assert await page.evaluate("getComputedStyle(document.querySelector('form')).display") == "grid"
        await page.get_by_label("Token").fill(OLGA)
        await page.get_by_role("button", name="Log in").click()
        await page.wait_for_url(f"http://127.0.0.1:{served.server.port}/")
        assert "/metrics" in await page.inner_text("body")
        assert await page.evaluate("document.cookie") == ""
        (cookie,) = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        errors = [each for each in said if each.type == "error" and "favicon" not in each.location["url"]]
        assert [each.text for each in errors] == []
        await browser.close()


async def test_over_tls_the_cookie_stays_within_tls(served: Served) -> None:
    """Here a proxy on this machine says that the browser came by https."""
    form = {"content-type": "application/x-www-form-urlencoded", "x-forwarded-proto": "https"}
    answer = await ask(served, "POST", "/login", urlencode({"token": OLGA}), **form)
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_logging_out_ends_the_session(served: Served) -> None:
    """Also for whoever kept the cookie."""
    cookie = cookie_of(await log_in(served, OLGA))
    assert (await ask(served, "GET", "/logout", cookie=cookie)).status == 405
    answer = await ask(served, "POST", "/logout", cookie=cookie)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert (await ask(served, "GET", "/metrics", cookie=cookie)).status == 401


async def test_removing_the_entry_ends_the_session(served: Served) -> None:
    """At once."""
    cookie = cookie_of(await log_in(served, OLGA))
    served.guard.register.adopt(())
    assert (await ask(served, "GET", "/metrics", cookie=cookie)).status == 401


@pytest.mark.parametrize("end", ["entry removed", "logged out", "half a day"])
async def test_what_is_being_answered_ends_with_the_right_to_see_it(
    served: Served, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    """A page that is sent piece by piece ends in good order with the piece before."""
    cookie = cookie_of(await log_in(served, OLGA))
    for piece in (b"one ", b"two "):
        served.pieces.put_nowait(piece)
    connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=10)

    def begin() -> http.client.HTTPResponse:
        shown = {"authorization": f"Bearer {OLGA}"} if end == "entry removed" else {"cookie": cookie}
        connection.request("GET", "/pieces", headers=shown)
        return connection.getresponse()

    answer = await asyncio.to_thread(begin)
    assert await asyncio.to_thread(answer.read, 8) == b"one two "
    if end == "entry removed":
        served.guard.register.adopt(())
    elif end == "logged out":
        await ask(served, "POST", "/logout", cookie=cookie)
    else:
        served.now_ns[0] += SESSION_SECONDS * SECOND_NS
    served.pieces.put_nowait(b"three ")
    assert await asyncio.to_thread(answer.read) == b""
    connection.close()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_another_site_cannot_log_somebody_out(served: Served) -> None:
    """Browsers do not show it the cookie, and what it sends without one takes none away."""
    answer = await ask(served, "POST", "/logout", origin="https://elsewhere.example")
    assert (answer.status, "set-cookie" in answer.headers) == (303, False)


async def test_a_cameras_token_does_not_log_in(served: Served) -> None:
    """It may send frames, and see nothing."""
    answer = await log_in(served, PRESS)
    assert (answer.status, "set-cookie" in answer.headers) == (403, False)
    assert "This token is of a camera." in answer.text


async def test_wrong_tokens_are_slowed(served: Served) -> None:
    """Ten a minute; then even the right one has to wait, and the port goes on for others."""
    for _ in range(MOST_WRONG):
        answer = await log_in(served, "fb_wrong")
        assert (answer.status, "This token is not known." in answer.text) == (401, True)
    served.now_ns[0] += 15 * SECOND_NS
    answer = await log_in(served, OLGA)
    assert (answer.status, answer.headers["retry-after"]) == (429, "45")
    assert (await ask(served, "GET", "/metrics", authorization=f"Bearer {OLGA}")).status == 200
    served.now_ns[0] += 45 * SECOND_NS
    assert (await log_in(served, OLGA)).status == 303
    assert served.guard.refusals.counts["too_many_logins"] == 1


@pytest.mark.parametrize("body", ["", "token=", "other=1", "\xff\x00", "token=" + "x" * 8_000])
async def test_a_form_without_a_token_is_a_wrong_one(served: Served, body: str) -> None:
    """However large it is."""
    assert (await ask(served, "POST", "/login", body)).status == 401


async def test_a_form_that_breaks_off_is_a_wrong_one(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of it is an error of the server."""
    _, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
    writer.write(b"POST /login HTTP/1.1\r\nhost: edge\r\ncontent-length: 100\r\n\r\ntoken=")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    while not served.guard.refusals.counts["unauthenticated"]:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_header_counts_before_a_cookie(served: Served) -> None:
    """Whoever shows a wrong token is not let in by a session that is left over."""
    cookie = cookie_of(await log_in(served, OLGA))
    assert (await ask(served, "GET", "/metrics", cookie=cookie, authorization="Bearer fb_wrong")).status == 401
    assert (await ask(served, "GET", "/metrics", cookie=cookie, authorization="Basic eDp5")).status == 401


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/metrics", "edge/healthz#"),
        ("/metrics", "edge/healthz?"),
        ("/metrics?/healthz", "edge"),
        ("/metrics#/healthz", "edge"),
        ("/healthz/../metrics", "edge"),
        ("//metrics", "edge"),
        ("/%6detrics", "edge"),
    ],
)
async def test_no_spelling_of_a_request_goes_around_the_door(served: Served, path: str, host: str) -> None:
    """Neither by its path nor by the host that it names."""
    answer = await ask(served, "GET", path, host=host)
    assert (answer.status, "42" in answer.text) == (401, False)


def test_it_shows_its_state(tmp_path: Path) -> None:
    """And no secret."""
    (tmp_path / "access.toml").touch()

    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer nobody."""

    door = HttpDoor(nothing, Guard(AccessFile(tmp_path / "access.toml"), Refusals()))
    assert repr(door).startswith("HttpDoor(Guard(AccessFile(")
    assert repr(door).endswith("Sessions(open=0), Attempts(addresses=0))")
