"""framebatch.calibration.measurement: all passes over one size in figures."""

from __future__ import annotations

from framebatch.calibration.measurement import by_size, measurement_of, pooled_samples
from framebatch.calibration.points import Point, StageSamples
from framebatch.device.meter import Reading
from framebatch.profile import Stages

FIRST = Point(
    batch=2,
    number=0,
    samples_ns=(10, 20, 30),
    stages=StageSamples(compute_ns=(5, 6, 7)),
    reading=Reading(memory_bytes=100, energy_joules=6.0, power_watts=50.0, clock_hz=1000, temperature_celsius=60.0),
)
SECOND = Point(
    batch=2,
    number=1,
    samples_ns=(40, 1000),
    stages=StageSamples(compute_ns=(8, 9)),
    reading=Reading(memory_bytes=120, energy_joules=4.0, power_watts=70.0, clock_hz=1501, temperature_celsius=65.0),
)


def test_all_passes_are_pooled_and_outliers_kept() -> None:
    """Quantiles are those of all samples together."""
    measured = measurement_of([FIRST, SECOND])
    assert (measured.n, measured.min_ns, measured.median_ns, measured.max_ns) == (5, 10, 30, 1000)
    assert (measured.median_low_ns, measured.median_high_ns) == (10, 1000)
    assert (measured.p10_ns, measured.p90_ns, measured.p95_ns, measured.p99_ns) == (14, 616, 808, 962)


def test_stages_are_medians_and_unknown_ones_are_none() -> None:
    """Of all passes."""
    assert measurement_of([FIRST, SECOND]).stages == Stages(compute_ns=7)


def test_the_machine_is_summed_up_over_the_passes() -> None:
    """Memory and heat at their peak, energy by frame, power and clock in the middle."""
    measured = measurement_of([FIRST, SECOND])
    assert measured.memory_bytes == 120
    assert measured.energy_joules_per_frame == 1.0
    assert measured.power_watts == 60.0
    assert measured.clock_hz == 1250
    assert measured.temperature_celsius == 65.0


def test_what_nobody_could_tell_is_none() -> None:
    """A pass that was not read does not count against one that was."""
    unread = Point(batch=2, number=1, samples_ns=(10,))
    assert measurement_of([unread]).memory_bytes is None
    assert measurement_of([unread]).energy_joules_per_frame is None
    assert measurement_of([FIRST, unread]).energy_joules_per_frame == 1.0


def test_points_are_grouped_by_size_in_the_order_of_their_passes() -> None:
    """Those that failed, or timed nothing, are left out."""
    other = Point(batch=1, samples_ns=(7,))
    points = [SECOND, Point(batch=4, failure="memory", samples_ns=(1,)), Point(batch=8), FIRST, other]
    assert list(by_size(points).items()) == [(1, [other]), (2, [FIRST, SECOND])]
    assert pooled_samples(by_size(points)[2]) == [10, 20, 30, 40, 1000]
