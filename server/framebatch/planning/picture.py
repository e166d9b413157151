"""A picture of a plan: misses and latency over the number of cameras, one line for each device. Simulates nothing.

Colours, markers and fonts are those of calibration reports, on white.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from framebatch.calibration.report.drawing import style
from framebatch.calibration.report.palette import LIGHT, MARKERS, SERIES
from framebatch.clock import ns_to_ms
from framebatch.errors import UsageError
from framebatch.planning.evidence import MISSES
from framebatch.planning.fleet import Trigger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from framebatch.planning.evidence import Evidence
    from framebatch.planning.plan import Curve, Plan

__all__ = ["draw", "write_picture"]

INCHES: Final = (10.0, 4.4)
DPI: Final = 150
MOST_MISSES: Final = 0.1
"""Beyond, one plan is as bad as another."""
ABOVE: Final = 1.12
TRIGGERS: Final = {
    Trigger.FREE: "free-running cameras",
    Trigger.SYNC: "cameras on one trigger",
    Trigger.BURST: "cameras triggered by passing parts",
}
RING: Final[dict[str, Any]] = {
    "marker": "o",
    "linestyle": "none",
    "markersize": 13,
    "markerfacecolor": "none",
    "markeredgewidth": 2,
}


def write_picture(plan: Plan, path: Path) -> None:
    """Draw into a file; the same plan always gives the same picture.

    Args:
        plan: with its curves.
        path: ends in .png or .svg.

    Raises:
        UsageError: it cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    written = io.BytesIO()
    changes = {"figure.facecolor": LIGHT["ground"], "savefig.facecolor": LIGHT["ground"], "svg.hashsalt": "plan"}
    with style(changes):
        draw(plan).savefig(written, format=kind, metadata={"Date": None} if kind == "svg" else None)
    try:
        path.write_bytes(written.getvalue())
    except OSError as error:
        raise UsageError(f"--picture {path} cannot be written: {error.strerror}; give another path") from error


def draw(plan: Plan) -> Figure:
    """Two plots side by side: misses with the line at 1 %, and latency with the deadline."""
    fleet = plan.wanted.setting.fleet
    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    _lines(left, plan, lambda evidence: evidence.figures.miss_rate * 100)
    left.set_ylim(0, MOST_MISSES * 100)
    left.set_title("Frames missed", loc="left")
    left.set_ylabel("% of all frames")
    _limit(left, MISSES * 100, f"{MISSES:.0%}")
    _lines(right, plan, lambda evidence: evidence.figures.p99_ms)
    right.set_ylim(0, ns_to_ms(fleet.deadline_ns) * ABOVE)
    right.set_title("Latency of the answers in time, 99th percentile", loc="left")
    right.set_ylabel("ms from picture to answer")
    _limit(right, ns_to_ms(fleet.deadline_ns), "deadline")
    for axes in (left, right):
        axes.set_xlim(0, max((number for curve in plan.curves for number, _ in curve.points), default=1))
        axes.set_xlabel("cameras")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
        axes.grid(visible=True, axis="y")
    what = f"{fleet.fps:g} frames/s each, answered within {ns_to_ms(fleet.deadline_ns):g} ms, {TRIGGERS[fleet.trigger]}"
    figure.suptitle(f"How many cameras are carried: {what} (simulated)", x=0.01, ha="left", fontsize=11)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, max(1, len(labels))), frameon=False)
    return figure


def _lines(axes: Axes, plan: Plan, height: Callable[[Evidence], float]) -> None:
    """Each device's curve, with a ring around its capacity."""
    for place, curve in enumerate(plan.curves):
        colour, marker = LIGHT[SERIES[place % len(SERIES)]], MARKERS[place % len(MARKERS)]
        cameras = curve.named.capacity.cameras
        sizes = [number for number, _ in curve.points]
        heights = [height(evidence) for _, evidence in curve.points]
        label = f"{curve.named.label}: {'none' if not cameras else cameras}"
        axes.plot(sizes, heights, marker, linestyle="-", color=colour, label=label)
        if cameras:
            _mark(axes, curve, height, LIGHT["mark"] if len(plan.curves) == 1 else colour)


def _mark(axes: Axes, curve: Curve, height: Callable[[Evidence], float], colour: str) -> None:
    cameras = curve.named.capacity.cameras
    value = dict(curve.points)[cameras]
    axes.plot(cameras, height(value), color=colour, clip_on=False, **RING)
    axes.annotate(
        f"{cameras} cameras", (cameras, height(value)), xytext=(-11, 8), ha="right", va="bottom",
        textcoords="offset points", color=colour,
    )  # fmt: skip


def _limit(axes: Axes, value: float, words: str) -> None:
    axes.axhline(value, color=LIGHT["muted"], linestyle="--", linewidth=1.2)
    axes.annotate(
        words, (0.015, value), xycoords=("axes fraction", "data"), va="bottom",
        xytext=(0, 2), textcoords="offset points", color=LIGHT["muted"],
    )  # fmt: skip
