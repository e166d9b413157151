"""A browser for tests of the status page: the machine's Chromium, and pages that watch what they should never do."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS: Final = 30_000
OPTIONS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> Iterator[Browser]:
    """Answer a browser, or skip the tests that ask for one."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield browser
        browser.close()


def patient_expect() -> Any:
    """Playwright's `expect`, for machines that do much else; skips the module where there is no Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    return sync_api.expect


class Watched:
    """A page from `with` to its end, which fails if it broke a rule: no error, no violation, nobody else asked.

    Attributes:
        page: Playwright's.
    """

    def __init__(self, browser: Browser, url: str, *, width: int = 1280, height: int = 900, **options: Any) -> None:
        self._url = url
        self._broken: list[str] = []
        self.allowed: tuple[str, ...] = ()
        self._context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._broken.append(str(error)))
        self.page.on("request", self._asked)

    def __repr__(self) -> str:
        return f"Watched({self._url}, {self._broken})"

    def __enter__(self) -> Page:
        self.page.goto(self._url)
        return self.page

    def __exit__(self, kind: object, *_: object) -> None:
        self._context.close()
        if kind is None:
            assert self._broken == []

    def expecting(self, *words: str) -> Self:
        """Allow messages of the browser that hold these words."""
        self.allowed = words
        return self

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(words in message.text for words in self.allowed):
            self._broken.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self._url).netloc and not request.url.startswith("data:"):
            self._broken.append(f"asked {request.url}")
