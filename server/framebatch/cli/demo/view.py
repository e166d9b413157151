"""What the demo shows while it runs and when it is done. Renders values; measures nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from framebatch_client import StreamStats

__all__ = ["live_view", "summary_view"]

REFUSALS: Final = ("EXPIRED", "SUPERSEDED", "REJECTED", "INVALID", "FAILED")
BEHIND: Final = 1.1
"""Beyond so many times the planned duration the figures are of another load than was asked for."""


def live_view(
    title: str, watch: str, cameras: Mapping[str, StreamStats], *, elapsed: float, seconds: float
) -> RenderableType:
    """What is played, where else it can be watched, and one row a camera."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("camera", no_wrap=True)
    for name in ("sent", "fps", "OK", "late/refused", "batch", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for camera, stats in cameras.items():
        table.add_row(camera, *_cells(stats))
    bar = _progress(elapsed, seconds)
    return Group(Text(title, style="bold", overflow="ellipsis", no_wrap=True), Text(watch, style="dim"), bar, table)


def _cells(stats: StreamStats) -> Sequence[RenderableType]:
    answered = {outcome.value: number for outcome, number in stats.answered.items()}
    refused = sum(answered[name] for name in REFUSALS)
    return (
        str(stats.sent),
        _number(stats.sent_fps, 1),
        Text(str(answered["OK"]), style="green"),
        Text(str(refused), style="yellow" if refused else "dim"),
        _number(stats.mean_batch, 1),
        _number(stats.p50_ms, 1),
        _number(stats.p99_ms, 1),
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _progress(elapsed: float, seconds: float) -> Text:
    width = 40
    done = min(width, round(width * elapsed / seconds))
    return Text.assemble(
        ("━" * done, "cyan"),
        ("━" * (width - done), "bright_black"),
        (f" {min(elapsed, seconds):.0f} of {seconds:.0f} s", "dim"),
    )


def summary_view(summary: Mapping[str, Any], *, pictures: Sequence[str], target: str) -> RenderableType:
    """The figures of `demo-summary.json`, for people."""
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    outcomes = Text()
    for name, number in summary["outcomes"].items():
        if number or name == "OK":
            outcomes.append(f"{name} {number}  ", style="green" if name == "OK" else "yellow")
    accounted = summary["unaccounted"] == 0
    table.add_row("device", summary["device"])
    table.add_row("model", summary["model"])
    table.add_row(
        "frames",
        Text.assemble(
            f"{summary['frames_sent']} sent by {summary['cameras']} cameras, {summary['answered']} answered, ",
            (f"{summary['unaccounted']} unaccounted for", "green" if accounted else "bold red"),
        ),
    )
    table.add_row("outcomes", outcomes)
    table.add_row(
        "goodput", f"{summary['goodput_fps']:.1f} frames/s with detections within {summary['deadline_ms']:g} ms"
    )
    table.add_row("latency", f"p50 {_number(summary['p50_ms'], 1)} ms, p99 {_number(summary['p99_ms'], 1)} ms")
    table.add_row("batch", f"{_number(summary['mean_batch'], 2)} frames a device run")
    table.add_row(
        "against truth",
        f"precision {_number(summary['precision'], 3)}, recall {_number(summary['recall'], 3)} (IoU 0.5, simulated scene)",
    )
    table.add_row(
        "written", f"{target}" + (f", {len(pictures)} annotated pictures beside {pictures[0]}" if pictures else "")
    )
    behind = summary["streamed_seconds"] / summary["seconds"]
    if behind > BEHIND:
        table.add_row(
            "too slow",
            Text(
                f"this machine took {summary['streamed_seconds']:.1f} s to draw and send what was due in "
                f"{summary['seconds']:g} s: these figures are of {summary['fps'] / behind:.1f} frames/s a camera",
                style="yellow",
            ),
        )
    title = f"{summary['cameras']} cameras x {summary['fps']:g} fps, {summary['seconds']:g} s"
    return Group(Text(title, style="bold"), table)
