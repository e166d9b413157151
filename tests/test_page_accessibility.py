"""framebatch.edge.page.static: the status page for those who see little, press keys, or want nothing to move."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_browser import Watched, chromium, patient_expect
from page_server import PlayedPage, alert, camera, model, outcomes, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

expect = patient_expect()

CONTRAST = (Path(__file__).parent / "page_contrast.js").read_text(encoding="utf-8")
EVERYTHING = state(
    [
        camera("press-1"),
        camera("press-2", outcomes=outcomes(95, EXPIRED=5), priority="critical"),
        camera(
            "press-3", outcomes=outcomes(50, REJECTED=50), last_outcome="REJECTED", last_reason="the server is full"
        ),
        camera("press-4", outcomes=outcomes(0), last_age_seconds=42.0, frames_per_second=0.0, live=True),
    ],
    [
        model(outcomes=outcomes(50, FAILED=50), load=1.5, recalibration_due=True),
        model("press", up=False, why_down="no memory"),
    ],
    alerts=[alert("A", "press-3 misses half", "critical"), alert("B", "slow")],
    server={"simulated": True},
)
NAMELESS = """() => [...document.querySelectorAll('button, input, select, summary, [role=img]')].filter((e) => {
    if (!e.checkVisibility()) return false;
    const label = e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent;
    return !label.trim();
}).map((e) => e.outerHTML)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Answer one browser for all tests here."""
    yield from chromium()


@pytest.fixture(scope="module")
def played() -> Iterator[PlayedPage]:
    """Answer a page that has everything on it."""
    with PlayedPage(EVERYTHING) as server:
        yield server


def test_text_stands_out_from_what_is_behind_it(browser: Browser, played: PlayedPage) -> None:
    """By WCAG 2.2 AA, in both schemes, for every level, on the page and in the dialog."""
    calm = state([camera("press-1")])
    warned = state([camera("press-2", outcomes=outcomes(95, EXPIRED=5))])
    with Watched(browser, played.url) as page:
        page.emulate_media(reduced_motion="reduce")
        for document, level in ((calm, "ok"), (warned, "warn"), (EVERYTHING, "bad")):
            played.state = document
            expect(page.locator("#state")).to_have_attribute("data-level", level)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                expect(page.locator("html")).to_have_attribute("data-theme", scheme)
                assert (scheme, page.evaluate(CONTRAST)) == (scheme, [])
        page.locator(".name").first.click()
        assert page.evaluate(CONTRAST) == []


def test_everything_that_can_be_operated_has_a_name(browser: Browser, played: PlayedPage) -> None:
    """Buttons, fields, folds and pictures, also in the dialog."""
    played.state = EVERYTHING
    with Watched(browser, played.url) as page:
        expect(page.locator(".card")).to_have_count(4)
        page.locator(".name").first.click()
        expect(page.locator("#large canvas")).to_have_attribute("aria-label", "Last picture of press-3: nothing found")
        assert page.evaluate(NAMELESS) == []


def test_the_page_has_landmarks_headings_and_one_voice(browser: Browser, played: PlayedPage) -> None:
    """One h1, no level left out, and only the sentence of state is read out by itself."""
    played.state = EVERYTHING
    with Watched(browser, played.url) as page:
        expect(page.locator(".card")).to_have_count(4)
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))")
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip([0, *levels], levels, strict=False))
        assert (
            page.locator("main").count() == page.locator("header").count() == page.locator("[role=search]").count() == 1
        )
        assert page.locator("[aria-live]").count() == 1
        expect(page.locator("[aria-live=polite]")).to_have_text("Model press cannot be run: no memory")


def test_keys_reach_everything_in_the_order_of_the_page(browser: Browser, played: PlayedPage) -> None:
    """Two ways past the top, the switches, the filter, the order, the cameras, the models; focus is always seen."""
    played.state = EVERYTHING
    walk = ["Skip to the cameras", "Skip to the device", "theme", "wall", "filter", "order", "only-problems", "press-3"]
    with Watched(browser, played.url) as page:
        expect(page.locator(".card")).to_have_count(4)
        found = []
        for _ in walk:
            page.keyboard.press("Tab")
            found.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
            outlines = "e => [e, e.closest('.card')].some(x => x && getComputedStyle(x).outlineStyle !== 'none')"
            assert page.evaluate(f"({outlines})(document.activeElement)")
        assert found == walk


def test_whoever_wants_no_motion_gets_none(browser: Browser, played: PlayedPage) -> None:
    """Bars jump to their length."""
    with Watched(browser, played.url, reduced_motion="reduce") as page:
        expect(page.locator(".fill").first).to_have_css("transition-duration", "0s")
        page.emulate_media(reduced_motion="no-preference")
        expect(page.locator(".fill").first).to_have_css("transition-duration", "0.3s, 0.3s")
