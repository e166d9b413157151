"""What was measured of one batch size, from all passes over it: counts, quantiles, and the machine meanwhile.

Summing up belongs here. Nothing is left out as an outlier, and nothing is fitted.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from framebatch.calibration.sampling import median_interval, quantiles
from framebatch.profile import Measurement, Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from framebatch.calibration.points import Point

__all__ = ["by_size", "measurement_of", "pooled_samples"]

SHARES: Final = (0.1, 0.5, 0.9, 0.95, 0.99)
STAGES: Final = ("fill_ns", "copy_in_ns", "compute_ns", "copy_out_ns", "parse_ns")


def by_size(points: Iterable[Point]) -> dict[int, list[Point]]:
    """The points that ran to their end, by batch size, rising, the passes of each in their order."""
    sizes: dict[int, list[Point]] = {}
    for point in sorted(points, key=lambda point: (point.batch, point.number, point.samples_ns)):
        if point.samples_ns and not point.failure:
            sizes.setdefault(point.batch, []).append(point)
    return sizes


def pooled_samples(points: Sequence[Point]) -> list[int]:
    """The service times of all passes, one after the other, in nanoseconds."""
    return [sample for point in points for sample in point.samples_ns]


def measurement_of(points: Sequence[Point]) -> Measurement:
    """All passes over one batch size in figures.

    Args:
        points: at least one, of the same batch size, each with samples.
    """
    samples = pooled_samples(points)
    p10, p50, p90, p95, p99 = (round(value) for value in quantiles(samples, SHARES))
    low, high = median_interval(samples)
    readings = [point.reading for point in points]
    return Measurement(
        n=len(samples),
        median_ns=p50,
        median_low_ns=low,
        median_high_ns=high,
        min_ns=min(samples),
        max_ns=max(samples),
        p10_ns=p10,
        p90_ns=p90,
        p95_ns=p95,
        p99_ns=p99,
        stages=_stages(points),
        memory_bytes=_whole(_known(max, (reading.memory_bytes for reading in readings))),
        energy_joules_per_frame=_energy(points),
        power_watts=_known(median, (reading.power_watts for reading in readings)),
        clock_hz=_whole(_known(median, (reading.clock_hz for reading in readings))),
        temperature_celsius=_known(max, (reading.temperature_celsius for reading in readings)),
    )


def _stages(points: Sequence[Point]) -> Stages:
    medians: dict[str, int] = {}
    for stage in STAGES:
        times = [time for point in points for time in getattr(point.stages, stage)]
        if times:
            medians[stage] = round(median(times))
    return Stages(**medians)


def _energy(points: Sequence[Point]) -> float | None:
    """Joules a frame, over the passes that could tell."""
    told = [(point.reading.energy_joules, point.batch * len(point.samples_ns)) for point in points]
    joules = [energy for energy, _ in told if energy is not None]
    frames = sum(frames for energy, frames in told if energy is not None)
    return sum(joules) / frames if joules else None


def _known(summary: Callable[[list[float]], float], values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return summary(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
