"""framebatch.counts: plain numbers; what becomes of them as series is in test_metrics."""

from __future__ import annotations

from framebatch.counts import Distribution, ModelMetrics


def test_a_distribution_counts_values_up_to_each_bound() -> None:
    """A value on a bound belongs to it, and what is above the last goes to +Inf."""
    distribution = Distribution((1, 2))
    for value in (0.5, 1, 1.5, 99):
        distribution.observe(value)
    assert distribution.cumulative() == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]
    assert repr(distribution) == "Distribution(count=4, total=102)"


def test_what_is_counted_in_one_unit_is_told_in_another() -> None:
    """Nanoseconds come in, seconds go out; bounds hold exactly."""
    distribution = Distribution((0.0075, 0.01), unit=1_000_000_000)
    for value in (7_500_000, 7_500_001, 20_000_000):
        distribution.observe(value)
    assert distribution.cumulative() == [("0.0075", 1), ("0.01", 2), ("+Inf", 3)]
    assert (distribution.bounds, distribution.total) == ((0.0075, 0.01), 0.035000001)


def test_what_is_expected_is_told_as_nothing_once() -> None:
    """Another version of the model that expects the same, or more, takes nothing away."""
    counts = ModelMetrics()
    counts.expect(reasons=("full",), buckets=(1, 2))
    counts.release("full")
    counts.batch(frames=2, bucket=2, device_ns=5)
    counts.expect(reasons=("full", "idle"), buckets=(2, 4))
    assert counts.released == {"full": 1, "idle": 0}
    assert counts.runs == {1: [0, 0], 2: [1, 5], 4: [0, 0]}
    assert repr(counts) == "ModelMetrics(answered=0, batches=1)"
