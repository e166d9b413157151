"""What `framebatch plan` prints for people; it fits into 80 columns. The figures and sentences are `framebatch.planning`'s."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from framebatch.cli.plan.sentences import assumptions, binding, question, verdict
from framebatch.clock import ns_to_ms

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from framebatch.planning.evidence import Evidence
    from framebatch.planning.plan import Cell, Named, Plan

__all__ = ["print_plan"]

_LEGEND: Final = "worst: missed of one camera; batch: mean, in frames; busy: the device runs"
_LEGEND_BEST: Final = "at best: frames a second in batches of the best size, whatever the deadline"


def print_plan(console: Console, plan: Plan, picture: Path | None = None) -> None:
    """Print all that a plan says, and where its picture lies."""
    console.print(Text(question(plan.wanted.setting), style="bold"))
    console.print(Text(assumptions(plan.wanted.setting), style="dim"), end="\n\n")
    good = plan.capacity.cameras >= (plan.wanted.cameras or 1)
    console.print(Text(verdict(plan), style="bold green" if good else "bold yellow"), end="\n\n")
    if plan.near:
        console.print(_near(plan))
        console.print(Text(_LEGEND, style="dim"), end="\n\n")
    if plan.bound_by:
        console.print(Text(binding(plan)), end="\n\n")
    for advice in plan.advice:
        console.print(_item(advice.text, console.width))
    if plan.advice:
        console.print()
    if plan.cells:
        console.print(Text("Cameras by deadline and rate", style="bold"))
        console.print(_cells(plan.cells, plan.wanted.setting.fleet.deadline_ns, plan.wanted.setting.fleet.fps))
        console.print()
    if plan.compared:
        console.print(Text("Devices, with the same cameras", style="bold"))
        console.print(_compared(plan.compared))
        console.print(Text(_LEGEND_BEST, style="dim"), end="\n\n")
    if picture is not None:
        console.print(Text.assemble(("picture written to ", "dim"), str(picture)), soft_wrap=True)


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")


def _item(text: str, width: int) -> Text:
    """A sentence with a dash before it, and all its lines behind that."""
    return Text(fill(text, width, initial_indent="- ", subsequent_indent="  "))


def _near(plan: Plan) -> Table:
    table = _table()
    for heading in ("cameras", "missed", "worst", "p50 ms", "p99 ms", "batch", "busy"):
        table.add_column(heading, justify="right", no_wrap=True)
    marks = {plan.capacity.cameras: ("▸ ", "bold green")}
    if plan.wanted.cameras is not None and plan.wanted.cameras not in marks:
        marks[plan.wanted.cameras] = ("? ", "bold")
    for cameras, evidence in plan.near:
        mark, style = marks.get(cameras, ("", ""))
        table.add_row(f"{mark}{cameras}", *_figures(evidence), style=style)
    return table


def _figures(evidence: Evidence) -> tuple[str, ...]:
    figures = evidence.figures
    return (
        f"{figures.miss_rate:.1%}",
        f"{1 - figures.worst_camera:.0%}",
        f"{figures.p50_ms:.1f}",
        f"{figures.p99_ms:.1f}",
        f"{figures.mean_batch:.1f}",
        f"{figures.device_busy:.0%}",
    )


def _cells(cells: tuple[Cell, ...], deadline_ns: int, fps: float) -> Table:
    """A line for each deadline, a column for each rate; what was asked about stands out."""
    table = _table()
    table.add_column("deadline", justify="right", no_wrap=True)
    rates = list(dict.fromkeys(cell.fps for cell in cells))
    for rate in rates:
        table.add_column(f"{rate:g} fps", justify="right", no_wrap=True)
    for number, first in enumerate(cells[:: len(rates)]):
        row = cells[number * len(rates) : (number + 1) * len(rates)]
        numbers = [
            Text(str(cell.cameras), style="bold green" if (cell.deadline_ns, cell.fps) == (deadline_ns, fps) else "")
            for cell in row
        ]
        table.add_row(f"{ns_to_ms(first.deadline_ns):g} ms", *numbers)
    return table


def _compared(every: tuple[Named, ...]) -> Table:
    table = _table()
    table.add_column("device", overflow="fold")
    for heading in ("cameras", "p50 ms", "p99 ms", "batch", "at best"):
        table.add_column(heading, justify="right", no_wrap=True)
    for place, each in enumerate(every):
        evidence = each.capacity.evidence
        cells = ("-", "-", "-") if evidence is None else _figures(evidence)[2:5]
        best = f"{each.setting.limit_fps:,.0f}/s"
        style = "bold green" if place == 0 else ""
        table.add_row(each.label, str(each.capacity.cameras), *cells, best, style=style)
    return table
