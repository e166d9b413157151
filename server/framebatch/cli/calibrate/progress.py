"""How far a calibration is, on stderr: a moving line in a terminal, else one line a stage. Measures nothing."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from framebatch.calibration.sampling import median_interval
from framebatch.clock import ns_to_ms

if TYPE_CHECKING:
    from types import TracebackType

    from framebatch.calibration.points import Point
    from framebatch.calibration.sweep import Progress as Step

__all__ = ["ProgressView", "latest_text"]


class ProgressView:
    """Shows the steps of one calibration; to be entered before the first and left after the last."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        """Show nothing yet.

        Args:
            title: what is calibrated, for people.
            console: where to; default stderr.
        """
        self._title = title
        self._console = console or Console(stderr=True, highlight=False)
        self._moving = self._console.is_terminal
        self._said = ""
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[left]}", markup=False),
            TextColumn("{task.fields[latest]}", markup=False, style="cyan"),
            console=self._console,
            transient=True,
            expand=True,
            disable=not self._moving,
        )
        self._task = self._bar.add_task("starting", total=1.0, left="", latest="")

    def __repr__(self) -> str:
        return f"<ProgressView of {self._title}: {self._said or 'starting'}>"

    def __enter__(self) -> Self:
        self._console.print(Text(f"calibrating {self._title}", style="bold"), soft_wrap=True)
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, step: Step) -> None:
        """Show one step."""
        stage = f"{step.stage}, batch {step.batch}" if step.batch else step.stage
        if self._moving:
            left, latest = _left(step.left_seconds), latest_text(step.latest)
            self._bar.update(
                self._task, description=stage, completed=step.share, left=left, latest=latest, refresh=True
            )
        elif step.stage != self._said:
            self._console.print(Text(f"{step.stage}, {_left(step.left_seconds)}"), soft_wrap=True)
        self._said = step.stage


def latest_text(point: Point | None) -> str:
    """What was measured last: `batch 8: 24.1 ms ± 0.3`, or how it failed."""
    if point is None:
        return ""
    if point.failure or not point.samples_ns:
        return f"batch {point.batch} failed"
    low, high = median_interval(point.samples_ns)
    middle, half = ns_to_ms(median(point.samples_ns)), ns_to_ms((high - low) / 2)
    return f"batch {point.batch}: {middle:.{_digits(middle)}f} ms ± {half:.{_digits(middle)}f}"


def _digits(value: float) -> int:
    """How many after the point make three in all, and at least one."""
    return 3 if value < 1 else 2 if value < 10 else 1  # noqa: PLR2004 - powers of ten


def _left(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} left"
