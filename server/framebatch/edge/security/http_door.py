"""Asks who sends an HTTP request, before the application sees it: a token in its header, or a session in its cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from framebatch.clock import SECOND_NS, now_ns
from framebatch.edge.security.attempts import Attempts
from framebatch.edge.security.guard import forbidden
from framebatch.edge.security.login import login_page, style, token_of
from framebatch.edge.security.refusals import FORBIDDEN, LOGIN, UNAUTHENTICATED
from framebatch.edge.security.roles import Action, action_of_path
from framebatch.edge.security.sessions import SESSION_SECONDS, Sessions
from framebatch.edge.security.tokens import bearer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from framebatch.edge.security.caller import Caller
    from framebatch.edge.security.guard import Guard

__all__ = ["HttpDoor"]

CHALLENGE: Final = {"www-authenticate": "Bearer", "cache-control": "no-store"}


class HttpDoor:
    """Stands before an ASGI application. Everything but health wants a caller who may look."""

    def __init__(self, app: ASGIApp, guard: Guard, *, clock: Callable[[], int] = now_ns) -> None:
        self._app = app
        self._guard = guard
        self._clock = clock
        self._sessions = Sessions()
        self._attempts = Attempts()

    def __repr__(self) -> str:
        return f"HttpDoor({self._guard!r}, {self._sessions!r}, {self._attempts!r})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the HTTP server for each request."""
        if scope["type"] != "http":
            return  # the port speaks HTTP alone
        request = Request(scope, receive)
        path = scope["path"]  # what the application goes by; request.url is made from the Host header, too
        if path == "/login":
            await (await self._login(request))(scope, receive, send)
        elif path == "/login.css":
            await style()(scope, receive, send)
        elif path == "/logout":
            await self._logout(request)(scope, receive, send)
        elif action_of_path(path) is Action.ASK_HEALTH:
            await self._app(scope, receive, send)
        else:
            await self._pass(request, scope, receive, send)

    async def _pass(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through for as long as its caller is welcome, or answer why not."""
        path = scope["path"]
        caller = self._caller(request)
        if caller is None:
            shown = "authorization" in request.headers
            why = "its credentials are not known" if shown else "it shows no credentials"
            self._guard.refusals.add(UNAUTHENTICATED, _address(request), f"{_shown(path)}: {why}")
            await _unknown(path, why)(scope, receive, send)
        elif not caller.may(Action.LOOK):
            why = forbidden(caller, Action.LOOK)
            self._guard.refusals.add(FORBIDDEN, _address(request), f"{_shown(path)}: {why}")
            await PlainTextResponse(f"{why}\n", 403)(scope, receive, send)
        else:
            await _while_welcome(lambda: self._caller(request) is caller, self._app, scope, receive, send)

    def _caller(self, request: Request) -> Caller | None:
        """Who asks. A header that is shown must be right, whatever the cookie says."""
        header = request.headers.get("authorization")
        if header is not None:
            token = bearer(header)
            return self._guard.register.find(token) if token else None
        return self._sessions.find(request.cookies.get(_cookie_name(request), ""), self._clock())

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return login_page()
        address, now = _address(request), self._clock()
        wait_ns = self._attempts.wait_ns(address, now)
        if wait_ns > 0:
            self._guard.refusals.add(LOGIN, address, "it has failed to log in too often")
            page = login_page("Too many wrong tokens from your address. Wait a minute.", 429)
            page.headers["retry-after"] = str(-(-wait_ns // SECOND_NS))
            return page
        token = await token_of(request)
        caller = self._guard.register.find(token) if token else None
        if caller is None:
            self._attempts.wrong(address, now)
            self._guard.refusals.add(UNAUTHENTICATED, address, "/login: its token is not known")
            return login_page("This token is not known.", 401)
        if not caller.may(Action.LOOK):
            self._guard.refusals.add(FORBIDDEN, address, f"/login: {forbidden(caller, Action.LOOK)}")
            return login_page("This token is of a camera. To look, log in as an operator or admin.", 403)
        answer = _to_the_page()
        _set_cookie(answer, request, self._sessions.begin(caller, now), SESSION_SECONDS)
        return answer

    def _logout(self, request: Request) -> Response:
        if request.method != "POST":
            return PlainTextResponse("POST logs out\n", 405, {"allow": "POST"})
        answer = _to_the_page()
        if self._sessions.end(request.cookies.get(_cookie_name(request), "")):
            _set_cookie(answer, request, "", 0)  # without it, another site could have a browser forget its session
        return answer


class _Unwelcome(Exception):  # noqa: N818 - unwinds the application, and goes no further
    """The caller's credentials or its session ended while it was being answered."""


async def _while_welcome(welcome: Callable[[], bool], app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by the application; a long answer ends, between two pieces, when the caller is no longer welcome."""
    began = False

    async def watched(message: Message) -> None:
        nonlocal began
        if began and message.get("more_body") and not welcome():
            raise _Unwelcome
        began = True
        await send(message)

    try:
        await app(scope, receive, watched)
    except _Unwelcome:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _unknown(path: str, why: str) -> Response:
    if path == "/":
        page = login_page(status=401)
        page.headers["www-authenticate"] = "Bearer"
        return page
    how = "send 'authorization: Bearer fb_...', or log in at /"
    return PlainTextResponse(f"this server answers to whom it knows; {why}: {how}\n", 401, CHALLENGE)


def _shown(path: str) -> str:
    """A path for the log, on one line whatever it contains."""
    return repr(path[:80])


def _to_the_page() -> RedirectResponse:
    return RedirectResponse("/", 303, {"cache-control": "no-store"})


def _set_cookie(answer: Response, request: Request, number: str, seconds: int) -> None:
    answer.set_cookie(
        _cookie_name(request),
        number,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=request.scope["scheme"] == "https",
    )


def _cookie_name(request: Request) -> str:
    """With the port, because browsers show a host's cookies to all its ports, and a host may have several servers."""
    server: Any = request.scope.get("server") or ("", 0)
    return f"framebatch_session_{server[1]}"


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host
