"""How far a plan is, on stderr, where that is a terminal; else nothing. Simulates nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["PlanProgress"]


class PlanProgress:
    """One moving line; to be entered before the first step and left after the last."""

    def __init__(self, console: Console | None = None) -> None:
        """Show nothing yet.

        Args:
            console: where to; default stderr.
        """
        self._console = console or Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("simulating {task.description}", markup=False),
            BarColumn(bar_width=None),
            console=self._console,
            transient=True,
            expand=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=1.0)

    def __repr__(self) -> str:
        task = self._bar.tasks[0]
        return f"<PlanProgress {task.description or 'starting'}, {task.percentage:.0f} %>"

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, what: str, share: float) -> None:
        """Show what is being done, and how much of it is done already."""
        self._bar.update(self._task, description=what, completed=share, refresh=self._console.is_terminal)
