"""benchmarks/optimum.py: the dynamic programme against trying everything, and the policy against the optimum."""

from __future__ import annotations

from itertools import accumulate

import pytest
from fuzzed import fuzzed
from hypothesis import given, settings
from hypothesis import strategies as st
from optimum import brute_force, most_in_time
from policy_simulation import simulate

from framebatch.scheduling import Policy, PolicyOptions, ServiceEstimate

SERVICES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(lambda steps: [0, *accumulate(steps)])


@given(st.lists(st.integers(0, 4), max_size=6), st.integers(1, 12), SERVICES)
@settings(max_examples=200)
def test_the_optimum_is_what_trying_everything_gives(gaps: list[int], deadline: int, service: list[int]) -> None:
    """For a handful of frames."""
    arrivals = list(accumulate(gaps))
    assert most_in_time(arrivals, deadline, service) == brute_force(arrivals, deadline, service)


@pytest.mark.parametrize("options", [PolicyOptions(), PolicyOptions(fair=True), PolicyOptions(predict=False)])
def test_no_random_run_beats_the_optimum(options: PolicyOptions) -> None:
    """With exact service times nothing is run in vain, and no more is in time than possible."""
    for trace in fuzzed(6, seed=11):
        result = simulate(trace, Policy(ServiceEstimate(trace.table()), options=options))
        assert result.late == 0
        assert result.good <= trace.clairvoyant
        assert result.good + result.shed == len(trace.arrivals)
