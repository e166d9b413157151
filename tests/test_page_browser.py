"""framebatch.edge.page.static: the status page in a real browser, fed with played states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from page_browser import Watched, chromium, patient_expect
from page_server import PlayedPage, alert, camera, model, outcomes, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

expect = patient_expect()

EVIL = "<img src=x onerror=\"document.title='broken'\">"
LATE = {"last_outcome": "REJECTED", "last_reason": "19 frames are ahead: a budget of 131 ms would do"}
MISSING = camera("press-3", outcomes=outcomes(88, REJECTED=9, EXPIRED=3), **LATE)
SILENT = camera("press-4", outcomes=outcomes(0), frames_per_second=0.0, last_age_seconds=42.0)
UNREADABLE = camera("press-5", outcomes=outcomes(50, INVALID=50), last_outcome="INVALID", last_reason="no JPEG")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Answer one browser for all tests here."""
    yield from chromium()


@pytest.fixture(scope="module")
def server() -> Iterator[PlayedPage]:
    """Answer one server for all tests here."""
    with PlayedPage(state([])) as started:
        yield started


@pytest.fixture
def played(server: PlayedPage) -> PlayedPage:
    """Answer a page of eight cameras that get every frame in time."""
    server.play(state(line(8)))
    return server


SLOW = alert("FramebatchDeviceSlow", "the device is slow")


def line(number: int, **changes: Any) -> list[dict[str, Any]]:
    """Answer cameras by the name of their station."""
    return [camera(f"station-{n // 4 + 1}/cam-{n % 4 + 1}", **changes) for n in range(number)]


def names(page: Page) -> list[str]:
    """Answer the cameras that are shown, in their order."""
    return page.locator(".card:not([hidden]) .name").all_text_contents()


def test_one_sentence_says_how_it_stands(browser: Browser, played: PlayedPage) -> None:
    """The worst of what is known, with its level; icon and title follow."""
    small = outcomes(399, EXPIRED=1)
    down = model("press", up=False, why_down="out of memory")
    told = [
        (state(line(8)), "ok", "8 cameras, every frame answered in time"),
        (state(line(4), [model(outcomes=small)]), "ok", "4 cameras, 99.7 % of the frames answered in time"),
        (state([]), "ok", "Ready: waiting for the first camera"),
        (state([*line(3), MISSING]), "bad", "press-3 misses 12 % of its deadlines"),
        (state([*line(3), SILENT]), "warn", "press-4 sends nothing, for 42 s"),
        (state([*line(3), UNREADABLE]), "warn", "press-5 sends 50 % invalid frames"),
        (state([*line(3), MISSING, SILENT]), "bad", "2 of 5 cameras have a problem"),
        (state(line(3), alerts=[SLOW]), "ok", "3 cameras, every frame answered in time"),
        (state(line(3), alerts=[alert("FramebatchCertificateExpires", "x", "critical")]), "bad", "X"),
        (state(line(3), [model(), down]), "bad", "Model press cannot be run: out of memory"),
        (state([], server={"ready": False, "why_not_ready": "no decoder"}), "bad", "Not ready: no decoder"),
    ]
    with Watched(browser, played.url) as page:
        for document, level, sentence in told:
            played.state = document
            expect(page.locator("#sentence")).to_have_text(sentence)
            expect(page.locator("#state")).to_have_attribute("data-level", level)
            expect(page).to_have_title(re.compile(re.escape(sentence)))


def test_of_many_troubled_cameras_the_cause_is_told(browser: Browser, played: PlayedPage) -> None:
    """What concerns the whole model, where that is known, and else the worst of them; a warning that costs no frame is told below."""
    both = state([*line(3), MISSING, SILENT])
    full = alert("FramebatchCamerasNotFitting", "more is asked of conveyor than the device carries", model="conveyor")
    with Watched(browser, played.url) as page:
        played.state = both
        expect(page.locator("#detail")).to_have_text("Worst: press-3 misses 12 % of its deadlines")
        played.state = state(line(3), alerts=[SLOW])
        expect(page.locator("#detail")).to_have_text("Warning: The device is slow")
        played.state = both | {"alerts": [full]}
        expect(page.locator("#detail")).to_have_text("More is asked of conveyor than the device carries")


