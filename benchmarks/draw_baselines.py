"""Draw how much of what is possible each policy reaches, as bars: framebatch and the baselines on the same runs.

draw_baselines.py --suite DIR --fuzz N --out policies.svg (or .png); one group of bars for each set of runs
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from bench_policy import OURS, played
from fuzzed import fuzzed
from matplotlib.figure import Figure
from policy_tables import share
from traces import read_suite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

INK: Final = "#1f2933"
FAINT: Final = "#d5dbe1"
OWN: Final = ("#0b6e4f", "#7fc8a9")
OTHERS: Final = ("#52606d", "#b3bcc5")
"""Colours of the first and of the second set of runs."""
THICK: Final = 0.38
DPI: Final = 100

Means = dict[str, float]


def means(runs: Mapping[str, list[float]]) -> Means:
    """By policy, in %."""
    return {name: 100 * fmean(shares) for name, shares in runs.items()}


def draw(sets: Sequence[tuple[str, Means]]) -> Figure:
    """One bar for each policy and set of runs, the best policy of the first set on top."""
    names = sorted(sets[0][1], key=lambda name: sets[0][1][name])
    figure = Figure(figsize=(8, 0.8 + 0.4 * len(names)), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    for index, (_, reached) in enumerate(sets):
        offset = (0.5 - index) * THICK if len(sets) == 2 else 0.0
        for at, name in enumerate(names):
            colours = OWN if name.startswith(OURS) else OTHERS
            axes.barh(at + offset, reached[name], THICK, color=colours[index])
            axes.text(reached[name] + 0.6, at + offset, f"{reached[name]:.1f}", va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(names)), names)
    _dress(axes)
    axes.set_xlabel("mean share of the clairvoyant optimum, %" + _legend(sets))
    return figure


def _legend(sets: Sequence[tuple[str, Means]]) -> str:
    if len(sets) == 1:
        return f": {sets[0][0]}"
    return f"\ndark: {sets[0][0]}; light: {sets[1][0]}"


def _dress(axes: Axes) -> None:
    axes.set_xlim(0, 108)
    axes.set_xticks(range(0, 101, 20))
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=FAINT)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, metavar="DIR", help="folder of traces, *.json.gz")
    parser.add_argument("--fuzz", type=int, metavar="N", help="as many random runs")
    parser.add_argument("--seed", type=int, default=1, help="of --fuzz")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    wanted = parser.parse_args(arguments)
    runs = []
    if wanted.suite:
        runs.append(("traces", list(read_suite(wanted.suite))))
    if wanted.fuzz:
        runs.append(("random runs", list(fuzzed(wanted.fuzz, seed=wanted.seed, shortest=2))))
    if not runs or not all(traces for _, traces in runs):
        parser.error("say what to run: --suite DIR with *.json.gz in it, --fuzz N, or both")
    sets = []
    for name, traces in runs:
        shares = {policy: [share(each) for each in outcomes] for policy, outcomes in played(traces).items()}
        sets.append((f"{len(traces)} {name}", means(shares)))
    with mpl.rc_context({"font.size": 11, "svg.hashsalt": "framebatch"}):
        draw(sets).savefig(wanted.out, metadata={"Date": None} if wanted.out.suffix == ".svg" else None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
