"""What a series of timed batches tells of their median, and when there are enough of them.

Order statistics of one series belong here, in the order in which it was taken. Curves over several batch sizes are
`fit`'s business; nothing here measures.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb, floor, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["CONFIDENCE", "ENOUGH_SAMPLES", "ENOUGH_SHARE", "effective_size", "enough", "median_interval", "quantiles"]

CONFIDENCE: Final = 0.95
ENOUGH_SAMPLES: Final = 200
ENOUGH_SHARE: Final = 0.01
FEW: Final = 10
EXACT: Final = 1000


def quantiles(samples: Sequence[float], shares: Sequence[float]) -> tuple[float, ...]:
    """The samples' quantiles, by definition 7 of Hyndman & Fan (1996).

    Linear between neighbouring order statistics: at 0.5 it is the ordinary median, and it is what NumPy, R and
    spreadsheets compute unasked, so that anybody can check a profile's figures against the raw times.

    Args:
        samples: at least one, in any order and unit.
        shares: from 0 to 1.
    """
    return tuple(float(value) for value in np.quantile(np.asarray(samples, np.float64), shares))


def median_interval(samples: Sequence[int], confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Two of the samples between which the true median lies with the given confidence, whatever the distribution.

    For independent samples the number of them below the true median is binomial (n, 1/2), which gives the ranks
    (David & Nagaraja, Order Statistics, 3rd ed., section 7.1). Batches that follow each other are not independent: a
    host that is slow for a second slows many of them. The ranks are therefore those of as many independent samples as
    the series is worth, see `effective_size`.

    With fewer than 6 (at 95 %) the smallest and the largest are answered, which promise less than was asked for.

    Args:
        samples: at least one, in the order in which they were taken, in any unit.
        confidence: above 0 and below 1.

    Raises:
        ValueError: there is no sample.
    """
    count = len(samples)
    if not count:
        raise ValueError("there are no samples; the interval of a median needs at least one")
    worth = max(1, int(effective_size(samples)))
    low = max(0, _rank(worth, confidence) * count // worth - 1)
    ordered = sorted(samples)
    return ordered[low], ordered[count - 1 - low]


def effective_size(samples: Sequence[float]) -> float:
    """How many independent samples would tell as much of the median as these, at most their number.

    The variance of a median is that of the share of samples above it, so it is the autocorrelation of these yes or no
    that counts (Sen 1968). It is summed over lags as long as the sum of neighbouring pairs is positive, and never more
    than the last (initial monotone sequence, Geyer 1992, section 3.3). A series of fewer than 10 is taken as it is.

    Args:
        samples: in the order in which they were taken.
    """
    count = len(samples)
    if count < FEW:
        return float(count)
    values = np.asarray(samples, np.float64)
    middle = np.median(values)
    above = np.sign(values - middle)
    above -= above.mean()
    variance = float(above @ above)
    if variance == 0:
        return float(count)
    return count / max(1.0, _inflation(above, variance))


def enough(samples: Sequence[int]) -> bool:
    """Whether a series may end: 200 samples, and half its median's 95 % interval at most 1 % of the median.

    Asking after every batch would find a narrow interval by chance; ask every twenty or so.
    """
    if len(samples) < ENOUGH_SAMPLES:
        return False
    low, high = median_interval(samples)
    return high - low <= 2 * ENOUGH_SHARE * float(np.median(np.asarray(samples)))


def _inflation(centred: npt.NDArray[np.float64], variance: float) -> float:
    """1 + twice the sum of the autocorrelations."""
    total, last = -1.0, float("inf")
    for lag in range(0, len(centred) - 1, 2):
        pair = sum(float(centred[: len(centred) - k] @ centred[k:]) for k in (lag, lag + 1)) / variance
        if pair <= 0:
            break
        last = min(last, pair)
        total += 2 * last
    return total


@lru_cache(maxsize=1024)
def _rank(count: int, confidence: float) -> int:
    """The largest k for which the k-th smallest of `count` independent samples is above the median seldom enough."""
    tail = (1 - confidence) / 2
    if count > EXACT:
        return floor(count / 2 + NormalDist().inv_cdf(tail) * sqrt(count) / 2)
    below, rank = 1, 0
    while below <= tail * 2**count:
        rank += 1
        below += comb(count, rank)
    return rank