def test_best_effort_cameras_and_small_losses_are_no_problem(browser: Browser, played: PlayedPage) -> None:
    """They are given up by design; one frame in a hundred is what the objective allows."""
    spare = camera("spare-1", priority="best-effort", outcomes=outcomes(50, REJECTED=50))
    played.state = state([spare, camera("press-1", outcomes=outcomes(99, EXPIRED=1))])
    with Watched(browser, played.url) as page:
        card = page.locator(".card", has_text="spare-1")
        expect(card).to_have_attribute("data-level", "idle")
        expect(card.locator(".words")).to_have_text("50 % given up, best effort")
        expect(page.locator("#state")).to_have_attribute("data-level", "ok")


def test_names_from_the_network_are_text(browser: Browser, played: PlayedPage) -> None:
    """Whatever a camera, a reason, a label or an alert is called, nothing of it becomes an element."""
    evil = camera(EVIL, outcomes=outcomes(10, FAILED=90), last_outcome="FAILED", last_reason=EVIL, model=EVIL)
    down = model(EVIL, up=False, why_down=EVIL, version=EVIL)
    played.state = state([evil], [down], alerts=[alert("A", EVIL, runbook=EVIL)], server={"device": EVIL})
    with Watched(browser, played.url) as page:
        expect(page.locator(".name")).to_have_text(EVIL)
        expect(page.locator(".why")).to_have_text(f"FAILED: {EVIL}")
        page.locator(".name").click()
        expect(page.locator("#large-title")).to_have_text(EVIL)
        expect(page.locator(".found")).to_have_text(re.compile("^no verdict, FAILED"))
        assert page.locator("main img, dialog img").count() == 0
        assert "broken" not in page.title().partition("onerror")[0]


def test_only_pictures_on_screen_are_asked_for(browser: Browser, played: PlayedPage) -> None:
    """Of 200 cameras, a few at a time; scrolling asks for others; cards are changed in place."""
    played.state = state(line(200), cameras_left_out=12)
    with Watched(browser, played.url) as page:
        expect(page.locator(".card")).to_have_count(200)
        expect(page.locator(".card").nth(7)).to_have_attribute("data-pictured", "")
        expect(page.locator("#camera-count")).to_have_text("200 of 212")
        page.evaluate("window.kept = document.querySelector('.card')")
        last = names(page)[-1]
        assert last not in played.asked
        page.locator(".card").last.scroll_into_view_if_needed()
        expect(page.locator(".card").last).to_have_attribute("data-pictured", "")
        assert last in played.asked
        assert page.evaluate("window.kept === document.querySelector('.card')")
        assert played.most_at_once <= 4


def test_boxes_are_drawn_over_the_picture_in_the_pixels_of_the_screen(browser: Browser, played: PlayedPage) -> None:
    """Twice as many for a screen of double density; what is found is told in words, too."""
    played.state = state(line(1))
    with Watched(browser, played.url, device_scale_factor=2) as page:
        page.wait_for_selector(".card[data-pictured]")
        canvas = page.locator(".card canvas")
        assert canvas.evaluate("c => [c.width, c.height]") == canvas.evaluate(
            "c => [Math.round(c.clientWidth * 2), Math.round(c.clientHeight * 2)]"
        )
        expect(canvas).to_have_attribute("aria-label", re.compile(r"^Last picture of station-1/cam-1: \d \w+"))
        boxed = """c => { const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let found = 0;
            for (let i = 0; i < pixels.length; i += 4)
                if (pixels[i] === 0xff && pixels[i + 1] === 0xd8 && pixels[i + 2] === 0x4d) found += 1;
            return found; }"""
        assert canvas.evaluate(boxed) > 100


def test_with_pictures_off_none_is_asked_for(browser: Browser, played: PlayedPage) -> None:
    """The cards are compact, and a camera opened large says why it has none."""
    played.state = state([MISSING | {"shot": None}], pictures=False)
    with Watched(browser, played.url) as page:
        expect(page.locator(".why")).to_have_text(f"REJECTED: {LATE['last_reason']}")
        expect(page.locator(".card canvas")).to_be_hidden()
        page.locator(".name").click()
        expect(page.locator(".found")).to_have_text("Pictures are switched off on this server.")
    assert played.asked == []


