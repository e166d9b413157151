"""From profiles to pictures: one SVG for each plot, for a page with a theme of its own, and one PNG of all of them.

matplotlib's object interface only: no display, no state that other drawings share. What is drawn lies in `plots`.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

from framebatch.calibration.report.findings import has_energy, has_memory
from framebatch.calibration.report.markup import Html, element
from framebatch.calibration.report.palette import LIGHT, with_variables
from framebatch.calibration.report.plots import draw_energy, draw_latency, draw_memory, draw_throughput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes

    from framebatch.calibration.variants import Trial

__all__ = ["Plot", "plots_of", "style", "to_png", "to_svg"]

_STYLE: Final[Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LIGHT["muted"],
    "axes.facecolor": "none",
    "axes.labelcolor": LIGHT["text"],
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 0.8,
    "legend.fontsize": 8,
    "legend.labelcolor": LIGHT["text"],
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.color": LIGHT["text"],
    "xtick.color": LIGHT["muted"],
    "xtick.labelcolor": LIGHT["text"],
    "ytick.color": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["text"],
}
_PLOT_INCHES: Final = (4.8, 3.5)
_PNG_INCHES_WIDE: Final = 11.0
_PNG_ROW_INCHES: Final = 3.8
_PNG_DPI: Final = 150
_PNG_LINE: Final = 130
_LINE_INCHES: Final = 0.2
_NO_METADATA: Final = {"Creator": None, "Date": None, "Format": None, "Type": None}


class Plot(NamedTuple):
    """One picture of a report."""

    name: str
    """One lower-case word, for identifiers."""
    title: str
    draw: Callable[[Axes, Sequence[Trial]], None]


_LATENCY: Final = Plot("latency", "Latency", draw_latency)
_THROUGHPUT: Final = Plot("throughput", "Throughput", draw_throughput)
_MEMORY: Final = Plot("memory", "Memory", draw_memory)
_ENERGY: Final = Plot("energy", "Energy", draw_energy)


def plots_of(trials: Sequence[Trial]) -> list[Plot]:
    """Which pictures these trials give: memory and energy where any of them knows it.

    Args:
        trials: at least one with a profile.
    """
    profiles = [trial.profile for trial in trials if trial.profile is not None]
    plots = [_LATENCY, _THROUGHPUT]
    plots += [_MEMORY] if any(map(has_memory, profiles)) else []
    return plots + ([_ENERGY] if any(map(has_energy, profiles)) else [])


def to_svg(plot: Plot, trials: Sequence[Trial], *, label: str) -> str:
    """Draw one plot as an `svg` element whose colours are the page's custom properties, and its fonts the page's.

    The same trials always give the same text.

    Args:
        plot: which.
        trials: of what.
        label: what the picture shows, for those who do not see it; any text.
    """
    with style({"svg.hashsalt": plot.name}):
        figure = Figure(figsize=_PLOT_INCHES, layout="constrained")
        plot.draw(figure.add_subplot(), trials)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata=_NO_METADATA)
    return _inlined(written.getvalue(), plot.name, label)


def _inlined(svg: str, name: str, label: str) -> str:
    """Take what only a file of its own needs off an SVG, and keep its identifiers apart from those of others."""
    inner = svg[svg.index("<defs>") : svg.rindex("</svg>")]
    size = re.search(r'viewBox="([^"]*)"', svg)
    inner = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", inner.replace("xlink:href", "href"))
    inner = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", inner)
    inner = re.sub(r"<!--.*?-->\n?", "", inner, flags=re.DOTALL)
    box = size[1] if size else "0 0 1 1"
    return element("svg", Html(with_variables(inner)), viewBox=box, role="img", aria_label=label)


def to_png(trials: Sequence[Trial], *, title: str, words: str) -> bytes:
    """Draw all plots into one picture on white, with a title and words above them.

    Args:
        trials: of what.
        title: one line.
        words: any length; broken into lines.
    """
    plots = plots_of(trials)
    together = words.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = "\n".join(fill(part, _PNG_LINE) for part in together.split("\n"))
    rows = (len(plots) + 1) // 2
    top = _LINE_INCHES * (lines.count("\n") + 4)
    with style({"figure.facecolor": LIGHT["ground"], "savefig.facecolor": LIGHT["ground"]}):
        figure = Figure(figsize=(_PNG_INCHES_WIDE, rows * _PNG_ROW_INCHES + top), dpi=_PNG_DPI, layout="constrained")
        parts: Any = figure.subfigures(2, 1, height_ratios=[top, rows * _PNG_ROW_INCHES])
        head, body = parts
        head.text(0.01, 0.9, title, va="top", fontsize=15)
        head.text(0.01, 0.9 - 1.7 * _LINE_INCHES / top, lines, va="top", fontsize=10, linespacing=1.4)
        grid = body.add_gridspec(rows, 2)
        for number, plot in enumerate(plots):
            wide = number == 0 and len(plots) % 2 == 1
            place = number if len(plots) % 2 == 0 else number + 1
            axes = body.add_subplot(grid[0, :] if wide else grid[place // 2, place % 2])
            plot.draw(axes, trials)
            axes.set_title(plot.title, loc="left")
        written = io.BytesIO()
        figure.savefig(written, format="png")
    return written.getvalue()


@contextlib.contextmanager
def style(changes: dict[str, Any]) -> Iterator[None]:
    """Draw in the house's style, with changes to matplotlib's settings; signs that the font does not have become boxes, without a word about each."""
    with mpl.rc_context(_STYLE | changes), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
