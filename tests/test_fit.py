"""framebatch.calibration.fit: curves from measured points, against devices of known truth."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_points import LADDER, MS, Device, affine_ms, counts_within_budget, points_of, random_device

from framebatch.calibration.fit import Curve, fit_curve
from framebatch.calibration.points import Point, StageSamples

if TYPE_CHECKING:
    import random

DEVICE = Device(alpha_ms=5, beta_ms=2, noise=0.1)
SIZES = LADDER[:9]
DEVICES = range(120)

SERIES = st.dictionaries(
    st.sampled_from(LADDER), st.lists(st.integers(1_000, 10**9), min_size=1, max_size=12), min_size=1, max_size=8
)


def curve_of(series: dict[int, list[int]]) -> Curve:
    """Answer the fit of one pass over each size."""
    return fit_curve([Point(batch=batch, samples_ns=tuple(times)) for batch, times in series.items()], LADDER)


def errors_of(curve: Curve, device: Device) -> list[float]:
    """Answer by how much each bucket is off the device's true median, as a share."""
    return [abs(bucket.service_ns / device.median_ns(bucket.batch) - 1) for bucket in curve.buckets]


def test_random_devices_are_found_within_three_percent() -> None:
    """Every size of 120 devices, with noise to 20 % and what can be timed in 100 s; one may be off by bad luck."""
    off = 0
    for seed in DEVICES:
        device, sizes = random_device(seed)
        times = affine_ms(device, sizes)
        points = points_of(times, noise=device.noise, counts=counts_within_budget(times, device.noise), seed=seed)
        off += max(errors_of(fit_curve(points, sizes), device)) > 0.03
    assert off <= 1


