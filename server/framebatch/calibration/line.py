"""A line through values that may or may not follow one: how much of their scatter is noise, and how much is shape.

Everything is relative: an error of 1 % weighs the same at one frame as at a hundred. The arithmetic of lines and of
borrowing strength belongs here; what the values are (times, ratios, memory) is the callers' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import log, sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Line", "common_level", "fit_line", "lack_within", "least_squares", "never_falling", "shrunk"]

ROUNDS: Final = 6
HALVINGS: Final = 40
LARGEST_LACK: Final = 4.0
REACH: Final = 3.0
NORMAL_99: Final = 2.326
"""99th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Line:
    """y = at_zero + slope * x.

    Attributes:
        at_zero: y where x is 0; not negative.
        slope: what each x adds; not negative.
        lack: variance of the true log(y) around the line's; 0 when the scatter is no more than noise.
    """

    at_zero: float
    slope: float
    lack: float = 0.0

    def at(self, x: float) -> float:
        """The line's y."""
        return self.at_zero + self.slope * x


def fit_line(xs: Sequence[float], ys: Sequence[float], variances: Sequence[float]) -> Line:
    """A line around which the values scatter by noise, of known variance, and by lack of fit, which is estimated.

    Weighted least squares on relative errors, relative to the line itself and therefore repeated a few times; each
    value weighs 1 / (its variance + lack of fit).

    Args:
        xs: at least one, positive.
        ys: positive, in any unit.
        variances: of log(y), by noise alone; positive.
    """
    lack = _lack_of_fit(lambda widened: _residuals(least_squares(xs, ys, widened), xs, ys), variances, len(xs) - 2)
    line = least_squares(xs, ys, [variance + lack for variance in variances])
    return Line(line.at_zero, line.slope, lack)


def common_level(values: Sequence[float], variances: Sequence[float]) -> tuple[float, float]:
    """The mean of values that scatter by noise, of known variance, and by more than that; and the variance of the rest.

    Args:
        values: at least one.
        variances: by noise alone; positive.
    """
    lack = _lack_of_fit(lambda widened: _around_mean(values, widened), variances, len(values) - 1)
    return _mean(values, [variance + lack for variance in variances]), lack


def lack_within(groups: Sequence[Sequence[float]], variances: Sequence[Sequence[float]]) -> float:
    """By how much more than noise the members of a group differ, as a variance that is common to all groups.

    Args:
        groups: values that would be equal within their group but for noise.
        variances: by noise alone; positive.
    """
    ends = [0, *accumulate(len(group) for group in groups)]
    flat = [value for group in groups for value in group]

    def residuals(widened: Sequence[float]) -> list[float]:
        return [rest for a, b in pairwise(ends) for rest in _around_mean(flat[a:b], widened[a:b])]

    return _lack_of_fit(residuals, [each for group in variances for each in group], len(flat) - len(groups))


def shrunk(value: float, variance: float, centre: float, lack: float) -> float:
    """A noisy value, moved towards what the others say of it: the further, the noisier it is and the better they agree.

    The posterior mean under normal noise, an empirical Bayes estimate, with limited translation (Efron & Morris 1972):
    never moved further than 3 standard errors, so that a value which is well known stays where it was measured.
    """
    moved = (centre - value) * variance / (variance + lack)
    reach = REACH * sqrt(variance)
    return value + max(-reach, min(reach, moved))


def never_falling(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest values that never fall: neighbours in the wrong order become their weighted mean.

    Pool-adjacent-violators (Ayer et al. 1955).
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, weight_a, count_a), (b, weight_b, count_b) = pools[-2:]
            together = weight_a + weight_b
            pools[-2:] = [((a * weight_a + b * weight_b) / together, together, count_a + count_b)]
    return [value for value, _, count in pools for _ in range(count)]


def least_squares(xs: Sequence[float], ys: Sequence[float], variances: Sequence[float]) -> Line:
    """The line of least weighted relative squares among those that neither fall nor begin below 0."""
    scale = list(ys)
    line = Line(0.0, 0.0)
    for _ in range(ROUNDS):
        weights = [1 / (variance * y * y) for variance, y in zip(variances, scale, strict=True)]
        line = _weighted_line(xs, ys, weights)
        scale = [line.at(x) for x in xs]
    return line


def _weighted_line(xs: Sequence[float], ys: Sequence[float], weights: Sequence[float]) -> Line:
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    both = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True))
    slope = both / spread if spread > 0 else 0.0
    if slope <= 0:
        return Line(y_mean, 0.0)
    if slope * x_mean >= y_mean:
        squares = sum(w * x * x for w, x in zip(weights, xs, strict=True))
        return Line(0.0, sum(w * x * y for w, x, y in zip(weights, xs, ys, strict=True)) / squares)
    return Line(y_mean - slope * x_mean, slope)


def _lack_of_fit(
    residuals: Callable[[Sequence[float]], Sequence[float]], variances: Sequence[float], free: int
) -> float:
    """The variance beyond noise with which the weighted squares of the residuals come to their degrees of freedom.

    Paule & Mandel (1982), for a regression as in DerSimonian & Kacker (2007, section 2): the estimate of DerSimonian &
    Laird (1986), iterated. It is 0 as long as noise alone would scatter as far once in a hundred times (Cochran's test),
    because a lack of fit that is only guessed at keeps values that do follow a line from helping each other.

    Args:
        residuals: those of the fit for given variances.
        variances: by noise alone.
        free: number of values less that of parameters.
    """

    def squares(lack: float) -> float:
        widened = [variance + lack for variance in variances]
        return sum(r * r / v for r, v in zip(residuals(widened), widened, strict=True))

    if free < 1 or squares(0.0) <= _chi_square(free):
        return 0.0
    low, high = 0.0, LARGEST_LACK
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if squares(middle) > free else (low, middle)
    return high


def _chi_square(free: int) -> float:
    """The 99th percentile of a chi-square distribution (Wilson & Hilferty 1931)."""
    ninth = 2 / (9 * free)
    return float(free * (1 - ninth + NORMAL_99 * sqrt(ninth)) ** 3)


def _residuals(line: Line, xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    return [log(y / line.at(x)) for x, y in zip(xs, ys, strict=True)]


def _mean(values: Sequence[float], variances: Sequence[float]) -> float:
    weights = [1 / variance for variance in variances]
    return sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)


def _around_mean(values: Sequence[float], variances: Sequence[float]) -> list[float]:
    mean = _mean(values, variances)
    return [value - mean for value in values]