def test_a_lost_connection_is_said_and_nothing_old_looks_live(browser: Browser, played: PlayedPage) -> None:
    """No document for three seconds is enough; when they come again, all is as before."""
    with Watched(browser, played.url) as page:
        expect(page.locator("#sentence")).to_have_text("8 cameras, every frame answered in time")
        kept, played.state = played.state, None
        expect(page.locator("#sentence")).to_have_text(re.compile(r"^Connection lost, since \d+ s$"))
        expect(page.locator("#detail")).to_have_text(re.compile("^What is shown below is as of "))
        assert page.locator(".columns").evaluate("e => getComputedStyle(e).filter") == "grayscale(1)"
        played.state = kept
        expect(page.locator("#sentence")).to_have_text("8 cameras, every frame answered in time")
        assert page.locator(".columns").evaluate("e => getComputedStyle(e).filter") == "none"


def test_who_is_not_let_in_is_told_why(browser: Browser, played: PlayedPage) -> None:
    """The server's own words; and when there is room, the page comes by itself."""
    played.full = True
    with Watched(browser, played.url).expecting("503") as page:
        expect(page.locator("#detail")).to_have_text("too many look at this page already; come back later")
        expect(page.locator("#sentence")).to_have_text(re.compile("^No answer from the server, for "))
        played.full = False
        expect(page.locator("#sentence")).to_have_text("8 cameras, every frame answered in time")


def test_problems_come_first_and_filters_narrow(browser: Browser, played: PlayedPage) -> None:
    """Order, text and problems; '/' goes to the filter."""
    slow = camera("zoom-1", p95_ms=99.0)
    played.state = state([*line(2), MISSING, SILENT, slow])
    with Watched(browser, played.url) as page:
        expect(page.locator(".card")).to_have_count(5)
        assert names(page) == ["press-3", "press-4", "station-1/cam-1", "station-1/cam-2", "zoom-1"]
        page.select_option("#order", "latency")
        assert names(page)[0] == "zoom-1"
        page.check("#only-problems")
        assert sorted(names(page)) == ["press-3", "press-4"]
        page.uncheck("#only-problems")
        page.keyboard.press("/")
        page.keyboard.type("CAM-2")
        assert names(page) == ["station-1/cam-2"]
        expect(page.locator("#camera-count")).to_have_text("1 of 5")
        page.fill("#filter", "no such")
        expect(page.locator("#cameras-note")).to_have_text("No camera passes the filter.")


def test_a_camera_that_gets_a_problem_moves_up_and_one_that_left_goes(browser: Browser, played: PlayedPage) -> None:
    """By themselves, while nobody is among the cards."""
    played.state = state([camera("a"), camera("b"), camera("c")])
    with Watched(browser, played.url) as page:
        expect(page.locator(".name")).to_have_text(["a", "b", "c"])
        played.state = state([camera("a"), camera("c", outcomes=outcomes(90, EXPIRED=10))])
        expect(page.locator(".name")).to_have_text(["c", "a"])


def test_one_camera_is_opened_large_by_keyboard(browser: Browser, played: PlayedPage) -> None:
    """Enter opens, arrows walk, Escape closes and the focus is back where it was."""
    with Watched(browser, played.url) as page:
        page.locator(".name").nth(1).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#large-title")).to_have_text("station-1/cam-2")
        expect(page.locator(".found")).to_have_text(re.compile(r"\d \w+.* · .+, 640 . 480"))
        expect(page.locator(".counts")).to_contain_text("answered in time")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#large-title")).to_have_text("station-1/cam-3")
        page.keyboard.press("Escape")
        expect(page.locator("#large")).to_be_hidden()
        assert page.evaluate("document.activeElement.textContent") == "station-1/cam-2"


def test_the_theme_follows_the_system_until_it_is_chosen(browser: Browser, played: PlayedPage) -> None:
    """And what was chosen stays after a reload."""
    root = "document.documentElement.dataset.theme"
    with Watched(browser, played.url, color_scheme="dark") as page:
        assert page.evaluate(root) == "dark"
        page.click("#theme")
        assert page.evaluate(root) == "light"
        page.reload()
        assert page.evaluate(root) == "light"
        page.emulate_media(color_scheme="light")
        assert page.evaluate(root) == "light"


