"""framebatch.app.figures: the little that is computed for /metrics."""

from __future__ import annotations

import pytest

from framebatch.app.figures import derate_of
from framebatch.profile import LatencyTable
from framebatch.scheduling import Policy, ServiceEstimate

TABLE = LatencyTable((1, 2, 4), (9_000_000, 12_000_000, 18_000_000))


def test_a_device_that_does_what_was_measured_is_not_derated() -> None:
    """Its full batches carry as much as the table promises."""
    assert derate_of(Policy(ServiceEstimate(TABLE))) == 1


def test_a_slower_device_is_derated() -> None:
    """By the factor that its batches take longer."""
    estimate = ServiceEstimate(TABLE)
    for _ in range(100):
        estimate.observe(4, 36_000_000)
    assert derate_of(Policy(estimate)) == pytest.approx(0.5, rel=0.02)


def test_smaller_batches_derate_too() -> None:
    """Where memory does not suffice for the largest for a while: 111 frames a second in place of 222."""
    policy = Policy(ServiceEstimate(TABLE))
    policy.limit_batch(1)
    assert derate_of(policy) == 0.5
