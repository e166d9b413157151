"""From measured points to the curve that scheduling plans with: each size's own figures, and what the others say of it.

Service times over batch sizes belong here. Memory is `memory_line`'s, what follows from the curve is `choice`'s. Only
sizes up to the largest that ran are answered: nothing is extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.calibration.keeping import is_power_of_two, kept_out
from framebatch.calibration.line import (
    Line,
    common_level,
    fit_line,
    lack_within,
    least_squares,
    never_falling,
    shrunk,
)
from framebatch.calibration.measurement import by_size, measurement_of, pooled_samples
from framebatch.calibration.series import series_of, variances_of_deciles, variances_of_medians
from framebatch.clock import SECOND_NS
from framebatch.profile import Bucket, LatencyTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.calibration.points import Point
    from framebatch.calibration.series import Series
    from framebatch.profile import KeptOut, Measurement

__all__ = ["Curve", "fit_curve"]

FEWEST_FOR_SHAPE: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """Service times by batch size.

    Attributes:
        buckets: every size asked for, up to the largest that ran; sizes rise and times never fall.
        kept_out: sizes of the form 3 * 2^k, foretold by a fit of the powers of two alone, in nanoseconds.
        line: the line that the sizes borrow strength from, in nanoseconds over frames.
    """

    buckets: tuple[Bucket, ...]
    kept_out: tuple[KeptOut, ...]
    line: Line

    @property
    def table(self) -> LatencyTable:
        """What scheduling plans with."""
        return LatencyTable(
            tuple(bucket.batch for bucket in self.buckets), tuple(bucket.service_ns for bucket in self.buckets)
        )

    @property
    def spread(self) -> tuple[float, float]:
        """The 10th and the 90th percentile over the median, of a typical size."""
        return (
            median(bucket.low_ns / bucket.service_ns for bucket in self.buckets),
            median(bucket.high_ns / bucket.service_ns for bucket in self.buckets),
        )


def fit_curve(points: Sequence[Point], sizes: Sequence[int], *, host_takes_turns: bool = False) -> Curve:
    """Fit service times to all passes over all sizes.

    Args:
        points: what was measured, in any order; those that failed are left aside.
        sizes: batch sizes to answer. Those beyond the largest measured are left out, as are those below the smallest.
        host_takes_turns: whether filling and reading a batch keep the device from the next one, as they do where the
            host's processor is the device; throughput then counts them.

    Raises:
        ValueError: no point ran.
    """
    measured = by_size(points)
    if not measured:
        raise ValueError("no batch size ran, so there is nothing to fit")
    line, fitted = _fit(measured)
    answered = [size for size in sorted(set(sizes)) if min(measured) <= size <= max(measured)]
    host = _host_line(measured) if host_takes_turns else Line(0.0, 0.0)
    buckets = tuple(
        _bucket(
            size,
            _between(fitted, size),
            measurement_of(measured[size]) if size in measured else None,
            host_ns=host.at(size),
        )
        for size in answered
    )
    return Curve(buckets=buckets, kept_out=_kept_out(measured), line=line)


class _Fitted(NamedTuple):
    """In nanoseconds: 10th percentile, median, 90th percentile."""

    low: float
    middle: float
    high: float


def _fit(measured: Mapping[int, Sequence[Point]]) -> tuple[Line, dict[int, _Fitted]]:
    """The line, and every measured size's figures after it borrowed from the others; sizes rise."""
    sizes = [series_of(batch, pooled_samples(passes)) for batch, passes in measured.items()]
    between = _variance_between_passes(measured)
    variances = [
        variance + between / len(measured[size.batch])
        for size, variance in zip(sizes, variances_of_medians(sizes), strict=True)
    ]
    line, middles = _medians(sizes, variances)
    deciles = variances_of_deciles(sizes)
    lows = _ratios([size.log_low for size in sizes], deciles)
    highs = _ratios([size.log_high for size in sizes], deciles)
    fitted: dict[int, _Fitted] = {}
    low = high = 0.0
    for batch, middle, down, up in zip(measured, middles, lows, highs, strict=True):
        low, high = max(low, middle * min(1.0, down)), max(high, middle * max(1.0, up))
        fitted[batch] = _Fitted(low, middle, high)
    return line, fitted


def _variance_between_passes(measured: Mapping[int, Sequence[Point]]) -> float:
    """By how much more than chance the medians of passes over one size differ: what the host did meanwhile."""
    series = [[series_of(batch, point.samples_ns) for point in passes] for batch, passes in measured.items()]
    variances = iter(variances_of_medians([one for passes in series for one in passes]))
    return lack_within(
        [[one.log_median for one in passes] for passes in series],
        [[next(variances) for _ in passes] for passes in series],
    )


def _medians(sizes: Sequence[Series], variances: Sequence[float]) -> tuple[Line, list[float]]:
    """The line, and each size's median between what was measured and what the line says; they never fall."""
    own = [exp(size.log_median) for size in sizes]
    line = fit_line([size.batch for size in sizes], own, variances)
    if len(sizes) >= FEWEST_FOR_SHAPE:
        own = [
            exp(shrunk(size.log_median, variance, log(line.at(size.batch)), line.lack))
            for size, variance in zip(sizes, variances, strict=True)
        ]
    return line, never_falling(own, [1 / (variance * m * m) for variance, m in zip(variances, own, strict=True)])


def _ratios(logs: Sequence[float], variances: Sequence[float]) -> list[float]:
    """Percentiles over the median: each size's own, moved towards what is common to all."""
    level, lack = common_level(logs, variances)
    return [exp(shrunk(value, variance, level, lack)) for value, variance in zip(logs, variances, strict=True)]


def _between(fitted: Mapping[int, _Fitted], size: int) -> _Fitted:
    """What a size takes: its own figures, or on the straight line between its measured neighbours'."""
    if size in fitted:
        return fitted[size]
    below, above = next((a, b) for a, b in pairwise(fitted) if a < size < b)
    share = (size - below) / (above - below)
    return _Fitted(*(a + share * (b - a) for a, b in zip(fitted[below], fitted[above], strict=True)))


def _host_line(measured: Mapping[int, Sequence[Point]]) -> Line:
    """What filling and reading a batch take on the host, in nanoseconds over frames; nothing where nobody timed them."""
    medians: dict[int, float] = {}
    for batch, passes in measured.items():
        stages = [[sum(times) for times in zip(p.stages.fill_ns, p.stages.parse_ns, strict=False)] for p in passes]
        if times := [time for each in stages for time in each]:
            medians[batch] = max(1.0, median(times))
    if not medians:
        return Line(0.0, 0.0)
    return least_squares(list(medians), list(medians.values()), [1.0] * len(medians))


def _bucket(size: int, service: _Fitted, measured: Measurement | None, *, host_ns: float) -> Bucket:
    low, middle, high = (max(1, round(value)) for value in service)
    return Bucket(
        batch=size,
        service_ns=middle,
        low_ns=low,
        high_ns=high,
        throughput_fps=size * SECOND_NS / (middle + host_ns),
        measured=measured,
    )


def _kept_out(measured: Mapping[int, Sequence[Point]]) -> tuple[KeptOut, ...]:
    """Each measured size that is no power of two, as a fit of those alone foretells it, where it lies between two."""
    powers = {batch: passes for batch, passes in measured.items() if is_power_of_two(batch)}
    if not powers:
        return ()
    _, fitted = _fit(powers)
    return tuple(
        kept_out(batch, _between(fitted, batch).middle, median(pooled_samples(passes)))
        for batch, passes in measured.items()
        if batch not in fitted and min(fitted) < batch < max(fitted)
    )
