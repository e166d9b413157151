"""framebatch.calibration.series: one series of timed batches in a few numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framebatch.calibration.series import Series, series_of, variances_of_deciles, variances_of_medians


def lognormal(count: int, spread: float, seed: int = 0) -> Series:
    """Answer the series of so many times around 1 ms."""
    times = np.rint(1e6 * np.random.default_rng(seed).lognormal(0, spread, count)).astype(np.int64)
    return series_of(4, times.tolist())


def test_a_series_is_summed_up_in_logarithms() -> None:
    """Median, percentiles beside it, and the scale of one batch."""
    series = lognormal(20_000, 0.1)
    assert series.batch == 4
    assert series.log_median == pytest.approx(math.log(1e6), abs=0.005)
    assert series.log_low == pytest.approx(-0.128, abs=0.005)
    assert series.log_high == pytest.approx(0.128, abs=0.005)
    assert series.scale == pytest.approx(0.1, rel=0.03)


def test_the_variance_of_a_median_is_what_repeating_shows() -> None:
    """100 times of 10 % noise know their median to 1.25 %, and their deciles to 1.7 %, on average over 300 series."""
    series = [lognormal(100, 0.1, seed) for seed in range(300)]
    medians = np.std([one.log_median for one in series])
    told = np.sqrt(np.mean(variances_of_medians(series)))
    assert medians == pytest.approx(0.0125, rel=0.1)
    assert medians <= told <= 1.2 * medians
    assert np.sqrt(np.mean(variances_of_deciles(series))) / told == pytest.approx(1.71 / 1.2533)


def test_a_short_series_takes_its_scale_from_the_others() -> None:
    """Three times that happen to agree are not better known than three times of a noisy device are."""
    short = series_of(8, [1000, 1000, 1001])
    _, variance = variances_of_medians([lognormal(500, 0.1), short])
    assert math.sqrt(variance) == pytest.approx(1.25 * 0.1 / math.sqrt(3), rel=0.15)


def test_exact_times_are_known_to_a_hundredth_of_a_percent() -> None:
    """No better, as no clock is."""
    [variance] = variances_of_medians([series_of(1, [1000] * 50)])
    assert math.sqrt(variance) == pytest.approx(1.2533e-4)
