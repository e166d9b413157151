"""framebatch.calibration.report: the page and the picture of calibrations, looked at as a browser and a reader would."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import pytest
from profiles import make_fingerprint, make_profile

from framebatch.calibration.report import page, report_files, to_png, write_report
from framebatch.calibration.variants import Advice, Drift, Trial
from framebatch.errors import UsageError
from framebatch.profile import Conditions, IdlePenalty, Run, Soak

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.profile import Profile

VOID: Final = frozenset({"meta", "br", "hr"})
HOSTILE: Final = (
    '<script>alert("1")</script> & $x^2$ "quoted" \N{GREEK SMALL LETTER ALPHA} \N{CJK UNIFIED IDEOGRAPH-65E5}'
)


class Reader(HTMLParser):
    """Reads a page, and fails where elements are not closed in the order in which they were opened.

    Attributes:
        tags: every element's name, in order.
        attributes: of every element.
        headings: their text.
        rows: of every table row, the text of its cells.
        text: all text that is shown.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that opens, and what its text belongs to."""
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"th", "td"}:
            self.rows[-1].append("")
        if tag in {"h1", "h2", "h3"}:
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        """See that the element opened last closes."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text that is shown."""
        if "style" in self._open:
            return
        self.text += data
        if self._open and self._open[-1] in {"th", "td"}:
            self.rows[-1][-1] += data
        if self._open and self._open[-1] in {"h1", "h2", "h3"}:
            self.headings[-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a name."""
        return [given for name, given in zip(self.tags, self.attributes, strict=True) if name == tag]


def whole_profile() -> Profile:
    """A profile with all that can be shown."""
    plain = make_profile(
        conditions=Conditions(noisy=True, disagreement=0.13, text=("Two passes disagree by 13 %.",)),
        idle=(IdlePenalty(idle_ns=10**9, penalty_ns=3_200_000, n=5),),
        soak=Soak(batch=16, batches=200, seconds=11.2, median_ns=54_200_000, p99_ns=58_000_000, last_over_first=1.031),
    )
    buckets = []
    for bucket in plain.buckets:
        assert bucket.measured is not None
        measured = bucket.measured.model_copy(update={"energy_joules_per_frame": 0.8 + 1.2 / bucket.batch})
        buckets.append(bucket.model_copy(update={"measured": None if bucket.batch == 6 else measured}))
    return plain.model_copy(update={"buckets": tuple(buckets)})


def trial(profile: Profile, label: str = "one", drift: Drift | None = None) -> Trial:
    """A profile under a name."""
    return Trial(label=label, profile=profile, drift=drift)


def pixels_of(png: bytes) -> np.ndarray:
    """Decode a picture."""
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded)


@pytest.fixture(scope="module")
def whole() -> str:
    """The page of a profile with all that can be shown."""
    return page([trial(whole_profile())])


def test_a_page_is_well_formed_and_holds_every_bucket(whole: str) -> None:
    """All elements are closed, and each batch size has its row with the planned time."""
    rows = {row[0]: row for row in Reader(whole).rows if len(row) > 10}
    assert [int(size) for size in rows if size != "batch"] == [1, 2, 3, 4, 6, 8, 12, 16, 24]
    assert rows["8"][1:4] == ["30.0", "3.75", "267"]
    assert rows["6"][4] == "\N{EN DASH}"


def test_a_page_needs_nothing_from_elsewhere(whole: str) -> None:
    """No script, no link, no address, and nothing that a style would fetch."""
    read = Reader(whole)
    assert {"script", "link", "img", "iframe", "object", "base"}.isdisjoint(read.tags)
    for attributes in read.attributes:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "http" not in whole
    assert "//" not in whole
    assert "@import" not in whole
    assert not re.search(r"url\((?!#)", whole)


def test_what_a_drawing_refers_to_is_in_it_once(whole: str) -> None:
    """The plots share a page, and their identifiers do not collide."""
    read = Reader(whole)
    ids = [value for given in read.attributes if (value := given.get("id")) is not None]
    assert len(ids) == len(set(ids))
    meant = re.findall(r'(?:href="#|url\(#)([^")]+)', whole)
    assert meant
    assert set(meant) <= set(ids)


def test_names_are_shown_and_never_obeyed() -> None:
    """A model's name is somebody's file name: it is text wherever it stands."""
    profile = make_profile(model=HOSTILE)
    read = Reader(page([trial(profile), trial(profile, label=HOSTILE)], Advice(label=HOSTILE, text=HOSTILE)))
    assert "script" not in read.tags
    assert HOSTILE in read.headings[0]
    assert HOSTILE in read.headings
    assert read.text.count(HOSTILE) > 5
    assert pixels_of(to_png([trial(profile)], title=HOSTILE, words=HOSTILE)).std() > 1


def test_a_page_can_be_read_without_seeing_it(whole: str) -> None:
    """Headings begin at the first level and skip none; pictures say what they show; tables say what their heads head."""
    read = Reader(whole)
    levels = [int(tag[1]) for tag in read.tags if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    pictures = read.named("svg")
    assert [given["role"] for given in pictures] == ["img"] * 4
    assert (pictures[0]["aria-label"] or "").startswith("Latency over the batch size. A batch of 16 takes 54 ms")
    assert read.tags.count("figcaption") == 4
    assert all(given.get("scope") in {"row", "col"} for given in read.named("th"))
    assert read.named("html")[0]["lang"] == "en"


def test_colours_follow_the_theme(whole: str) -> None:
    """Drawings name their colours, and each name has a value for light and for dark pages."""
    drawings = "".join(re.findall(r"<svg.*?</svg>", whole, re.DOTALL))
    assert not re.search(r"#[0-9a-f]{6}", drawings)
    for name in set(re.findall(r"var\(--([a-z0-9-]+)\)", whole)):
        assert len(re.findall(rf"--{name}: #[0-9a-f]{{6}};", whole)) == 3  # light, dark, print


def test_a_page_says_what_was_found(whole: str) -> None:
    """Choice, rules, doubts, idle penalty, soak, fingerprint and command, in words."""
    text = Reader(whole).text
    for words in (
        "The largest batch is 16: memory allows no more.",
        "Memory (decides)",
        "Two passes disagree by 13 %.",
        "longer by: 3.2 ms after 1 s",
        "the last tenth was 3.1 % slower than the first",
        "batches of 12: 42.1 ms, measured 42 ms",
        "CPUExecutionProvider",
        "5e5b05aa" * 8,
        "framebatch calibrate --model yolov8n.onnx",
        "A frame costs least in batches of 24: 0.850 J; in batches of 16, 0.875 J.",
    ):
        assert words in text


def test_what_is_not_known_is_not_drawn() -> None:
    """Without energy and memory there are two plots, and a line that says so."""
    plain = make_profile(memory=None)
    buckets = tuple(bucket.model_copy(update={"measured": None}) for bucket in plain.buckets)
    read = Reader(page([trial(plain.model_copy(update={"buckets": buckets}))]))
    assert read.tags.count("svg") == 2
    assert "Energy per frame is not available" in read.text
    assert "Memory could not be read here." in read.text


def test_doubtful_profiles_say_so() -> None:
    """Simulated, quick and stopped runs are named as such before any figure."""
    run = make_profile().run.model_copy(update={"quick": True, "complete": False})
    text = Reader(page([trial(make_profile(run=run, simulated=True))])).text
    for words in ("stopped before its end", "The device is simulated", "a quick run"):
        assert text.index(words) < text.index("What was measured")
    assert "Before you rely on it" not in Reader(page([trial(make_profile())])).text


def test_several_stand_side_by_side() -> None:
    """One table, one line each in every plot, the drift, the advice, what differs, and what could not be measured."""
    drift = Drift(pictures=24, matched=180, lost=1, gained=0, box_px_max=0.61, score_max=0.0031)
    other = make_profile(beta_ms=1.4, fingerprint=make_fingerprint(precision="float16"))
    trials = [
        trial(make_profile(), "fp32"),
        trial(other, "fp16", drift),
        Trial(label="tensorrt", profile=None, why="TensorRT did not load"),
    ]
    html = page(trials, Advice(label="fp16", text="Use fp16."))
    read = Reader(html)
    rows = {row[0]: row for row in read.rows}
    assert rows["fp16"][-1].startswith("1 of 181 boxes lost, 0 gained")
    assert rows["tensorrt"][-1] == "TensorRT did not load"
    assert rows["precision (differs)"] == ["precision (differs)", "float16"]
    assert "provider (differs)" not in rows
    assert "Use fp16." in read.text
    assert "A batch of 16 takes: 54 ms (fp32) and 28.4 ms (fp16)." in read.text
    assert all(html.count(f">{label}</text>") == 3 for label in ("fp32", "fp16"))


def test_the_same_profile_gives_the_same_page(whole: str) -> None:
    """Nothing of the hour or of chance is in it."""
    assert page([trial(whole_profile())]) == whole


@pytest.mark.parametrize("sizes", [(1,), (4,), (1, 2), (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)])
def test_a_picture_is_drawn_of_few_and_of_many_sizes(sizes: tuple[int, ...]) -> None:
    """It opens, is as wide as promised, and something is on it: in the text above, and in every plot."""
    pixels = pixels_of(to_png([trial(make_profile(sizes=sizes))], title="Title", words="Words"))
    height, width, _ = pixels.shape
    assert width == 1650
    assert 1000 < height < 2000
    dark = pixels.min(axis=2) < 128
    for part in (dark[: height // 8], dark[height // 4 : height // 2], dark[height // 2 :]):
        assert 0.001 < part.mean() < 0.2


def test_a_path_means_a_page_with_its_picture_or_a_picture(tmp_path: Path) -> None:
    """By its suffix; any other is refused before anything is drawn, and so is what cannot be written."""
    trials = [trial(make_profile())]
    assert write_report(tmp_path / "a.html", trials) == (tmp_path / "a.html", tmp_path / "a.png")
    assert write_report(tmp_path / "b.PNG", trials) == (tmp_path / "b.PNG",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.png", "b.PNG"]
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert pixels_of((tmp_path / "b.PNG").read_bytes()).size
    with pytest.raises(UsageError, match=r"--report is c\.pdf; give a path that ends in \.html or \.png"):
        report_files(tmp_path.relative_to(tmp_path) / "c.pdf")
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        write_report(tmp_path / "none" / "d.png", trials)


def test_a_run_made_elsewhere_in_the_world_keeps_its_hour() -> None:
    """The date is shown as it was written."""
    run = Run(created="2026-03-01T23:59:00+09:00", command="c", framebatch="0.1.0", seconds=1, quick=False)
    assert "Calibrated 2026-03-01 23:59" in Reader(page([trial(make_profile(run=run))])).text