def test_on_a_wall_nothing_scrolls_for_a_dozen_cameras(browser: Browser, played: PlayedPage) -> None:
    """Every card whole on the screen, in type that grows with it; F leaves the view."""
    played.state = state([*line(11), MISSING], alerts=[alert("A", "press-3 misses 12 % of its deadlines", "critical")])
    with Watched(browser, played.url + "?wall") as page:
        for width, height in ((1920, 1080), (3840, 2160)):
            page.set_viewport_size({"width": width, "height": height})
            expect(page.locator(".card[data-pictured]")).to_have_count(12)
            sizes = "[...document.querySelectorAll('.card')].map(c => c.getBoundingClientRect().bottom)"
            assert page.evaluate(f"Math.max(...{sizes})") <= height
            assert page.evaluate("document.documentElement.scrollHeight") == height
            pictures = "[...document.querySelectorAll('.card canvas')].map(c => c.clientHeight)"
            assert page.evaluate(f"Math.min(...{pictures})") > height / 14
        page.keyboard.press("f")
        assert not page.evaluate("document.documentElement.hasAttribute('data-wall')")
        assert "wall" not in page.url


def test_no_width_scrolls_sideways(browser: Browser, played: PlayedPage) -> None:
    """Not even with long names, long reasons and large figures."""
    long = {"last_outcome": "FAILED", "last_reason": "x" * 300, "outcomes": outcomes(1, FAILED=1_000_000)}
    played.state = state([camera("hall-2-" * 12, **long), *line(3)], [model("m" * 80, load=1234.5)])
    with Watched(browser, played.url) as page:
        expect(page.locator(".card")).to_have_count(4)
        for width in (360, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.locator(".name").first.click()
            assert page.locator("#large").evaluate("d => d.scrollWidth <= d.clientWidth")
            page.keyboard.press("Escape")


def test_figures_that_are_not_there_yet_are_dashes(browser: Browser, played: PlayedPage) -> None:
    """The first document after a while without viewers has few; none is shown as NaN, null or undefined."""
    nothing = dict.fromkeys(("p50", "p95", "p99", "p1", "decode", "queue", "device", "post"))
    fresh = model(
        frames_per_second=None, outcomes=outcomes(0), latency_ms=nothing, slack_ms=nothing, stages_ms=nothing, busy=None,
        load=None, drift=None, derate=None, batches=[], throughput=[], profile=None,
    )  # fmt: skip
    absent = dict.fromkeys(
        (
            "priority",
            "live",
            "frames_per_second",
            "last_outcome",
            "latency_ms",
            "p95_ms",
            "deadline_ms",
            "detections",
            "shot",
        )
    )
    played.state = state(line(2, outcomes=outcomes(0), **absent), [fresh])
    with Watched(browser, played.url) as page:
        expect(page.locator("#sentence")).to_have_text("2 cameras, figures follow")
        page.locator(".name").first.click()
        text = page.locator("body").inner_text()
        assert re.search(r"NaN|null|undefined|Infinity", text) is None


def test_of_many_alerts_the_first_are_shown(browser: Browser, played: PlayedPage) -> None:
    """The others when they are asked for; a summary begins with a capital, a name as it is."""
    few = [alert("B", "the device is slow"), alert("C", "press-1 misses 2 %", camera="press-1")]
    played.state = state(line(2), alerts=[alert("A", "x", "critical"), *few, *(alert(f"D{n}", "x") for n in range(37))])
    with Watched(browser, played.url) as page:
        expect(page.locator(".alert .summary")).to_have_text(["X", "The device is slow", "press-1 misses 2 %"])
        expect(page.locator(".alert .about").first).to_have_text(
            re.compile(r"^critical, since .+ \(2 min\)\. What to do: docs/runbooks/deadlines-missed\.md$")
        )
        page.click("text=Show all 40 alerts")
        expect(page.locator(".alert")).to_have_count(40)


def test_a_camera_without_a_name_has_a_card(browser: Browser, played: PlayedPage) -> None:
    """Which says so."""
    played.state = state([camera("", outcomes=outcomes(1, EXPIRED=1))])
    with Watched(browser, played.url) as page:
        expect(page.locator(".name")).to_have_text("(no name)")
        expect(page.locator("#sentence")).to_have_text("(no name) misses 50 % of its deadlines")


def test_a_simulated_device_is_said_to_be_one(browser: Browser, played: PlayedPage) -> None:
    """Nobody takes its figures for a machine's."""
    with Watched(browser, played.url) as page:
        expect(page.locator("#device strong")).to_be_hidden()
        played.state = state(line(1), server={"simulated": True, "device": "sim 6+3b ms"})
        expect(page.locator("#device")).to_have_text(re.compile("^simulated device ?sim 6"))
        expect(page.locator("#device strong")).to_be_visible()
