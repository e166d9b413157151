"""Outcomes of many runs, and tables that compare this project's policy with the baselines. Simulates nothing."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from policy_simulation import Result
from rich.table import Table
from traces import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

__all__ = ["COUNTED", "LIGHT", "Outcome", "grouped", "latency_ratios", "percent", "print_comparison", "share"]

COUNTED: Final = ("periodic", "sync", "bursty")
"""Families whose mean is the headline: service times as told, one speed."""
EVEN: Final = ("periodic", "sync")
"""Families in which all cameras send as much, so that fairness is the policy's."""
LIGHT: Final = 0.8
"""Loads for which latency is compared."""
REFERENCE: Final = "eager"
"""The rule that never waits."""
MOST_SLOWER: Final = 1.05
"""Our median latency may be so many times that of the reference."""
ROWS: Final = 40
"""Runs that a table lists at most."""
CLOSE: Final = 0.1
"""Differences below so many points are counted, not listed."""

Outcome = tuple[Trace, Result]


def share(outcome: Outcome) -> float:
    """Of the clairvoyant optimum."""
    trace, result = outcome
    return result.good / max(1, trace.clairvoyant)


def grouped(outcomes: Iterable[Outcome], key: Callable[[Trace], str]) -> dict[str, list[Outcome]]:
    """By what `key` says of the trace, in order."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome[0]), []).append(outcome)
    return groups


def percent(values: Sequence[float]) -> str:
    """Mean and worst."""
    return f"{100 * fmean(values):.2f} / {100 * min(values):.1f}"


def latency_ratios(outcomes: Iterable[Outcome], reference: Iterable[Outcome]) -> list[tuple[Trace, float]]:
    """Median latency over that of the reference, of runs at light load in which both ran a frame."""
    return [
        (trace, mine.latency_ms(0.5) / other.latency_ms(0.5))
        for (trace, mine), (_, other) in zip(outcomes, reference, strict=True)
        if trace.load <= LIGHT and mine.latencies_ns and other.latencies_ns
    ]


def print_comparison(console: Console, played: Mapping[str, list[Outcome]]) -> None:
    """All policies beside each other, the first of them being ours; then where it loses, and where it is slow.

    Args:
        console: to print to.
        played: the same runs for each policy, by name.

    """
    names = list(played)
    ours, theirs = names[0], [name for name in names if not name.startswith(names[0])]
    _print_shares(console, played)
    _print_lost(console, played[ours], {name: played[name] for name in theirs})
    _print_latencies(console, played[ours], played[REFERENCE])


def _print_shares(console: Console, played: Mapping[str, list[Outcome]]) -> None:
    families = sorted({trace.family for outcomes in played.values() for trace, _ in outcomes})
    counted = " + ".join(family for family in COUNTED if family in families)
    table = Table(
        "",
        *families,
        counted,
        f"p50 / {REFERENCE}'s",
        "in vain %",
        "least/mean",
        title="% of the optimum, mean / worst",
    )
    for name, outcomes in played.items():
        groups = grouped(outcomes, lambda trace: trace.family)
        shares = [percent([share(each) for each in groups[family]]) for family in families]
        shares.append(percent([share(each) for each in outcomes if each[0].family in COUNTED]))
        table.add_row(name, *shares, _slower(outcomes, played[REFERENCE]), _in_vain(outcomes), _fairness(outcomes))
    console.print(table)
    console.print(
        f"p50: mean / worst over runs at loads up to {LIGHT}. In vain: of the frames that were run, those that were late."
        f" Least/mean: frames in time of the camera with the fewest over the mean of all, mean / worst over runs"
        f" of {' and '.join(EVEN)} cameras above load 1."
    )


def _slower(outcomes: list[Outcome], reference: list[Outcome]) -> str:
    ratios = [ratio for _, ratio in latency_ratios(outcomes, reference)]
    return f"{fmean(ratios):.2f} / {max(ratios):.2f}" if ratios else "-"


def _in_vain(outcomes: list[Outcome]) -> str:
    late = sum(result.late for _, result in outcomes)
    run = sum(len(result.latencies_ns) for _, result in outcomes)
    return f"{100 * late / max(1, run):.2f}"


def _fairness(outcomes: list[Outcome]) -> str:
    values = [result.fairness() for trace, result in outcomes if trace.load > 1 and trace.family in EVEN]
    return f"{fmean(values):.2f} / {min(values):.2f}" if values else "-"


def _print_lost(console: Console, ours: list[Outcome], theirs: Mapping[str, list[Outcome]]) -> None:
    """Runs in which another policy has more frames in time than ours."""
    rows: list[tuple[float, str, float, str]] = []
    for at, mine in enumerate(ours):
        name, best = max(((name, share(outcomes[at])) for name, outcomes in theirs.items()), key=lambda each: each[1])
        if best > share(mine):
            rows.append((100 * (best - share(mine)), mine[0].name, 100 * share(mine), f"{100 * best:.2f} {name}"))
    rows.sort(reverse=True)
    table = Table("run", "ours %", "best %", "points", title=f"another is better, in {len(rows)} of {len(ours)} runs")
    for points, name, mine_percent, text in rows[:ROWS]:
        if points >= CLOSE:
            table.add_row(name, f"{mine_percent:.2f}", text, f"{points:.2f}")
    console.print(table)
    console.print(f"and by less than {CLOSE} points in {sum(points < CLOSE for points, *_ in rows)}")


def _print_latencies(console: Console, ours: list[Outcome], reference: list[Outcome]) -> None:
    """Our median latency beside that of a rule that never waits; it is as good only where it answers as many."""
    theirs = {trace.name: result for trace, result in reference}
    mine = {trace.name: result for trace, result in ours}
    ratios = sorted(latency_ratios(ours, reference), key=lambda each: -each[1])
    alike = [ratio for trace, ratio in ratios if theirs[trace.name].good >= mine[trace.name].good]
    table = Table("run", "load", "frames", "ours p50 ms", "in time", f"{REFERENCE} p50 ms", "in time", "ratio")
    table.title = f"median latency at loads up to {LIGHT}, {len(ratios)} runs, slowest first"
    for trace, ratio in ratios[:ROWS]:
        cells: list[str] = []
        for result in (mine[trace.name], theirs[trace.name]):
            cells += [f"{result.latency_ms(0.5):.1f}", str(result.good)]
        table.add_row(trace.name, f"{trace.load:.2f}", str(len(trace.arrivals)), *cells, f"{ratio:.3f}")
    console.print(table)
    for runs, text in ((alike, f"where {REFERENCE} has as many in time"), ([ratio for _, ratio in ratios], "all")):
        above = sum(ratio > MOST_SLOWER for ratio in runs)
        console.print(f"{text}: {len(runs)} runs, {above} above {MOST_SLOWER}, worst {max(runs, default=0):.3f}")
