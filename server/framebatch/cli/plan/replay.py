"""`framebatch plan --replay`: a recording played again by the simulator, live against simulated, for people and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from framebatch.cli.common import print_json
from framebatch.cli.profile.finding import stdout
from framebatch.clock import ns_to_ms
from framebatch.planning.replay import replay
from framebatch.recording import read_recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from framebatch.planning.figures import Figures
    from framebatch.planning.replay import Apart, Replay
    from framebatch.recording import Recording

__all__ = ["document", "print_replay", "replay_command"]

_MOST_PAIRS: Final = 6


def replay_command(path: Path, *, json: bool = False, model: str = "") -> None:
    """Read, replay, print.

    Args:
        path: a folder given to `serve --record`, a recording in it, or one of its files.
        json: one JSON document instead of text.
        model: whose frames; empty: those of the model that had most.

    Raises:
        UsageError: there is no recording, no such model in it, or no frame.
    """
    recording = read_recording(path)
    played = replay(recording, model=model)
    if json:
        print_json(document(recording, played))
    else:
        print_replay(stdout(), recording, played)


def document(recording: Recording, played: Replay) -> dict[str, Any]:
    """All that was found out, as JSON."""
    model, device, host = played.recorded.model, played.device, played.host
    return {
        "created": recording.created,
        "framebatch": recording.framebatch,
        "model": model.name,
        "version": model.version,
        "device": model.device,
        "notes": list(_notes(recording, played)),
        "live": _figures(played.live),
        "simulated": _figures(played.simulated),
        "points_apart": round(played.points_apart, 3),
        "frames": [
            {"live": live, "simulated": simulated, "frames": number}
            for (live, simulated), number in played.pairs.items()
        ],
        "departures": list(played.departures),
        "second": None if played.second is None else asdict(played.second),
        "camera": None if played.camera is None else asdict(played.camera),
        "service": {
            "buckets": list(device.table.buckets),
            "service_ms": [ns_to_ms(each) for each in device.table.service_ns],
            "sigma": round(device.sigma, 4),
        },
        "host_ms": {
            "before": round(ns_to_ms(host.before.mean_ns), 3),
            "after": round(ns_to_ms(host.after.mean_ns), 3),
            "decode": round(ns_to_ms(host.decode.mean_ns), 3),
        },
    }


def print_replay(console: Console, recording: Recording, played: Replay) -> None:
    """The two beside each other, how frames ended, and where reality differed; fits into 80 columns."""
    model = played.recorded.model
    console.print(
        Text(f"{model.name} {model.version} on {model.device}, recorded from {recording.created}", style="bold")
    )
    for note in _notes(recording, played):
        console.print(Text(note, style="dim"))
    console.print()
    console.print(Text(verdict(played), style="bold"), end="\n\n")
    for part in (_beside(played), _ends(played), _differences(played)):
        console.print(part)
        console.print()


def verdict(played: Replay) -> str:
    """In a sentence, how well they agree."""
    live, simulated = played.live, played.simulated
    return (
        f"Of {live.sent} frames the server answered {live.good} in time, the simulator {simulated.good}: "
        f"{abs(played.points_apart):.2f} percentage points {'more' if simulated.good > live.good else 'fewer'}."
        if live.good != simulated.good
        else f"Of {live.sent} frames the server answered {live.good} in time, and so does the simulator."
    )


def _figures(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "goodput_fps": figures.goodput_fps, "miss_rate": figures.miss_rate}


def _notes(recording: Recording, played: Replay) -> Iterator[str]:
    recorded = played.recorded
    yield f"{len(recorded.frames)} frames and {len(recorded.batches)} batches, written by framebatch {recording.framebatch}"
    if recorded.others:
        yield f"the device was shared with {', '.join(recorded.others)}, of which the simulation knows nothing"
    if recorded.versions > 1:
        yield f"{recorded.versions} versions of the model were served; the last one's table is used"
    if recorded.invalid:
        yield f"{recorded.invalid} frames with invalid pictures are left out"
    if recording.lost:
        number = "some" if recording.lost < 0 else str(recording.lost)
        yield f"{number} records are lost: what was not written down could not be played"


def _beside(played: Replay) -> Table:
    table = _table()
    for heading in ("", "frames/s", "missed", "worst", "p50 ms", "p99 ms", "batch", "busy"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, figures in (("live", played.live), ("simulated", played.simulated)):
        table.add_row(
            name,
            f"{figures.goodput_fps:.1f}",
            f"{figures.miss_rate:.2%}",
            f"{1 - figures.worst_camera:.2%}",
            f"{figures.p50_ms:.1f}",
            f"{figures.p99_ms:.1f}",
            f"{figures.mean_batch:.1f}",
            f"{figures.device_busy:.1%}",
        )
    return table


def _ends(played: Replay) -> Table:
    """How frames ended, the most frequent pairs first."""
    table = _table()
    for heading in ("live", "simulated"):
        table.add_column(heading, no_wrap=True)
    table.add_column("frames", justify="right")
    pairs = list(played.pairs.items())
    for (live, simulated), number in pairs[:_MOST_PAIRS]:
        table.add_row(live, simulated, str(number), style="" if live == simulated else "yellow")
    rest = sum(number for _, number in pairs[_MOST_PAIRS:])
    if rest:
        table.add_row("other", "", str(rest), style="dim")
    return table


def _differences(played: Replay) -> Table:
    """What reality did, and where the two are most apart: a sentence each, behind a dash."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    for sentence in (*played.departures, *_apart(played)):
        table.add_row("-", Text(sentence))
    return table


def _apart(played: Replay) -> Iterator[str]:
    if played.second is not None:
        yield f"most apart in second {played.second.name}: {_in_time(played.second)}"
    if played.camera is not None:
        yield f"most apart for camera {played.camera.name}: {_in_time(played.camera)}"


def _in_time(apart: Apart) -> str:
    return f"of {apart.sent} frames {apart.live_good} were in time live, {apart.simulated_good} simulated"


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
