"""Outcomes of many runs, and tables that compare this project's policy with the baselines. Simulates nothing."""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from policy_simulation import Result
from rich.table import Table
from traces import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

__all__ = [
    "COUNTED",
    "LIGHT",
    "Outcome",
    "grouped",
    "latency_ratios",
    "median_ms",
    "percent",
    "print_comparison",
    "share",
]

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


def median_ms(result: Result) -> float:
    """Of the frames that were run, at least one; the mean of the middle two, which a few cameras can set far apart."""
    return median(result.latencies_ns) / 1e6


def latency_ratios(outcomes: Iterable[Outcome], reference: Iterable[Outcome]) -> list[tuple[Trace, float]]:
    """Median latency over that of the reference, of runs at light load in which both ran a frame."""
    return [
        (trace, median_ms(mine) / median_ms(other))
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
    _print_shares(console, played, ours)
    _print_lost(console, played[ours], {name: played[name] for name in theirs})
    _print_latencies(console, played[ours], {name: played[name] for name in theirs})


def _print_shares(console: Console, played: Mapping[str, list[Outcome]], ours: str) -> None:
    families = sorted({trace.family for outcomes in played.values() for trace, _ in outcomes})
    table = Table(
        "",
        *families,
        "all",
        f"> {ours} <",
        f"p50 / {REFERENCE}'s",
        "in vain %",
        "least/mean",
        title="% of the optimum, mean / worst",
    )
    for name, outcomes in played.items():
        groups = grouped(outcomes, lambda trace: trace.family)
        shares = [percent([share(each) for each in groups[family]]) for family in families]
        shares.append(percent([share(each) for each in outcomes]))
        table.add_row(
            name,
            *shares,
            _duels(outcomes, played[ours]),
            _slower(outcomes, played[REFERENCE]),
            _in_vain(outcomes),
            _fairness(outcomes),
        )
    console.print(table)
    console.print(
        f"> {ours} <: in so many runs more, and fewer, frames in time than ours. p50: mean / worst over runs at loads up to {LIGHT}. In vain: of the frames that were run, those that were late."
        f" Least/mean: frames in time of the camera with the fewest over the mean of all, mean / worst over runs"
        f" of {' and '.join(EVEN)} cameras above load 1."
    )


def _duels(outcomes: list[Outcome], ours: list[Outcome]) -> str:
    differences = [its.good - mine.good for (_, its), (_, mine) in zip(outcomes, ours, strict=True)]
    return f"{sum(each > 0 for each in differences)} / {sum(each < 0 for each in differences)}"


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
        table.add_row(name, f"{mine_percent:.2f}", text, f"{points:.2f}")
    console.print(table)


def _print_latencies(console: Console, ours: list[Outcome], theirs: Mapping[str, list[Outcome]]) -> None:
    """Our median latency, beside that of the rule that never waits and of the quickest rule with as many in time."""
    ratios = sorted(latency_ratios(ours, theirs[REFERENCE]), key=lambda each: -each[1])
    at = {trace.name: index for index, (trace, _) in enumerate(ours)}
    table = Table("run", "load", "sent", "ours p50 ms", "in time", REFERENCE, "in time", "ratio", "as good", "ratio")
    table.title = f"median latency at loads up to {LIGHT}, {len(ratios)} runs, slowest first"
    alike: list[float] = []
    as_good: list[float] = []
    for trace, ratio in ratios:
        mine = ours[at[trace.name]][1]
        others = {name: outcomes[at[trace.name]][1] for name, outcomes in theirs.items()}
        good = [(median_ms(each), name) for name, each in others.items() if each.good >= mine.good]
        quickest_ms, name = min(good, default=(0.0, "none"))
        if name != "none":
            as_good.append(median_ms(mine) / quickest_ms)
        if others[REFERENCE].good >= mine.good:
            alike.append(ratio)
        if len(table.rows) < ROWS:
            cells: list[str] = []
            for result in (mine, others[REFERENCE]):
                cells += [f"{median_ms(result):.1f}", str(result.good)]
            last = (f"{quickest_ms:.1f} {name}", f"{as_good[-1]:.3f}") if name != "none" else (name, "")
            table.add_row(trace.name, f"{trace.load:.2f}", str(len(trace.arrivals)), *cells, f"{ratio:.3f}", *last)
    console.print(table)
    for values, text in (
        ([ratio for _, ratio in ratios], f"of {REFERENCE}'s"),
        (alike, f"of {REFERENCE}'s where it has as many in time"),
        (as_good, "of the quickest baseline's that has as many in time"),
    ):
        above = sum(ratio > MOST_SLOWER for ratio in values)
        console.print(
            f"p50 {text}: {len(values)} runs, {above} above {MOST_SLOWER}, worst {max(values, default=0):.3f}"
        )
