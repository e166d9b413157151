"""The status page of a real server with real cameras, in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_browser import Watched, chromium, patient_expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

expect = patient_expect()

PROGRAM = Path(__file__).parent / "played_cameras.py"
EIGHT_SLOW_CAMERAS = ("8", "2", "5000")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Answer one browser for all tests here."""
    yield from chromium()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Answer where a server on the processor shows eight conveyors; its model finds what lies on them."""
    command = [sys.executable, str(PROGRAM), "cpu", *EIGHT_SLOW_CAMERAS, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"FRAMEBATCH_PROFILE": "off"}
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.mark.end_to_end
def test_eight_cameras_are_seen_live(browser: Browser, address: str) -> None:
    """Pictures with what was found, figures that move, a dialog; no error, no violation, nobody else is asked."""
    with Watched(browser, address, height=1400) as page:
        expect(page.locator(".card")).to_have_count(8)
        expect(page.locator(".card[data-pictured]")).to_have_count(8)
        expect(page.locator("#sentence")).not_to_have_text(re.compile("figures follow$"))
        found = page.locator(".card canvas[aria-label*=gear], .card canvas[aria-label*=screw]")
        expect(found.first).to_be_visible()
        expect(page.locator(".figure", has_text="frames").locator(".value")).to_have_text(re.compile(r"^1\d\.\d$"))
        before = page.locator(".facts-of").inner_text()
        expect(page.locator(".facts-of")).not_to_have_text(before, use_inner_text=True)
        page.locator(".name").first.click()
        expect(page.locator(".found")).to_have_text(re.compile(r"\d \w+.* · .+, 640 . 480$"))
