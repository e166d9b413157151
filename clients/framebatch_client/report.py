"""What ``framebatch-camera`` shows: a JSON line per answer, a line while it runs, a table at the end.

Only turning values into text belongs here; nothing is printed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from framebatch_client.answer import Outcome

if TYPE_CHECKING:
    from framebatch_client.answer import Answer
    from framebatch_client.statistics import StreamStats

_COLOURS = {Outcome.OK: "green", Outcome.INVALID: "red", Outcome.FAILED: "red"}


def json_line(answer: Answer) -> str:
    """One answer as one line of JSON, without the line's end; times in seconds but for ``latency_ms``."""
    timing = answer.timing
    return json.dumps(
        {
            "sequence": answer.sequence,
            "camera": answer.camera,
            "outcome": answer.outcome,
            "reason": answer.reason,
            "detections": [
                {
                    "box": [round(corner, 2) for corner in detection.box],
                    "score": round(detection.score, 4),
                    "class_id": detection.class_id,
                    "label": detection.label,
                }
                for detection in answer.detections
            ],
            "timing": {
                "decode": round(timing.decode, 6),
                "queue": round(timing.queue, 6),
                "device": round(timing.device, 6),
                "post": round(timing.post, 6),
                "total": round(timing.total, 6),
                "age": None if timing.age is None else round(timing.age, 6),
            },
            "batch_size": timing.batch_size,
            "latency_ms": round(answer.latency_seconds * 1000, 3),
        },
        ensure_ascii=False,
    )


def live_line(camera: str, stats: StreamStats, state: str) -> Text:
    """How it stands, on one line, the most telling first as narrow terminals cut the end off."""
    line = Text(overflow="ellipsis", no_wrap=True)
    line.append(f"{camera or 'camera'} ", style="bold")
    if state != "open":
        line.append(f"{state} ", style="yellow")
    line.append(f"{stats.sent} sent")
    for outcome, count in stats.answered.items():
        if count:
            line.append(f"  {outcome} {count}", style=_COLOURS.get(outcome, "yellow"))
    for name, count in (("lost", stats.lost), ("skipped", stats.skipped), ("late", stats.late)):
        if count:
            line.append(f"  {name} {count}", style="yellow")
    if stats.p50_ms is not None:
        line.append(f"  p50 {_number(stats.p50_ms)} p99 {_number(stats.p99_ms)} ms")
    if stats.mean_batch is not None:
        line.append(f"  batch {_number(stats.mean_batch)}")
    return line


def summary_table(stats: StreamStats, *, asked_fps: float) -> Table:
    """What became of all frames."""
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold", style="dim")
    table.add_row("sent", str(stats.sent), f"{_number(stats.sent_fps)} fps, asked for {asked_fps:g}")
    for outcome, count in stats.answered.items():
        if count or outcome is Outcome.OK:
            share = f"{100 * count / stats.sent:.1f} % of those sent" if stats.sent else ""
            said = Text(share)
            if outcome in stats.last_reasons:
                said.append(f"; the last one: {stats.last_reasons[outcome]}")
            table.add_row(Text(outcome, style=_COLOURS.get(outcome, "yellow")), str(count), said)
    table.add_section()
    table.add_row("latency p50", _number(stats.p50_ms), "ms, from sending to an OK answer")
    table.add_row("latency p99", _number(stats.p99_ms), "ms")
    table.add_row("mean batch", _number(stats.mean_batch), "frames in one device run")
    table.add_section()
    table.add_row("lost", str(stats.lost), "sent, but the connection went before the answer")
    table.add_row("skipped", str(stats.skipped), "due while there was no connection")
    table.add_row("late", str(stats.late), "sent more than half a period after they were due")
    table.add_row("reconnects", str(stats.reconnects), Text(stats.last_error))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
