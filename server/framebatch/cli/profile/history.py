"""What `framebatch profile list` prints: the user's profiles, a block for each model in each way it was run."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from framebatch.cli.common import print_json
from framebatch.cli.profile.finding import history, id_of, shown_path, stdout
from framebatch.cli.profile.units import digits_for, kind_of, made, ms_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.profile import Conditions, Fingerprint, KeptProfile

__all__ = ["list_history"]


def list_history(*, json: bool) -> None:
    """Print the user's profiles, newest first.

    Raises:
        UsageError: there are none.
    """
    kept = history()
    if json:
        print_json([_entry(each) for each in kept])
        return
    console = stdout()
    newest = {each.path.parent: place for place, each in reversed(list(enumerate(kept)))}
    together = sorted(kept, key=lambda each: newest[each.path.parent])
    for folder, block in groupby(together, key=lambda each: each.path.parent):
        rows = list(block)
        first = rows[0].profile
        console.print(Text(f"{first.model} on {first.fingerprint.device}", style="bold"))
        console.print(Text(_way(first.fingerprint), style="dim"))
        console.print(Text(shown_path(folder), style="dim"), soft_wrap=True)
        console.print(_table(rows))
        console.print()


def _way(fingerprint: Fingerprint) -> str:
    options = [f"{name} = {value}" for name, value in fingerprint.options.items()]
    size = f"{fingerprint.input_width} x {fingerprint.input_height}"
    return ", ".join((size, fingerprint.precision, fingerprint.provider, *options))


def _table(rows: Sequence[KeptProfile]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("id", "made (UTC)", "run"):
        table.add_column(heading, no_wrap=True)
    for heading in ("max batch", "ms", "frames/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for path, profile in rows:
        chosen = profile.bucket(profile.choice.max_batch)
        table.add_row(
            id_of(path),
            made(profile.run),
            kind_of(profile.run),
            Text(str(chosen.batch), style="bold green"),
            ms_text(chosen.service_ns, digits_for(chosen.service_ns)),
            f"{chosen.throughput_fps:.1f}",
            Text(_doubts(profile.conditions), style="yellow"),
        )
    return table


def _doubts(conditions: Conditions) -> str:
    named = {"noisy": conditions.noisy, "busy": conditions.busy, "throttled": conditions.throttled}
    return ", ".join(name for name, noticed in named.items() if noticed)


def _entry(kept: KeptProfile) -> dict[str, Any]:
    profile = kept.profile
    return {
        "id": id_of(kept.path),
        "model": profile.model,
        "device": profile.fingerprint.device,
        "created": profile.run.created,
        "quick": profile.run.quick,
        "complete": profile.run.complete,
        "max_batch": profile.choice.max_batch,
        "bound_by": profile.choice.bound_by,
        "path": str(kept.path),
    }
