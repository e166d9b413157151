"""How much of what is possible does the scheduling policy reach? Under a virtual clock, against exact optima.

bench_policy.py --suite DIR            share of the clairvoyant optimum by family and curve, beside the published policies
whose results the files hold, and the worst runs
bench_policy.py --suite DIR --json     a list of {"name", "family", "good", "clairvoyant", "p50_ms", "p99_ms"}
bench_policy.py --suite DIR --ablate   what each idea is worth: all ideas but one
bench_policy.py --suite DIR --fair     overloaded runs with fairness off and on, and with one camera in ten critical
bench_policy.py --fuzz N               N random runs with deadlines of at least twice the shortest batch; --frames: of each
bench_policy.py --suite DIR --baselines, --fuzz N --baselines     all of benchmarks/baselines, played on the same runs
bench_policy.py --decide               what a decision takes with 8 to 512 waiting frames
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path
from statistics import fmean
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from baselines import BASELINES
from fuzzed import FRAMES, fuzzed
from policy_simulation import Item, simulate
from policy_tables import COUNTED, Outcome, grouped, percent, print_comparison, share
from rich.console import Console
from rich.table import Table
from traces import Trace, read_suite

from framebatch.profile import LatencyTable
from framebatch.scheduling import Pending, Policy, PolicyOptions, Priority, ServiceEstimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WORST: Final = 8
MS: Final = 1_000_000
OURS: Final = "framebatch"


class AsMeasured(ServiceEstimate):
    """Keeps to the table, whatever batches really take."""

    def observe(self, frames: int, service_ns: int) -> None:
        """Learn nothing."""


class WithoutSpread(ServiceEstimate):
    """Takes every batch for as long as batches of its size are on average."""

    def observe(self, frames: int, service_ns: int) -> None:
        """Learn the factor only."""
        super().observe(frames, service_ns)
        self.low_ns = self.high_ns = self.mid_ns


def policy_for(trace: Trace, options: PolicyOptions, estimate: type[ServiceEstimate] = ServiceEstimate) -> Policy:
    """A policy that knows the trace's curve and nothing else."""
    return Policy(estimate(trace.table()), options=options)


def play(
    traces: Iterable[Trace], options: PolicyOptions, estimate: type[ServiceEstimate] = ServiceEstimate
) -> list[Outcome]:
    """All traces, each with a policy of its own."""
    return [(trace, simulate(trace, policy_for(trace, options, estimate))) for trace in traces]


def played(traces: list[Trace]) -> dict[str, list[Outcome]]:
    """All traces by this policy, by it with fairness as in the server, and by the baselines."""
    ours = {name: play(traces, PolicyOptions(fair=fair)) for name, fair in ((OURS, False), (f"{OURS}, fair", True))}
    return ours | {
        name: [(trace, simulate(trace, make(trace.table(), trace.deadline_ns))) for trace in traces]
        for name, make in BASELINES.items()
    }


def print_shares(console: Console, outcomes: list[Outcome]) -> None:
    """Tables by family and by curve with the references, and the worst runs."""
    references = sorted({name for trace, _ in outcomes for name in trace.reference})
    counted = [outcome for outcome in outcomes if outcome[0].family in COUNTED]
    for title, key, chosen in (
        ("by family", lambda trace: trace.family, outcomes),
        ("by curve and deadline, of periodic, sync and bursty", lambda trace: trace.curve, counted),
    ):
        table = Table("", "runs", "this policy", *references, title=f"% of the optimum, mean / worst, {title}")
        groups = {**grouped(chosen, key), "periodic + sync + bursty": counted}
        for name, group in groups.items():
            others = [[trace.reference[other] / trace.clairvoyant for trace, _ in group] for other in references]
            table.add_row(name, str(len(group)), percent([share(each) for each in group]), *map(percent, others))
        console.print(table)
    table = Table("run", "% of the optimum", "best reference", "late", "p50 ms", "p99 ms", title="worst runs")
    for outcome in sorted(outcomes, key=share)[:WORST]:
        trace, result = outcome
        best = max(trace.reference.values(), default=0) / max(1, trace.clairvoyant)
        latencies = (f"{result.latency_ms(0.5):.1f}", f"{result.latency_ms(0.99):.1f}")
        table.add_row(trace.name, f"{100 * share(outcome):.1f}", f"{100 * best:.1f}", str(result.late), *latencies)
    console.print(table)
    decisions_us = sorted(each / 1e3 for _, result in outcomes for each in result.decisions_ns)
    late = sum(result.late for trace, result in outcomes if not trace.noise)
    console.print(
        f"{len(decisions_us)} decisions: p50 {decisions_us[len(decisions_us) // 2]:.0f} us,"
        f" p99 {decisions_us[int(0.99 * len(decisions_us))]:.0f} us; run in vain without noise: {late}"
    )


