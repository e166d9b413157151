"""framebatch.calibration.line: lines through noisy values, and how far values borrow from each other."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.calibration.line import Line, common_level, fit_line, lack_within, least_squares, never_falling, shrunk

SIZES = (1, 2, 4, 8, 16, 32, 64)
SURE = [1e-6] * len(SIZES)


@given(st.floats(0, 1e9), st.floats(1, 1e9))
def test_an_exact_line_is_found(at_zero: float, slope: float) -> None:
    """Whatever it is, as long as it neither falls nor begins below zero."""
    line = least_squares(SIZES, [at_zero + slope * size for size in SIZES], SURE)
    assert [line.at(size) for size in SIZES] == pytest.approx([at_zero + slope * size for size in SIZES], rel=1e-6)


@given(st.lists(st.floats(1, 1e9), min_size=7, max_size=7))
def test_a_line_neither_falls_nor_begins_below_zero(values: list[float]) -> None:
    """No time and no memory does, whatever was measured."""
    line = fit_line(SIZES, values, SURE)
    assert line.at_zero >= 0
    assert line.slope >= 0
    assert line.at(1) > 0


def test_what_is_better_known_counts_more() -> None:
    """A value of a hundred times the variance hardly moves the line."""
    values = [2.0 + 3 * size for size in SIZES]
    values[3] *= 1.1
    line = least_squares(SIZES, values, [1e-6, 1e-6, 1e-6, 1e-4, 1e-6, 1e-6, 1e-6])
    assert line.at(8) == pytest.approx(26, rel=0.001)


def test_noise_is_no_lack_of_fit() -> None:
    """Values that scatter around a line as their variances say give a lack of 0, in all but 1 % of cases."""
    chance = np.random.default_rng(1)
    lacks = [
        fit_line(SIZES, [(5 + size) * math.exp(chance.normal(0, 0.05)) for size in SIZES], [0.05**2] * 7).lack
        for _ in range(300)
    ]
    assert sum(lack > 0 for lack in lacks) <= 9


def test_lack_of_fit_is_told_from_noise() -> None:
    """Values that are 10 % off the line in turn, known to 1 %, lack about that much."""
    values = [(5 + size) * (1.1 if index % 2 else 1 / 1.1) for index, size in enumerate(SIZES)]
    assert math.sqrt(fit_line(SIZES, values, [1e-4] * 7).lack) == pytest.approx(0.1, rel=0.25)


def test_two_values_leave_no_lack_of_fit() -> None:
    """Any two lie on a line."""
    assert fit_line((1, 2), (3.0, 9.0), (1e-6, 1e-6)).lack == 0


def test_common_levels_weigh_by_what_is_known() -> None:
    """Values that agree within their noise have the weighted mean, and nothing beyond noise."""
    assert common_level([1.0, 1.3], [0.01, 0.04]) == pytest.approx((1.06, 0.0))


def test_what_passes_differ_by_beyond_noise_is_common_to_all_groups() -> None:
    """Pairs that differ by 5 % more than their noise of 1 % explains; pairs that noise explains differ by nothing."""
    chance = np.random.default_rng(5)
    levels = [float(level) for level in range(200)]
    quiet = [[level + chance.normal(0, 0.01) for _ in range(2)] for level in levels]
    uneven = [[value + chance.normal(0, 0.05) for value in pair] for pair in quiet]
    known = [[0.01**2] * 2] * len(levels)
    assert lack_within(quiet, known) == 0
    assert math.sqrt(lack_within(uneven, known)) == pytest.approx(0.05, rel=0.15)
    assert lack_within([[1.0], [2.0]], [[1e-4], [1e-4]]) == 0


def test_a_noisy_value_goes_to_the_centre_and_a_sure_one_stays() -> None:
    """By its variance against the lack of fit, and never further than three standard errors."""
    assert shrunk(1.0, 0.01, 1.1, 0.01) == pytest.approx(1.05)
    assert shrunk(1.0, 0.01, 1.1, 0.0) == pytest.approx(1.1)
    assert shrunk(1.0, 1e-6, 2.0, 0.0) == pytest.approx(1.003)


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(0.1, 10)), min_size=1, max_size=12))
def test_pooled_values_never_fall_and_keep_their_weighted_mean(pairs: list[tuple[float, float]]) -> None:
    """Pooling moves neighbours, not the whole."""
    values, weights = [value for value, _ in pairs], [weight for _, weight in pairs]
    pooled = never_falling(values, weights)
    assert all(a <= b for a, b in pairwise(pooled))
    assert np.average(pooled, weights=weights) == pytest.approx(np.average(values, weights=weights))
    assert never_falling(sorted(values), weights) == sorted(values)


def test_a_line_answers_at_any_place() -> None:
    """At zero plus slope times x."""
    assert Line(2.0, 3.0).at(4) == 14.0
