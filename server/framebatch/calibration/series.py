"""One series of timed batches of one size in a few numbers, as fitting and judging compare them with others.

All of them are of logarithms, so that variances are those of relative errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final

from framebatch.calibration.sampling import effective_size, quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Series", "series_of", "variances_of_deciles", "variances_of_medians"]

LEAST_VARIANCE: Final = 1e-8
"""Of a mean: nothing is known better than to 0.01 %."""
QUARTILES: Final = 1.349
"""Distance of a normal distribution's quartiles, in standard deviations."""
OF_MEDIAN: Final = 1.2533
"""Standard error of the median of normal samples times sqrt(n), in standard deviations: sqrt(pi / 2)."""
OF_DECILE: Final = 1.71
"""The same of their 10th and 90th percentile: sqrt(.1 * .9) / density there."""
PRIOR_SAMPLES: Final = 10
UNKNOWN_SCALE: Final = 0.05
"""Taken where no size was timed twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Timed batches of one size.

    Attributes:
        batch: frames.
        log_median: of the time in nanoseconds.
        log_low: log(10th percentile / median).
        log_high: log(90th percentile / median).
        scale: standard deviation of one batch's log(time), by the quartiles.
        count: how many there are.
        worth: how many independent ones they are worth.
    """

    batch: int
    log_median: float
    log_low: float
    log_high: float
    scale: float
    count: int
    worth: float


def series_of(batch: int, samples_ns: Sequence[int]) -> Series:
    """Sum up at least one time, in the order in which they were taken."""
    logs = [log(max(1, sample)) for sample in samples_ns]
    low, first, middle, third, high = quantiles(logs, (0.1, 0.25, 0.5, 0.75, 0.9))
    return Series(
        batch=batch,
        log_median=middle,
        log_low=low - middle,
        log_high=high - middle,
        scale=(third - first) / QUARTILES,
        count=len(samples_ns),
        worth=effective_size(samples_ns),
    )


def variances_of_medians(series: Sequence[Series]) -> list[float]:
    """How far each series' log median may be off by noise, as a variance."""
    return [OF_MEDIAN**2 * variance for variance in _variances(series)]


def variances_of_deciles(series: Sequence[Series]) -> list[float]:
    """The same of each series' 10th and 90th percentiles."""
    return [OF_DECILE**2 * variance for variance in _variances(series)]


def _variances(series: Sequence[Series]) -> list[float]:
    """Of a mean of each series' logs: by its own scale, and by the others' where it has few samples.

    A series' variance is averaged with one common to all that counts as 10 samples (moderated variance, Smyth 2004).
    """
    free = sum(one.count - 1 for one in series)
    common = sum((one.count - 1) * one.scale**2 for one in series) / free if free else UNKNOWN_SCALE**2
    return [
        LEAST_VARIANCE
        + (PRIOR_SAMPLES * common + (one.count - 1) * one.scale**2) / (PRIOR_SAMPLES + one.count - 1) / one.worth
        for one in series
    ]