def as_json(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """One entry for each run."""
    return [
        {
            "name": trace.name,
            "family": trace.family,
            "good": result.good,
            "clairvoyant": trace.clairvoyant,
            "p50_ms": round(result.latency_ms(0.5), 3),
            "p99_ms": round(result.latency_ms(0.99), 3),
        }
        for trace, result in outcomes
    ]


def print_ablations(console: Console, traces: list[Trace]) -> None:
    """All ideas but one, and none."""
    ideas = [field.name for field in fields(PolicyOptions) if field.name != "fair"]
    everything = PolicyOptions()
    variants: dict[str, tuple[PolicyOptions, type[ServiceEstimate]]] = {"all": (everything, ServiceEstimate)}
    variants.update({f"without {idea}": (PolicyOptions(**{idea: False}), ServiceEstimate) for idea in ideas})
    variants["without following the device"] = (everything, AsMeasured)
    variants["without spread"] = (everything, WithoutSpread)
    families = sorted({trace.family for trace in traces})
    table = Table("", *families, "periodic + sync + bursty", title="% of the optimum, mean / worst")
    for name, (options, estimate) in variants.items():
        groups = grouped(play(traces, options, estimate), lambda trace: trace.family)
        counted = [share(each) for family in COUNTED for each in groups.get(family, [])]
        row = [percent([share(each) for each in groups[family]]) for family in families]
        table.add_row(name, *row, percent(counted))
    console.print(table)


def print_fairness(console: Console, traces: list[Trace]) -> None:
    """Least over mean of what cameras were served, and what that costs."""
    overloaded = [trace for trace in traces if trace.family == "periodic" and trace.load >= 1.5]
    table = Table("run", "off: %", "least/mean", "on: %", "least/mean", "critical: % bad", "% of the optimum")
    rows: list[tuple[float, ...]] = []
    for trace in overloaded:
        (off,), (on,) = play([trace], PolicyOptions()), play([trace], PolicyOptions(fair=True))
        bad, critical = with_critical(trace)
        row = (100 * share(off), off[1].fairness(), 100 * share(on), on[1].fairness(), 100 * bad, 100 * critical)
        rows.append(row)
        table.add_row(trace.name, *(f"{each:.2f}" for each in row))
    table.add_row("mean", *(f"{fmean(column):.2f}" for column in zip(*rows, strict=True)), end_section=True)
    console.print(table)
    fairness = sorted(row[3] for row in rows)
    console.print(f"10th percentile of least/mean with fairness: {fairness[len(fairness) // 10]:.3f}")


def with_critical(trace: Trace) -> tuple[float, float]:
    """Every tenth camera critical: share of their frames that were not in time, share of the optimum of all."""
    policy = policy_for(trace, PolicyOptions(fair=True))
    critical = sorted({camera for _, camera in trace.arrivals}, key=int)[::10]
    for camera in critical:
        policy.shares.classify(camera, Priority.CRITICAL)
    result = simulate(trace, policy)
    sent = sum(result.sent[camera] for camera in critical)
    return 1 - sum(result.served[camera] for camera in critical) / sent, result.good / trace.clairvoyant


def print_fuzz(console: Console, count: int, seed: int, frames: int) -> None:
    """Random runs; 1st percentile and the worst."""
    outcomes = play(fuzzed(count, seed=seed, shortest=2, frames=frames), PolicyOptions())
    table = Table("arrivals", "runs", "mean", "1st percentile", "worst", title="% of the optimum")
    for name, group in {**grouped(outcomes, lambda trace: trace.family), "all": outcomes}.items():
        shares = sorted(100 * share(each) for each in group)
        figures = (fmean(shares), shares[len(shares) // 100], shares[0])
        table.add_row(name, str(len(group)), *(f"{each:.2f}" for each in figures))
    console.print(table)


def print_decisions(console: Console) -> None:
    """The time of one decision, with queues of equal spacing and learned periodic cameras."""
    table = Table("waiting", "curve", "p50 us", "p99 us", title="one decision")
    curves: Mapping[str, LatencyTable] = {
        "1.5 + 0.12 b, 64": LatencyTable.linear(alpha_ns=1.5 * MS, beta_ns=0.12 * MS, buckets=range(1, 65)),
        "6 + 3 b, 32": LatencyTable.linear(alpha_ns=6 * MS, beta_ns=3 * MS, buckets=range(1, 33)),
    }
    for waiting in (8, 32, 128, 512):
        for name, latency in curves.items():
            for fair in (False, True):
                took_us = sorted(_decisions_us(latency, waiting, fair=fair))
                figures = (took_us[len(took_us) // 2], took_us[int(0.99 * len(took_us))])
                table.add_row(str(waiting), name + (", fair" if fair else ""), *(f"{each:.0f}" for each in figures))
    console.print(table)


def _decisions_us(latency: LatencyTable, waiting: int, *, fair: bool) -> Iterable[float]:
    """500 decisions about so many frames, with deadlines between one and three of the largest batches ahead."""
    full_ns = latency.service_ns[-1]
    policy = Policy(ServiceEstimate(latency), options=PolicyOptions(fair=fair))
    pending: Pending[Item] = Pending()
    for turn in range(20):
        for at in range(waiting):
            policy.arrived(now := turn * 100 * MS + at * 100 * MS // waiting)
            policy.ready(str(at), now, now + 3 * full_ns)
    for at in range(waiting):
        item = Item(0, str(at), 2000 * MS + full_ns + at * 2 * full_ns // waiting)
        pending.accept(item)
        pending.make_ready(item)
    for turn in range(500):
        before = perf_counter_ns()
        policy.decide(pending, 2000 * MS - 500 + turn)
        yield (perf_counter_ns() - before) / 1e3


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, metavar="DIR", help="folder of traces, *.json.gz")
    parser.add_argument("--json", action="store_true", help="one JSON document, and nothing else")
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--fair", action="store_true")
    parser.add_argument("--fuzz", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=1, help="of --fuzz")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each run of --fuzz")
    parser.add_argument("--baselines", action="store_true", help="with --suite or --fuzz")
    parser.add_argument("--decide", action="store_true")
    wanted = parser.parse_args(arguments)
    console = Console(width=180 if not sys.stdout.isatty() else None)
    traces = list(read_suite(wanted.suite)) if wanted.suite else []
    if wanted.suite and not traces:
        parser.error(f"--suite {wanted.suite}: no *.json.gz there")
    if not traces and not wanted.fuzz and not wanted.decide:
        parser.error("say what to run: --suite DIR, --fuzz N or --decide")
    if traces and wanted.json:
        print(json.dumps(as_json(play(traces, PolicyOptions()))))
        return 0
    if wanted.baselines:
        runs = traces or list(fuzzed(wanted.fuzz, seed=wanted.seed, shortest=2))
        print_comparison(console, played(runs))
        return 0
    if traces and wanted.ablate:
        print_ablations(console, traces)
    elif traces and wanted.fair:
        print_fairness(console, traces)
    elif traces:
        print_shares(console, play(traces, PolicyOptions()))
    if wanted.fuzz:
        print_fuzz(console, wanted.fuzz, wanted.seed, wanted.frames)
    if wanted.decide:
        print_decisions(console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
