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
MARGIN: Final = 1.02
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
    deadline_ms = ns_to_ms(fleet.deadline_ns)
    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    _prepare(left, plan, "Frames missed", "% of all frames", MOST_MISSES * 100)
    _limit(left, MISSES * 100, f"{MISSES:.0%}")
    _prepare(right, plan, "Latency, 99th percentile", "ms from picture to answer in time", deadline_ms * ABOVE)
    _limit(right, deadline_ms, "deadline")
    for place, curve in enumerate(plan.curves):
        _draw(left, place, curve, lambda evidence: evidence.figures.miss_rate * 100)
        _draw(right, place, curve, lambda evidence: evidence.figures.p99_ms)
        _number(left, place, curve)
    if len(plan.curves) == 1 and plan.curves[0].points:
        _medians(right, plan.curves[0])
    what = f"{fleet.fps:g} frames/s each, answered within {deadline_ms:g} ms, {TRIGGERS[fleet.trigger]}"
    figure.suptitle(f"How many cameras are carried: {what} (simulated)", x=0.01, ha="left", fontsize=11)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, max(1, len(labels))), frameon=False)
    return figure


def _prepare(axes: Axes, plan: Plan, title: str, unit: str, most: float) -> None:
    largest = max((number for curve in plan.curves for number, _ in curve.points), default=1)
    axes.set_xlim(0, largest * MARGIN)
    axes.set_ylim(0, most)
    axes.set_title(title, loc="left")
    axes.set_xlabel("cameras")
    axes.set_ylabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=(1, 2, 5, 10)))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    axes.grid(visible=True, axis="y")


def _draw(axes: Axes, place: int, curve: Curve, height: Callable[[Evidence], float]) -> None:
    """A line, points where it is within the axes, and a ring around the capacity."""
    colour, cameras = LIGHT[SERIES[place % len(SERIES)]], curve.named.capacity.cameras
    points = [(number, height(evidence)) for number, evidence in curve.points]
    top = axes.get_ylim()[1]
    seen = [point for point in points if point[1] <= top]
    axes.plot([number for number, _ in points], [value for _, value in points], color=colour)
    axes.plot(
        [number for number, _ in seen], [value for _, value in seen], MARKERS[place % len(MARKERS)], color=colour,
        label=f"{curve.named.label}: {cameras or 'no'} {'camera' if cameras == 1 else 'cameras'}", clip_on=False,
    )  # fmt: skip
    if cameras:
        axes.plot(cameras, dict(points)[cameras], color=LIGHT["mark"], clip_on=False, **RING)


def _number(axes: Axes, place: int, curve: Curve) -> None:
    """The capacity, where the curve crosses the line."""
    cameras = curve.named.capacity.cameras
    if cameras:
        axes.annotate(
            str(cameras), (cameras, MISSES * 100), xytext=(-5, 3), ha="right", va="bottom", fontweight="bold",
            textcoords="offset points", color=LIGHT[SERIES[place % len(SERIES)]],
        )  # fmt: skip


def _medians(axes: Axes, curve: Curve) -> None:
    points = [(number, evidence.figures.p50_ms) for number, evidence in curve.points]
    axes.plot([number for number, _ in points], [value for _, value in points], ":", color=LIGHT[SERIES[0]])
    axes.annotate(
        "median", points[-1], xytext=(0, -5), ha="right", va="top",
        textcoords="offset points", color=LIGHT[SERIES[0]],
    )  # fmt: skip


def _limit(axes: Axes, value: float, words: str) -> None:
    axes.axhline(value, color=LIGHT["muted"], linestyle="--", linewidth=1.2)
    axes.annotate(
        words, (0.015, value), xycoords=("axes fraction", "data"), va="bottom",
        xytext=(0, 2), textcoords="offset points", color=LIGHT["muted"],
    )  # fmt: skip
