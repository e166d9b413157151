"""How long a batch will take now: the measured table, corrected by what recent batches really took.

A device throttles, a host gets busy: all service times then shift by a common factor. The estimate follows that
factor slowly while nothing happens and at once when a change is detected, and keeps the spread that is left.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from framebatch.profile import LatencyTable

__all__ = ["ServiceEstimate"]

CALM_GAIN: Final = 0.05
CHANGE_GAIN: Final = 0.7
RESIDUALS: Final = 64
MIN_SIGMA: Final = 0.01
SLACK_SIGMAS: Final = 0.75
ALARM_SIGMAS: Final = 6.0
HIGH: Final = 0.9
LOW: Final = 0.1
MIN_RESIDUALS: Final = 8


class ServiceEstimate:
    """Service times p(m) of a batch of m frames in nanoseconds: a low, a middle and a high estimate.

    The factor is an exponentially weighted mean of log(observed / table). A two-sided CUSUM (Page 1954) on the
    residuals, with slack .75 sigma and threshold 6 sigma, detects a step; the factor then moves most of the way at
    once and the old residuals are forgotten. The low and high estimates are the 10th and 90th percentile of the last
    residuals around the factor; until there are enough of them, what the calibration found.

    All three are lists indexed by the number of frames, 0 .. max_batch, and never fall with it.
    """

    def __init__(self, table: LatencyTable, spread: tuple[float, float] = (1.0, 1.0)) -> None:
        """Begin with the table as it is.

        Args:
            table: the medians that were measured.
            spread: the 10th and the 90th percentile over the median, as they were measured; (1, 1): not known.

        """
        low, high = spread
        if not 0 < low <= 1 <= high:
            raise ValueError(f"spread is {spread}; it must be a ratio above 0 up to 1, and one of at least 1")
        self.table = table
        self._start = {LOW: log(low), HIGH: log(high)}
        self._log_factor = 0.0
        self._recent: deque[float] = deque(maxlen=RESIDUALS)
        self._ordered: list[float] = []
        self._above = 0.0
        self._below = 0.0
        self.changes = 0
        self.low_ns: list[int] = []
        self.mid_ns: list[int] = []
        self.high_ns: list[int] = []
        self._rebuild()

    def __repr__(self) -> str:
        return f"ServiceEstimate(factor={self.factor:.3f}, residuals={len(self._recent)}, changes={self.changes})"

    @property
    def factor(self) -> float:
        """Recent service times over the table's; 1.0 when the device does what was measured."""
        return exp(self._log_factor)

    def observe(self, frames: int, service_ns: int) -> None:
        """Learn from a finished batch. O(max_batch); once a batch."""
        residual = log(max(service_ns, 1) / self.table.by_size_ns[frames]) - self._log_factor
        sigma = self._sigma()
        self._above = max(0.0, self._above + residual - SLACK_SIGMAS * sigma)
        self._below = max(0.0, self._below - residual - SLACK_SIGMAS * sigma)
        if max(self._above, self._below) > ALARM_SIGMAS * sigma and len(self._recent) >= MIN_RESIDUALS:
            self._log_factor += CHANGE_GAIN * residual
            self._recent.clear()
            self._ordered.clear()
            self._above = self._below = 0.0
            self.changes += 1
        else:
            gain = max(CALM_GAIN, 1 / (len(self._recent) + 2)) if self.changes == 0 else CALM_GAIN
            self._log_factor += gain * residual
            self._remember(residual)
        self._rebuild()

    def _remember(self, residual: float) -> None:
        if len(self._recent) == RESIDUALS:
            self._ordered.remove(self._recent[0])
        self._recent.append(residual)
        insort(self._ordered, residual)

    def _sigma(self) -> float:
        if len(self._recent) < MIN_RESIDUALS:
            return 0.1
        mean = sum(self._recent) / len(self._recent)
        return max(MIN_SIGMA, sqrt(sum((r - mean) ** 2 for r in self._recent) / len(self._recent)))

    def _quantile(self, share: float) -> float:
        if len(self._ordered) < MIN_RESIDUALS:
            return self._start[share]
        return self._ordered[min(len(self._ordered) - 1, int(share * len(self._ordered)))]

    def _rebuild(self) -> None:
        sizes = self.table.by_size_ns
        low = exp(self._log_factor + min(0.0, self._quantile(LOW)))
        mid = exp(self._log_factor)
        high = exp(self._log_factor + max(0.0, self._quantile(HIGH)))
        self.low_ns = [round(size * low) for size in sizes]
        self.mid_ns = [round(size * mid) for size in sizes]
        self.high_ns = [round(size * high) for size in sizes]
