"""What `framebatch profile compare` prints. The figures and their verdict are `framebatch.profile`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from framebatch.cli.common import print_json
from framebatch.cli.profile.finding import find, shown_path, stdout
from framebatch.cli.profile.units import digits_for, kind_of, made, ms_text
from framebatch.profile.comparing import compare
from framebatch.profile.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from framebatch.profile import KeptProfile, Measurement
    from framebatch.profile.comparing import Change, Comparison

__all__ = ["compare_profiles"]

_COLOURS: Final = {"slower": "bold red", "faster": "bold green", "noise": "dim", "few": "dim", "unmeasured": "dim"}
_UNTESTED: Final = frozenset({"few", "unmeasured"})
_FIGURES: Final[dict[str, Callable[[Measurement], float | None]]] = {
    "p99": lambda measured: measured.p99_ns,
    "memory": lambda measured: measured.memory_bytes,
    "J/frame": lambda measured: measured.energy_joules_per_frame,
}
"""Figures that are not tested, by the heading under which their growth stands."""


def compare_profiles(reference: str, others: Sequence[str], *, json: bool) -> None:
    """Print what changed from the reference to each of the others.

    Raises:
        UsageError: one cannot be found or read.
    """
    first, *rest = find([reference, *others])
    pairs = [(kept, compare(first.profile, kept.profile)) for kept in rest]
    if json:
        comparisons = [{"file": str(kept.path), **_document(comparison)} for kept, comparison in pairs]
        print_json({"reference": str(first.path), "comparisons": comparisons})
        return
    console = stdout()
    for kept, comparison in pairs:
        _print_comparison(console, first, kept, comparison)


def _print_comparison(console: Console, first: KeptProfile, second: KeptProfile, comparison: Comparison) -> None:
    for name, (path, profile) in (("old", first), ("new", second)):
        what = f"{profile.model} on {profile.fingerprint.device}, {made(profile.run)} UTC, {kind_of(profile.run)}"
        console.print(Text.assemble((f"{name}  ", "dim"), (what, "bold")))
        console.print(Text(f"     {shown_path(path)}", style="dim"), soft_wrap=True)
    console.print()
    if comparison.changes:
        console.print(_table(comparison))
        console.print()
    for sentence in verdict(comparison):
        console.print(Text(sentence))
    for name, sizes in (("old", comparison.only_old), ("new", comparison.only_new)):
        if sizes:
            console.print(Text(f"Only in the {name} one: {', '.join(map(str, sizes))}.", style="dim"))
    console.print()


def _table(comparison: Comparison) -> Table:
    digits = digits_for(max(max(change.old_ns, change.new_ns) for change in comparison.changes))
    growths = {
        heading: [_growth(change, figure) for change in comparison.changes] for heading, figure in _FIGURES.items()
    }
    growths = {heading: cells for heading, cells in growths.items() if any(cells)}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("batch", "old ms", "new ms", "change", "95% interval", "verdict", *growths):
        table.add_column(heading, justify="left" if heading == "verdict" else "right", no_wrap=True)
    for place, change in enumerate(comparison.changes):
        colour = _COLOURS[change.verdict]
        table.add_row(
            str(change.batch),
            ms_text(change.old_ns, digits),
            ms_text(change.new_ns, digits),
            Text(f"{change.ratio - 1:+.1%}", style=colour),
            f"{change.low - 1:+.1%} .. {change.high - 1:+.1%}" if change.verdict not in _UNTESTED else "",
            Text(change.verdict, style=colour),
            *(cells[place] for cells in growths.values()),
        )
    return table


def _growth(change: Change, figure: Callable[[Measurement], float | None]) -> str:
    if change.old.measured is None or change.new.measured is None:
        return ""
    old, new = figure(change.old.measured), figure(change.new.measured)
    return f"{new / old - 1:+.1%}" if old and new else ""


def _document(comparison: Comparison) -> dict[str, Any]:
    return {
        "differences": [each._asdict() for each in comparison.differences],
        "noise_up_to": comparison.floor,
        "buckets": [
            {
                "batch": change.batch,
                "old_ns": change.old_ns,
                "new_ns": change.new_ns,
                "ratio": change.ratio,
                "low": change.low,
                "high": change.high,
                "p": change.p,
                "verdict": change.verdict,
            }
            for change in comparison.changes
        ],
        "only_old": list(comparison.only_old),
        "only_new": list(comparison.only_new),
        "max_batch": {"old": comparison.old.choice.max_batch, "new": comparison.new.choice.max_batch},
        "text": verdict(comparison),
    }
