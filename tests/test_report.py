"""What framebatch-camera shows, as text."""

import dataclasses
import io

import pytest
from rich.console import Console

from framebatch_client.answer import Outcome
from framebatch_client.report import live_line, summary_table
from framebatch_client.statistics import StreamStats

NOTHING = StreamStats(answered=dict.fromkeys(Outcome, 0))
MUCH = dataclasses.replace(
    NOTHING,
    sent=20,
    sent_fps=9.96,
    answered={**NOTHING.answered, Outcome.OK: 15, Outcome.EXPIRED: 2},
    lost=3,
    skipped=4,
    late=5,
    reconnects=1,
    p50_ms=12.34,
    p99_ms=56.78,
    mean_batch=2.5,
    last_error="edge:8001: Socket closed",
    last_reasons={Outcome.EXPIRED: "the device would be [9 ms] too late"},
)


def test_the_line_holds_what_there_is() -> None:
    """Outcomes and troubles appear once they have happened, latency and batch once they are known."""
    assert live_line("press-3", NOTHING, "open").plain == "press-3 0 sent"
    expected = (
        "press-3 reconnecting 20 sent  OK 15  EXPIRED 2  lost 3  skipped 4  late 5  p50 12.3 p99 56.8 ms  batch 2.5"
    )
    assert live_line("press-3", MUCH, "reconnecting").plain == expected


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(width: int) -> None:
    """On 80 and on 120 columns no line is longer than the terminal and no number is cut."""
    console = Console(file=io.StringIO(), width=width)
    console.print(summary_table(MUCH, asked_fps=10))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    shown = (
        "20",
        "10.0 fps, asked for 10",
        "75.0 % of those sent",
        "12.3",
        "56.8",
        "2.5",
        "edge:8001: Socket closed",
        "10.0 % of those sent; the last",
    )
    assert [value for value in shown if value not in text] == []


def test_a_table_about_nothing_has_no_figures() -> None:
    """Without a single frame the figures are dashes and nothing is divided by zero."""
    console = Console(file=io.StringIO(), width=80)
    console.print(summary_table(NOTHING, asked_fps=10))
    assert isinstance(console.file, io.StringIO)
    rows = [[cell.strip() for cell in line.split("│")] for line in console.file.getvalue().splitlines() if "│" in line]
    assert {row[1]: row[2] for row in rows if row[1] in {"sent", "OK", "latency p50", "mean batch"}} == {
        "sent": "0",
        "OK": "0",
        "latency p50": "-",
        "mean batch": "-",
    }


def test_the_table_says_why_frames_were_lost() -> None:
    """The last reason of each outcome, as the server wrote it."""
    console = Console(file=io.StringIO(), width=120)
    console.print(summary_table(MUCH, asked_fps=10))
    assert isinstance(console.file, io.StringIO)
    assert "10.0 % of those sent; the last one: the device would be [9 ms] too late" in console.file.getvalue()
