"""framebatch.scheduling.policy over whole random runs in which it learns: what holds for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fuzzed import fuzzed
from policy_simulation import Result, simulate

from framebatch.scheduling import Policy, PolicyOptions, ServiceEstimate

if TYPE_CHECKING:
    from traces import Trace

RUNS = list(fuzzed(40, seed=3, shortest=2))
"""Free-running, synchronised, triggered and random cameras on any curve, from light load to three times the limit."""


def play(trace: Trace, *, fair: bool = False) -> Result:
    """Answer what became of the frames under a policy that knows the curve only."""
    return simulate(trace, Policy(ServiceEstimate(trace.table()), options=PolicyOptions(fair=fair)))


def fates(result: Result) -> tuple[int, int, int, int, list[int]]:
    """Answer all that does not depend on the clock on the wall or on names."""
    return (result.good, result.late, result.shed, result.batches, result.latencies_ns)


@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize("trace", RUNS, ids=lambda trace: trace.name)
def test_nothing_is_run_in_vain_and_no_more_is_served_than_can_be(trace: Trace, *, fair: bool) -> None:
    """Service times are exact, so no frame is late; the optimum is one; and every frame is served or dropped."""
    result = play(trace, fair=fair)
    assert result.late == 0
    assert result.good <= trace.clairvoyant
    assert result.good + result.shed == len(trace.arrivals)


@pytest.mark.parametrize("trace", RUNS[::4], ids=lambda trace: trace.name)
def test_the_same_run_ends_the_same(trace: Trace) -> None:
    """To the nanosecond."""
    assert fates(play(trace)) == fates(play(trace))


@pytest.mark.parametrize("trace", RUNS, ids=lambda trace: trace.name)
def test_what_cameras_are_called_does_not_count(trace: Trace) -> None:
    """Renamed so that their order turns round, they are served alike."""
    renamed = replace(trace, arrivals=tuple((time_ns, str(100 - int(camera))) for time_ns, camera in trace.arrivals))
    assert fates(play(trace)) == fates(play(renamed))


@pytest.mark.parametrize("trace", RUNS, ids=lambda trace: trace.name)
def test_only_ratios_of_times_count(trace: Trace) -> None:
    """With all times doubled as many frames are served, in as many batches."""
    slower = replace(
        trace,
        alpha_ns=2 * trace.alpha_ns,
        beta_ns=2 * trace.beta_ns,
        deadline_ns=2 * trace.deadline_ns,
        arrivals=tuple((2 * time_ns, camera) for time_ns, camera in trace.arrivals),
    )
    result, slow = play(trace), play(slower)
    assert (result.good, result.shed, result.batches) == (slow.good, slow.shed, slow.batches)
