"""framebatch.calibration.judgement: what disturbed a calibration, in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated_points import LADDER, affine_ms, counts_within_budget, points_of, random_device

from framebatch.calibration.judgement import judge
from framebatch.calibration.points import Point
from framebatch.device.meter import Reading
from framebatch.profile import Conditions

QUIET = {1: 10.0, 2: 12.0, 4: 16.0, 8: 24.0}


def slowed(points: list[Point], factor: float, *sizes: int) -> list[Point]:
    """Answer the points with the second pass over some sizes slower by a factor."""
    return [
        replace(point, samples_ns=tuple(round(factor * time) for time in point.samples_ns))
        if point.number == 1 and point.batch in sizes
        else point
        for point in points
    ]


def read(**what: object) -> list[Point]:
    """Answer quiet points, the first of which was read to be disturbed."""
    points = points_of(QUIET, noise=0.02)
    return [replace(points[0], reading=Reading(**what)), *points[1:]]  # type: ignore[arg-type] # fields by name


def test_a_quiet_exact_device_gives_no_remark() -> None:
    """Nothing at all."""
    assert judge(points_of(QUIET)) == Conditions()


def test_no_points_give_no_remark() -> None:
    """Nor do points that all failed."""
    assert judge([]) == judge([Point(batch=1, failure="crash")]) == Conditions()


def test_noise_by_itself_is_no_disagreement() -> None:
    """Few noisy samples do not cry wolf: of 60 devices with noise to 20 %, at most one is called noisy."""
    called = 0
    for seed in range(60):
        device, sizes = random_device(seed)
        times = affine_ms(device, sizes)
        points = points_of(times, noise=device.noise, counts=counts_within_budget(times, device.noise), seed=seed)
        called += judge(points).noisy
    assert called <= 1


def test_passes_that_disagree_are_told_with_their_medians() -> None:
    """The size where they disagree most, by how much more than chance explains, and what to do."""
    conditions = judge(slowed(points_of(QUIET, noise=0.01), 1.2, 4))
    assert conditions.noisy
    assert conditions.disagreement == pytest.approx(0.2, abs=0.02)
    [text] = conditions.text
    assert text.startswith("Two passes over batches of 4 had medians of 15.9 ms and 19.1 ms, 1")
    assert text.endswith(
        "further apart than chance explains. Stop other programs, fix the clocks, and calibrate again."
    )


def test_other_sizes_that_disagree_are_counted() -> None:
    """In the same sentence, in the singular and in the plural."""
    points = points_of(QUIET, noise=0.01)
    assert "explains, and 1 other size disagreed as well." in judge(slowed(points, 1.2, 4, 8)).text[0]
    assert "explains, and 2 other sizes disagreed as well." in judge(slowed(points, 1.2, 2, 4, 8)).text[0]


def test_a_small_disagreement_is_a_figure_but_no_remark() -> None:
    """Up to 5 % beyond chance."""
    conditions = judge(slowed(points_of(QUIET, noise=0.01), 1.04, 4))
    assert 0.02 < conditions.disagreement < 0.05
    assert conditions == Conditions(disagreement=conditions.disagreement)


def test_times_that_rise_within_a_pass_are_a_drift() -> None:
    """Told by the pass that drifted most, with its first and last figures."""
    points = points_of(QUIET, noise=0.01, counts=200)
    heated = tuple(round(time * (1 + 0.2 * place / 100)) for place, time in enumerate(points[-1].samples_ns))
    conditions = judge([*points[:-1], replace(points[-1], samples_ns=heated)])
    assert conditions.noisy
    assert any("drifted within 1 pass of 8: a batch of 8 took 24" in text for text in conditions.text)


def test_others_on_the_processor_are_told() -> None:
    """The largest share that was seen, from a tenth on."""
    conditions = judge(read(others_processor_share=0.34))
    assert (conditions.busy, conditions.noisy) == (True, False)
    [text] = conditions.text
    assert text == (
        "Other programs kept up to 34 % of the host's processor busy. "
        "Stop them, or calibrate when the host has nothing else to do."
    )
    assert judge(read(others_processor_share=0.05)) == Conditions()


def test_others_on_the_device_are_told() -> None:
    """How many there are, and what they hold of its memory."""
    conditions = judge(read(others_device_processes=1, others_memory_bytes=3 * 2**29))
    assert conditions.busy
    assert conditions.text[0].startswith("1 other process used the device, with 1.5 GiB of its memory.")
    assert judge(read(others_device_processes=2)).text[0].startswith("2 other processes used the device")


def test_lowered_clocks_are_told_with_their_reasons() -> None:
    """How often, how far down, and why."""
    conditions = judge(read(throttled=("heat", "power limit"), clock_hz=1_200_000_000))
    assert conditions.throttled
    assert conditions.text[0].startswith(
        "The device lowered its clocks in 1 of 8 measurements, down to 1200 MHz (heat and power limit)."
    )


def test_failed_points_tell_of_the_machine_too() -> None:
    """A device that others use is busy, even where the point came to nothing."""
    failed = Point(batch=LADDER[-1], failure="memory", reading=Reading(others_device_processes=3))
    assert judge([*points_of(QUIET), failed]).busy
