"""The curve of a profile for terminals: a table with a row for each batch size, and two small pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from framebatch.cli.profile.plot import bar, columns
from framebatch.cli.profile.units import bytes_text, digits_for, ms_text, precision_of
from framebatch.clock import ns_to_ms

if TYPE_CHECKING:
    from rich.console import RenderableType

    from framebatch.profile import Bucket, Profile

__all__ = ["curve_pictures", "curve_table"]

_CHOSEN: Final = "bold green"
_GAP: Final = 2
_SHORTEST_BAR: Final = 6
_LONGEST_BAR: Final = 24
_PICTURES_GAP: Final = 4
_HEADINGS: Final = ("batch", "median ms", "", "p95", "p99", "n", "frames/s")


def curve_table(profile: Profile, width: int) -> Table:
    """A row for each batch size; bars of frames a second where `width` characters leave room."""
    times = [bucket.measured.p99_ns if bucket.measured else bucket.service_ns for bucket in profile.buckets]
    digits = digits_for(max(times))
    rows = [_cells(bucket, digits) for bucket in profile.buckets]
    behind = {"memory": [_memory(bucket) for bucket in profile.buckets]}
    behind["J/frame"] = [_energy(bucket) for bucket in profile.buckets]
    behind = {heading: cells for heading, cells in behind.items() if any(cells)}
    used = sum(max(map(len, column)) + _GAP for column in zip(_HEADINGS, *rows, strict=True)) + len("▸ ")
    used += sum(max(map(len, (heading, *cells))) + _GAP for heading, cells in behind.items())
    room = width - used - _GAP
    bars = min(_LONGEST_BAR, room) if room >= _SHORTEST_BAR else 0

    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    if bars:
        table.add_column("", no_wrap=True, width=bars)
    for heading in behind:
        table.add_column(heading, justify="right", no_wrap=True)
    quickest = max(bucket.throughput_fps for bucket in profile.buckets)
    for place, bucket in enumerate(profile.buckets):
        chosen = bucket.batch == profile.choice.max_batch
        batch, *others = rows[place]
        length = Text(bar(bucket.throughput_fps / quickest, bars), style="green" if chosen else "cyan")
        table.add_row(
            f"▸ {batch}" if chosen else batch,
            *others,
            *([length] if bars else []),
            *(cells[place] for cells in behind.values()),
            style=_CHOSEN if chosen else "",
        )
    return table


def curve_pictures(profile: Profile, width: int) -> RenderableType:
    """Latency and throughput over the batch size, side by side where `width` characters suffice."""
    labels = [str(bucket.batch) for bucket in profile.buckets]
    marked = [bucket.batch for bucket in profile.buckets].index(profile.choice.max_batch)
    latency = [ns_to_ms(bucket.service_ns) for bucket in profile.buckets]
    throughput = [bucket.throughput_fps for bucket in profile.buckets]
    left = columns("latency in ms, by batch", latency, labels, marked=marked, style="magenta")
    right = columns("frames a second, by batch", throughput, labels, marked=marked, style="cyan")
    if max(map(len, left.plain.splitlines())) + _PICTURES_GAP + max(map(len, right.plain.splitlines())) > width:
        return Text("\n\n").join((left, right))
    grid = Table.grid(padding=(0, _PICTURES_GAP, 0, 0))
    grid.add_row(left, right)
    return grid


def _cells(bucket: Bucket, digits: int) -> tuple[str, ...]:
    """What stands under `_HEADINGS`."""
    measured = bucket.measured
    throughput = f"{bucket.throughput_fps:.1f}"
    if measured is None:
        return (str(bucket.batch), ms_text(bucket.service_ns, digits), "fitted", "", "", "", throughput)
    return (
        str(bucket.batch),
        ms_text(measured.median_ns, digits),
        f"±{precision_of(measured):.1%}",
        ms_text(measured.p95_ns, digits),
        ms_text(measured.p99_ns, digits),
        str(measured.n),
        throughput,
    )


def _memory(bucket: Bucket) -> str:
    taken = bucket.measured.memory_bytes if bucket.measured is not None else None
    return "" if taken is None else bytes_text(taken)


def _energy(bucket: Bucket) -> str:
    spent = bucket.measured.energy_joules_per_frame if bucket.measured is not None else None
    return "" if spent is None else f"{spent:.3g}"
