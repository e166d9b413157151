"""framebatch.cli.calibrate.progress: what is seen while a calibration runs."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from framebatch.calibration.points import Point
from framebatch.calibration.sweep import Progress
from framebatch.cli.calibrate.progress import ProgressView, latest_text

STEPS = (
    Progress(stage="loading", left_seconds=118.2),
    Progress(stage="pass 1", batch=8, share=0.2, left_seconds=95.0),
    Progress(
        stage="pass 1", batch=16, share=0.3, left_seconds=83.4, latest=Point(batch=8, samples_ns=(24_100_000,) * 9)
    ),
)


def shown(*, terminal: bool, width: int = 80) -> str:
    """What a console receives of all steps."""
    console = Console(file=StringIO(), force_terminal=terminal, width=width, highlight=False)
    with ProgressView("m on cpu", console) as view:
        for step in STEPS:
            view(step)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_without_a_terminal_each_stage_is_told_once() -> None:
    """With the time that is left; nothing moves."""
    assert shown(terminal=False) == "calibrating m on cpu\nloading, 1:58 left\npass 1, 1:35 left\n"


def test_in_a_terminal_one_line_moves() -> None:
    """Stage and batch, a bar, the time left and the latest figure, within the width."""
    for width in (80, 120):
        last = shown(terminal=True, width=width).split("\r")[-3]
        assert "pass 1, batch 16" in last
        assert "1:23 left" in last
        assert "batch 8: 24.1 ms ± 0.0" in last


def test_the_latest_figure_has_three_digits_or_says_what_failed() -> None:
    """Median and half of its interval, in milliseconds."""
    assert latest_text(None) == ""
    assert latest_text(Point(batch=4, failure="memory", why="out of memory")) == "batch 4 failed"
    assert latest_text(Point(batch=4, samples_ns=(900_000, 1_000_000, 1_100_000))) == "batch 4: 1.00 ms ± 0.10"
    assert latest_text(Point(batch=1, samples_ns=(500_000,))) == "batch 1: 0.500 ms ± 0.000"


def test_a_view_says_where_it_is() -> None:
    """For logs and debuggers."""
    view = ProgressView("m on cpu", Console(file=StringIO()))
    assert repr(view) == "<ProgressView of m on cpu: starting>"
    view(STEPS[1])
    assert repr(view) == "<ProgressView of m on cpu: pass 1>"