@pytest.mark.parametrize("tile", [4, 8])
def test_a_staircase_is_followed_where_it_was_measured_well(tile: int) -> None:
    """A device that computes in tiles is no line, and borrowing spoils no size by more than half a percent."""
    times = {batch: 4 + 2.0 * (-(-batch // tile) * tile) for batch in SIZES}
    curve = fit_curve(points_of(times, noise=0.02, counts=300), SIZES)
    for bucket in curve.buckets:
        assert bucket.measured
        assert bucket.service_ns == pytest.approx(times[bucket.batch] * MS, rel=0.005)
    assert curve.line.lack > 0.001


def test_one_size_that_departs_is_not_smoothed_away() -> None:
    """A size that is 15 % quicker than the line of all others keeps its own figure."""
    times = affine_ms(DEVICE, SIZES) | {8: 0.85 * 21}
    curve = fit_curve(points_of(times, noise=0.05, counts=200, seed=2), SIZES)
    assert curve.buckets[5].service_ns == pytest.approx(0.85 * 21 * MS, rel=0.015)


def test_a_poorly_measured_size_borrows_from_the_others() -> None:
    """Six noisy batches of a size that lies on the line are told what the other sizes know."""
    noisy = Device(alpha_ms=5, beta_ms=2, noise=0.2)
    counts = dict.fromkeys(SIZES, 400) | {12: 6}
    own, fitted = [], []
    for seed in range(20):
        curve = fit_curve(points_of(affine_ms(noisy, SIZES), noise=0.2, counts=counts, seed=seed), SIZES)
        bucket = curve.buckets[6]
        assert bucket.measured
        own.append(abs(bucket.measured.median_ns / noisy.median_ns(12) - 1))
        fitted.append(abs(bucket.service_ns / noisy.median_ns(12) - 1))
    assert sum(fitted) < sum(own) / 4


def test_passes_that_disagree_make_all_sizes_less_sure() -> None:
    """On a host that is 3 % quicker or slower from pass to pass, what sizes have in common counts more than each alone."""
    chance = np.random.default_rng(3)
    own, fitted = [], []
    for seed in range(10):
        points = [
            replace(point, samples_ns=tuple(round(factor * time) for time in point.samples_ns))
            for point, factor in zip(
                points_of(affine_ms(DEVICE, SIZES), noise=0.02, counts=400, seed=seed),
                np.exp(chance.normal(0, 0.03, 2 * len(SIZES))).tolist(),
                strict=True,
            )
        ]
        for bucket in fit_curve(points, SIZES).buckets:
            assert bucket.measured
            truth = affine_ms(DEVICE, (bucket.batch,))[bucket.batch] * MS
            own.append((bucket.measured.median_ns / truth - 1) ** 2)
            fitted.append((bucket.service_ns / truth - 1) ** 2)
    assert sum(fitted) < sum(own) / 2


@given(SERIES)
def test_times_are_positive_and_never_fall(series: dict[int, list[int]]) -> None:
    """Of whatever was measured, and low <= middle <= high in every bucket."""
    buckets = curve_of(series).buckets
    assert all(0 < bucket.low_ns <= bucket.service_ns <= bucket.high_ns for bucket in buckets)
    for name in ("low_ns", "service_ns", "high_ns"):
        assert all(getattr(a, name) <= getattr(b, name) for a, b in pairwise(buckets))


@given(SERIES, st.integers(2, 1000))
def test_a_device_that_is_slower_throughout_has_the_same_curve_higher_up(
    series: dict[int, list[int]], factor: int
) -> None:
    """All times taken by a factor, the fit is taken by that factor, but for rounding to nanoseconds."""
    slower = curve_of({batch: [factor * time for time in times] for batch, times in series.items()})
    for bucket, slow in zip(curve_of(series).buckets, slower.buckets, strict=True):
        assert slow.service_ns == pytest.approx(factor * bucket.service_ns, rel=2e-3, abs=factor)


@given(SERIES, st.randoms(use_true_random=False))
def test_the_order_of_points_does_not_matter(series: dict[int, list[int]], chance: random.Random) -> None:
    """Passes are told apart by their number, not by when they are mentioned."""
    points = [Point(batch=batch, samples_ns=tuple(times)) for batch, times in series.items()]
    points += [replace(point, number=1) for point in points]
    shuffled = list(points)
    chance.shuffle(shuffled)
    assert fit_curve(shuffled, LADDER) == fit_curve(points, LADDER)


def test_sizes_between_are_interpolated_and_none_beyond_is_guessed() -> None:
    """A size between two measured ones lies between their times; what is larger or smaller than all is left out."""
    curve = fit_curve(points_of({2: 10.0, 4: 20.0, 8: 40.0}, counts=50), LADDER)
    assert [bucket.batch for bucket in curve.buckets] == [2, 3, 4, 6, 8]
    assert [round(bucket.service_ns / MS, 3) for bucket in curve.buckets] == [10, 15, 20, 30, 40]
    assert [bucket.measured is None for bucket in curve.buckets] == [False, True, False, True, False]


def test_a_host_that_takes_turns_with_the_device_costs_throughput() -> None:
    """Filling and reading count where the processor is the device, in what it carries and not in its service times."""
    points = [
        Point(
            batch=size,
            samples_ns=(2 * MS * size,) * 9,
            stages=StageSamples(fill_ns=(MS // 4,) * 9, parse_ns=(MS // 4 + MS * size // 2,) * 9),
        )
        for size in (1, 2, 4)
    ]
    beside, in_turn = (fit_curve(points, (1, 2, 4), host_takes_turns=turns).buckets for turns in (False, True))
    assert [bucket.service_ns for bucket in in_turn] == [bucket.service_ns for bucket in beside]
    assert [bucket.throughput_fps for bucket in beside] == pytest.approx([500, 500, 500])
    assert [bucket.throughput_fps for bucket in in_turn] == pytest.approx([1000 / 3, 2000 / 5.5, 4000 / 10.5])


def test_points_that_failed_are_left_aside() -> None:
    """Even when they timed some batches before."""
    points = points_of({1: 10.0, 2: 12.0}, counts=20)
    failed = Point(batch=4, samples_ns=(1,), failure="memory")
    assert fit_curve([*points, failed], LADDER) == fit_curve(points, LADDER)


def test_nothing_can_be_fitted_to_nothing() -> None:
    """Points that all failed are refused."""
    with pytest.raises(ValueError, match="no batch size ran"):
        fit_curve([Point(batch=1, failure="crash")], LADDER)


def test_sizes_kept_out_of_the_fit_are_foretold_by_the_others() -> None:
    """3, 6 and 12 by a fit of the powers of two, within 2 % where the device is a line; 24 lies beyond them."""
    curve = fit_curve(points_of(affine_ms(DEVICE, SIZES), noise=0.05, counts=200), SIZES)
    assert [each.batch for each in curve.kept_out] == [3, 6, 12]
    assert all(abs(each.error) < 0.02 for each in curve.kept_out)


def test_a_kept_out_size_that_departs_is_admitted() -> None:
    """Its error says by how much the fit without it was wrong, however well the whole fit follows it."""
    curve = fit_curve(points_of(affine_ms(DEVICE, SIZES) | {6: 1.2 * 17}, counts=50), SIZES)
    assert next(each.error for each in curve.kept_out if each.batch == 6) == pytest.approx(1 / 1.2 - 1, abs=0.01)


def test_the_spread_is_that_of_the_noise() -> None:
    """10th and 90th percentile of 10 % noise lie 12 % below and 14 % above the median."""
    curve = fit_curve(points_of(affine_ms(DEVICE, SIZES), noise=0.1, counts=200), SIZES)
    assert curve.spread == pytest.approx((0.88, 1.136), abs=0.01)


def test_the_table_is_what_scheduling_plans_with() -> None:
    """The same buckets and times."""
    curve = fit_curve(points_of({1: 10.0, 2: 12.0}, counts=20), (1, 2))
    assert (curve.table.buckets, curve.table.service_ns) == ((1, 2), (10 * MS, 12 * MS))
