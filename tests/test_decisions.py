"""framebatch.scheduling.decisions: why a batch is run as it is."""

from __future__ import annotations

import pytest
from policy_simulation import Item

from framebatch.profile import LatencyTable
from framebatch.scheduling import Decision, Pending, Policy, Run, ServiceEstimate, Why

MS = 1_000_000
TABLE = LatencyTable.linear(alpha_ns=2 * MS, beta_ns=MS, buckets=(1, 2, 4, 8))
"""3, 4, 6 and 10 ms for 1, 2, 4 and 8 frames."""
LIGHT, HEAVY = 0.0, 1.2


def decide(load: float, deadlines_ms: list[int]) -> Decision:
    """Answer what a policy that believes in this load decides when these deadlines wait."""
    policy = Policy(ServiceEstimate(TABLE))
    policy._rate_per_ns = load * TABLE.max_batch / TABLE.service_ns[-1]
    pending: Pending[Item] = Pending()
    for number, deadline_ms in enumerate(deadlines_ms):
        item = Item(number, "a", deadline_ms * MS)
        pending.accept(item)
        pending.make_ready(item)
    return policy.decide(pending, 0)


@pytest.mark.parametrize(
    ("load", "deadlines_ms", "why"),
    [
        pytest.param(LIGHT, [50] * 3, Why.IDLE, id="all that wait"),
        pytest.param(LIGHT, [50] * 9, Why.FULL, id="the largest batch"),
        pytest.param(LIGHT, [50] * 8, Why.FULL, id="the largest batch, and nobody is left"),
        pytest.param(LIGHT, [3, 9], Why.DEADLINE, id="with one more the head would be late"),
        pytest.param(HEAVY, [50] * 5, Why.OVERLOAD, id="one less is quicker for each"),
        pytest.param(HEAVY, [3, 9], Why.OVERLOAD, id="nothing better is possible"),
    ],
)
def test_a_batch_says_why_it_is_as_it_is(load: float, deadlines_ms: list[int], why: Why) -> None:
    """Whether it was full, all there was, cut for a deadline or chosen under overload."""
    decision = decide(load, deadlines_ms)
    assert isinstance(decision, Run)
    assert decision.why == why


def test_why_a_batch_is_run_does_not_tell_it_from_another() -> None:
    """What is done is the same."""
    assert Run(1, 1, why=Why.FULL) == Run(1, 1, why=Why.RETRY)
