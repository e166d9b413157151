"""How far measured points can be trusted: what disturbed them, in sentences with figures and a remedy.

Judging belongs here; the points themselves are left as they are.
"""

from __future__ import annotations

from itertools import combinations
from math import exp, expm1, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.calibration.measurement import by_size
from framebatch.calibration.series import series_of, variances_of_medians
from framebatch.calibration.wording import amount, apart, counted, duration, listed, percent
from framebatch.profile import Conditions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framebatch.calibration.points import Point
    from framebatch.calibration.series import Series

__all__ = ["judge"]

NOISY: Final = 0.05
BUSY_SHARE: Final = 0.1
ERRORS: Final = 2.5
"""In standard errors: what a difference may be by chance, before it counts."""
FEWEST_FOR_TREND: Final = 30


def judge(points: Sequence[Point]) -> Conditions:
    """What was noticed while measuring; nothing for a quiet host and a device left alone.

    Args:
        points: all of them, in any order, failed ones too.
    """
    measured = by_size(points)
    disagreement, disagreeing = _disagreement(measured)
    drifting = _drift(measured)
    busy = _busy(points)
    throttled = _throttled(points)
    return Conditions(
        noisy=bool(disagreeing or drifting),
        busy=bool(busy),
        throttled=bool(throttled),
        disagreement=disagreement,
        text=(*disagreeing, *drifting, *busy, *throttled),
    )


class _Median(NamedTuple):
    """A series' median as a logarithm, and how far it may be off by chance."""

    log: float
    variance: float

    @property
    def ns(self) -> float:
        return exp(self.log)


def _beyond_chance(one: _Median, other: _Median) -> float:
    """The relative difference of two medians, less 2.5 standard errors of it; 0 when those explain it."""
    return expm1(max(0.0, abs(one.log - other.log) - ERRORS * sqrt(one.variance + other.variance)))


def _medians(series: Sequence[Series]) -> list[_Median]:
    return [
        _Median(one.log_median, variance) for one, variance in zip(series, variances_of_medians(series), strict=True)
    ]


def _disagreement(measured: Mapping[int, Sequence[Point]]) -> tuple[float, list[str]]:
    """The largest difference between two passes beyond chance, and a sentence if it matters."""
    pairs = _furthest_apart(measured)
    if not pairs:
        return 0.0, []
    batch = max(pairs, key=lambda batch: _beyond_chance(*pairs[batch]))
    disagreement = _beyond_chance(*pairs[batch])
    if disagreement <= NOISY:
        return disagreement, []
    more = sum(_beyond_chance(*pair) > NOISY for pair in pairs.values()) - 1
    also = f", and {counted(more, 'other size', 'other sizes')} disagreed as well" if more else ""
    one, other = pairs[batch]
    medians = " and ".join(apart(one.ns, other.ns, duration))
    text = (
        f"Two passes over batches of {batch} had medians of {medians}, {percent(disagreement)} further apart than "
        f"chance explains{also}. Stop other programs, fix the clocks, and calibrate again."
    )
    return disagreement, [text]


def _furthest_apart(measured: Mapping[int, Sequence[Point]]) -> dict[int, tuple[_Median, _Median]]:
    """For each size with several passes, those two that disagree most."""
    series = [series_of(batch, point.samples_ns) for batch, passes in measured.items() for point in passes]
    medians: dict[int, list[_Median]] = {}
    for one, median in zip(series, _medians(series), strict=True):
        medians.setdefault(one.batch, []).append(median)
    return {
        batch: max(combinations(passes, 2), key=lambda pair: _beyond_chance(*pair))
        for batch, passes in medians.items()
        if len(passes) > 1
    }


def _drift(measured: Mapping[int, Sequence[Point]]) -> list[str]:
    """A sentence on the pass whose last third took most more, or less, than its first."""
    long = [point for passes in measured.values() for point in passes if len(point.samples_ns) >= FEWEST_FOR_TREND]
    thirds: list[Series] = []
    for point in long:
        third = len(point.samples_ns) // 3
        thirds += [series_of(point.batch, point.samples_ns[:third]), series_of(point.batch, point.samples_ns[-third:])]
    if not thirds:
        return []
    medians = _medians(thirds)
    pairs = list(zip(medians[::2], medians[1::2], strict=True))
    drifts = [_beyond_chance(first, last) for first, last in pairs]
    most = max(range(len(long)), key=lambda index: drifts[index])
    if drifts[most] <= NOISY:
        return []
    before, after = apart(pairs[most][0].ns, pairs[most][1].ns, duration)
    drifting = sum(drift > NOISY for drift in drifts)
    text = (
        f"Times drifted within {counted(drifting, 'pass', 'passes')} of {len(long)}: a batch of {long[most].batch} took "
        f"{before} at first and {after} at last. Let the device warm up, or see to its cooling, and calibrate again."
    )
    return [text]


def _busy(points: Sequence[Point]) -> list[str]:
    """A sentence each on others that used the processor and the device."""
    text = []
    share = max((point.reading.others_processor_share or 0.0 for point in points), default=0.0)
    if share >= BUSY_SHARE:
        text.append(
            f"Other programs kept up to {percent(share)} of the host's processor busy. Stop them, or calibrate when the "
            "host has nothing else to do."
        )
    others = max((point.reading.others_device_processes for point in points), default=0)
    if others:
        held = max(point.reading.others_memory_bytes for point in points)
        text.append(
            f"{counted(others, 'other process', 'other processes')} used the device, with {amount(held)} of its memory. "
            "Stop them, unless they will run beside the server too."
        )
    return text


def _throttled(points: Sequence[Point]) -> list[str]:
    """A sentence on clocks that were lowered."""
    slowed = [point for point in points if point.reading.throttled]
    if not slowed:
        return []
    reasons = listed(sorted({reason for point in slowed for reason in point.reading.throttled}))
    clocks = [point.reading.clock_hz for point in slowed if point.reading.clock_hz]
    down = f", down to {min(clocks) / 1e6:.0f} MHz" if clocks else ""
    text = (
        f"The device lowered its clocks in {len(slowed)} of {counted(len(points), 'measurement', 'measurements')}{down} "
        f"({reasons}). See to its cooling and its power limit; until then it serves as slowly as it was measured."
    )
    return [text]
