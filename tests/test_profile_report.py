"""`framebatch profile report`: kept profiles, drawn again or beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from profiles import make_fingerprint, make_profile

from framebatch.cli.profile.report import report_profiles, told_apart
from framebatch.errors import UsageError
from framebatch.profile import Profile, write_profile

if TYPE_CHECKING:
    from pathlib import Path


def made_at(created: str, **changes: Any) -> Profile:
    """A profile that was made at some time."""
    return make_profile(run=make_profile().run.model_copy(update={"created": created}), **changes)


def test_profiles_are_called_by_what_differs() -> None:
    """Only that; and numbered where nothing does."""
    first, second = made_at("2026-11-20T14:03:07+00:00"), made_at("2026-11-21T09:00:00+01:00")
    half = made_at("2026-11-20T14:03:07+00:00", fingerprint=make_fingerprint(precision="float16"))
    assert told_apart([first]) == ["yolov8n"]
    assert told_apart([first, second]) == ["2026-11-20 14:03", "2026-11-21 08:00"]
    assert told_apart([first, half]) == ["float32", "float16"]
    assert told_apart([first, first]) == ["1: yolov8n", "2: yolov8n"]


def test_kept_profiles_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One in full; two side by side, under what tells them apart."""
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, created in zip(paths, ("2026-11-20T14:03:07+00:00", "2026-11-21T09:00:00+00:00"), strict=True):
        write_profile(made_at(created), path)
    report_profiles([str(paths[0])], tmp_path / "one.html")
    report_profiles([str(path) for path in paths], tmp_path / "two.html")
    assert "Why this batch" in (tmp_path / "one.html").read_text()
    two = (tmp_path / "two.html").read_text()
    assert "2 calibrations side by side" in two
    assert ">2026-11-21 09:00</h2>" in two
    written = [line.removeprefix("report written to ") for line in capsys.readouterr().out.splitlines()]
    assert written == [str(tmp_path / name) for name in ("one.html", "one.png", "two.html", "two.png")]


def test_a_report_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    """Before any profile is looked for."""
    with pytest.raises(UsageError, match=r"--out is .*report\.pdf; give a path that ends in \.html or \.png"):
        report_profiles(["none"], tmp_path / "report.pdf")
    with pytest.raises(UsageError, match="but there is no folder"):
        report_profiles(["none"], tmp_path / "none" / "report.png")
