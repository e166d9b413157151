"""benchmarks/policy_tables.py: how policies are held against each other."""

from __future__ import annotations

import io

import pytest
from policy_simulation import Result
from policy_tables import grouped, latency_ratios, median_ms, percent, print_comparison, share
from rich.console import Console
from traces import Trace

MS = 1_000_000


def trace(name: str, *, load: float = 0.5, family: str = "periodic", optimum: int = 100) -> Trace:
    """Answer a run of which only these are looked at."""
    return Trace(
        name=name,
        family=family,
        alpha_ns=0,
        beta_ns=1,
        max_batch=1,
        deadline_ns=1,
        arrivals=(),
        load=load,
        clairvoyant=optimum,
    )


def result(good: int, *latencies_ms: int, late: int = 0) -> Result:
    """Answer an outcome."""
    return Result(good=good, late=late, latencies_ns=[each * MS for each in latencies_ms])


def printed(played: dict[str, list[tuple[Trace, Result]]]) -> str:
    """Answer what a comparison prints."""
    out = io.StringIO()
    print_comparison(Console(file=out, width=200), played)
    return out.getvalue()


def test_shares_are_of_the_optimum() -> None:
    """And a run in which nothing can be in time has none."""
    assert share((trace("a", optimum=80), result(60))) == 0.75
    assert share((trace("a", optimum=0), result(0))) == 0
    assert percent([0.5, 1.0]) == "75.00 / 50.0"


def test_runs_are_grouped_in_the_order_in_which_they_come() -> None:
    """By whatever is said of the trace."""
    runs = [
        (trace("x", family="b"), result(1)),
        (trace("y", family="a"), result(2)),
        (trace("z", family="b"), result(3)),
    ]
    groups = grouped(runs, lambda each: each.family)
    assert list(groups) == ["b", "a"]
    assert [each.good for _, each in groups["b"]] == [1, 3]


def test_a_median_of_two_is_their_mean() -> None:
    """With few cameras latencies come in clusters, and the upper one alone would be half the story."""
    assert median_ms(result(2, 26, 49)) == 37.5


def test_latency_is_compared_at_light_load_where_both_ran_a_frame() -> None:
    """Heavier runs are left out, and so are those with nothing to compare."""
    runs = [trace("light"), trace("heavy", load=0.81), trace("idle")]
    mine = list(zip(runs, (result(1, 30), result(1, 30), result(0)), strict=True))
    others = list(zip(runs, (result(1, 20), result(1, 20), result(1, 20)), strict=True))
    assert latency_ratios(mine, others) == [(runs[0], 1.5)]


def test_a_comparison_says_where_we_lose_and_where_we_are_slow() -> None:
    """Only against others, not against our own variants."""
    run = trace("the run")
    text = printed(
        {
            "ours": [(run, result(90, 30))],
            "ours, fair": [(run, result(99, 10))],
            "eager": [(run, result(80, 20))],
            "nexus": [(run, result(95, 25, late=5))],
        }
    )
    assert "another is better, in 1 of 1 runs" in text
    row = next(line for line in text.splitlines() if "95.00 nexus" in line)
    assert [each.strip() for each in row.strip("│").split("│")] == ["the run", "90.00", "95.00 nexus", "5.00"]
    assert "p50 of eager's: 1 runs, 1 above 1.05, worst 1.500" in text
    assert "p50 of eager's where it has as many in time: 0 runs" in text
    assert "p50 of the quickest baseline's that has as many in time: 1 runs, 1 above 1.05, worst 1.200" in text


@pytest.mark.parametrize(("load", "shown"), [(1.5, "0.50 / 0.50"), (0.5, "-")])
def test_fairness_is_of_cameras_that_send_as_much_under_overload(load: float, shown: str) -> None:
    """One camera served once, another three times: the least is half of the mean."""
    outcome = result(4, 10)
    outcome.sent.update({"a": 4, "b": 4})
    outcome.served.update({"a": 1, "b": 3})
    run = trace("the run", load=load)
    row = next(
        line for line in printed({"ours": [(run, outcome)], "eager": [(run, outcome)]}).splitlines() if "ours  " in line
    )
    assert row.strip("│").split("│")[-1].strip() == shown
