"""framebatch.app.figures: the little that is computed for /metrics."""

from __future__ import annotations

import pytest
from profiles import make_profile

from framebatch.app.basis import Basis, cut
from framebatch.app.figures import capacity_of, curve_of, derate_of
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


def test_the_curve_is_the_table_with_what_was_measured_of_it() -> None:
    """The median of each size that is run, and the 95th percentile of those that a calibration has run."""
    profile = make_profile()
    known = {each.batch: each for each in profile.buckets}
    basis = cut(profile, sorted(known))
    assert basis is not None
    found = dict(curve_of(basis))
    assert {batch for batch, _ in found} == {str(batch) for batch in known}
    for batch, bucket in known.items():
        assert found[str(batch), "0.5"] == pytest.approx(bucket.service_ns / 1e9)
        measured = bucket.measured
        assert found.get((str(batch), "0.95")) == (None if measured is None else measured.p95_ns / 1e9)
    assert dict(curve_of(Basis(table=TABLE, source="brief"))) == {
        ("1", "0.5"): 0.009,
        ("2", "0.5"): 0.012,
        ("4", "0.5"): 0.018,
    }


def test_capacity_is_what_batches_take_now() -> None:
    """222 frames a second by the table; half of it where the device has become slower."""
    estimate = ServiceEstimate(TABLE)
    policy = Policy(estimate)
    assert capacity_of(policy) == pytest.approx(222.2, rel=0.01)
    for _ in range(100):
        estimate.observe(4, 36_000_000)
    assert capacity_of(policy) == pytest.approx(111.1, rel=0.02)
    policy.limit_batch(1)
    assert capacity_of(policy) == pytest.approx(55.6, rel=0.02)
