"""framebatch.cli.plan.progress: what is seen while a plan is made."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from framebatch.cli.plan.progress import PlanProgress


def shown(*, terminal: bool) -> str:
    """What a console receives."""
    console = Console(file=StringIO(), force_terminal=terminal, width=80, highlight=False)
    with PlanProgress(console) as progress:
        progress("29 cameras", 0.0)
        progress("other cases", 0.5)
        assert repr(progress) == "<PlanProgress other cases, 50 %>"
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_nothing_is_said_where_nobody_watches() -> None:
    """Neither text nor control characters."""
    assert shown(terminal=False) == ""


def test_in_a_terminal_one_line_moves() -> None:
    """It says what is simulated."""
    assert "simulating 29 cameras" in shown(terminal=True)
    assert "simulating other cases" in shown(terminal=True)
