"""The pictures of a report, each drawn onto axes that it is given: latency, throughput, memory and energy over the batch.

One profile is drawn with its bands and points; several, as lines beside each other. Colours come from the palette.
Where a drawing goes, and in which format, is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from framebatch.calibration.report.findings import chosen_bucket, memory_limit_bytes
from framebatch.calibration.report.palette import LIGHT, MARKERS, SERIES
from framebatch.clock import SECOND_NS, ns_to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from matplotlib.axes import Axes

    from framebatch.calibration.variants import Trial
    from framebatch.profile import Bucket, Measurement, Profile

__all__ = ["draw_energy", "draw_latency", "draw_memory", "draw_throughput"]

_GIB: Final = 1 << 30
_MIB: Final = 1 << 20
_IN_SIGHT: Final = 1.25
"""A limit is drawn when it is at most so many times the largest measured; else the words beside the picture tell it."""
_CLOSEST_TICKS: Final = 0.06
"""Of the axis' length."""
_HEADROOM: Final = 1.12
_DASHES: Final[dict[str, Any]] = {"marker": "_", "linestyle": "none", "markersize": 9, "markeredgewidth": 1.6}
_RING: Final[dict[str, Any]] = {
    "marker": "o",
    "linestyle": "none",
    "markersize": 13,
    "markerfacecolor": "none",
    "markeredgewidth": 2,
}
_HALF: Final = 0.5
_LOW: Final = 0.1
"""Of the axes' height: there is no room for words below."""
_BEYOND_CHOSEN: Final = 4
"""Latency is drawn up to so many times the chosen maximum."""
_LEAST_SHOWN: Final = 8
"""And up to so many frames at least."""
_ABOVE_LEFT: Final[dict[str, Any]] = {"xytext": (-9, 6), "ha": "right", "va": "bottom"}
_ABOVE: Final[dict[str, Any]] = {"xytext": (0, 10), "ha": "center", "va": "bottom"}
_BELOW_RIGHT: Final[dict[str, Any]] = {"xytext": (9, -6), "ha": "left", "va": "top"}
_DOUBLINGS: Final = tuple(2**power for power in range(11))
_BEYOND: Final = 1.1
_LEGEND_BELOW: Final = (0.5, -0.17)


def draw_latency(axes: Axes, trials: Sequence[Trial]) -> None:
    """Service time: the fitted median with its quantiles, and what was measured with its intervals.

    Sizes far beyond the chosen maximum would press what matters into a corner; they are left to the table.
    """
    most = max(_LEAST_SHOWN, _BEYOND_CHOSEN * max(profile.choice.max_batch for _, profile, _, _ in _lines(trials)))
    if len(trials) > 1:
        _side_by_side(axes, trials, lambda bucket: ns_to_ms(bucket.service_ns) if bucket.batch <= most else None)
        _finish(axes, trials, "ms a batch", most=most)
        return
    ((_, profile, colour, _),) = _lines(trials)
    buckets = [bucket for bucket in profile.buckets if bucket.batch <= most]
    sizes = [bucket.batch for bucket in buckets]
    low, high = ([ns_to_ms(value) for value in band] for band in _bands(buckets))
    axes.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0, label="10th to 90th percentile")
    axes.plot(sizes, [ns_to_ms(bucket.service_ns) for bucket in buckets], color=colour, label="median, fitted")
    measured = [(size, values) for size, values in _measured(profile) if size <= most]
    p99 = [(size, ns_to_ms(values.p99_ns)) for size, values in measured]
    axes.plot(*_columns(p99), color=colour, label="99th percentile", **_DASHES)
    _medians_with_intervals(axes, measured, colour)
    _finish(axes, trials, "ms a batch", most=most)
    half = ns_to_ms(profile.choice.deadline_ns / 2)
    if half <= axes.get_ylim()[1] * _IN_SIGHT:
        _limit(axes, half, "half the deadline")
    _mark(axes, profile, lambda bucket: ns_to_ms(bucket.service_ns))


def draw_throughput(axes: Axes, trials: Sequence[Trial]) -> None:
    """Frames a second, over doublings, with the knee."""
    if len(trials) > 1:
        _side_by_side(axes, trials, lambda bucket: bucket.throughput_fps)
        _finish(axes, trials, "frames/s", doublings=True)
        return
    ((_, profile, colour, marker),) = _lines(trials)
    fitted = [(bucket.batch, bucket.throughput_fps) for bucket in profile.buckets]
    axes.plot(*_columns(fitted), color=colour, label="fitted")
    measured = [(bucket.batch, _carried(bucket, bucket.measured)) for bucket in profile.buckets if bucket.measured]
    axes.plot(*_columns(measured), marker, color=colour, label="measured")
    knee, largest = profile.choice.throughput, profile.buckets[-1].batch
    if not knee.at_least and 1 <= knee.max_batch < largest:
        axes.axvline(knee.max_batch, color=LIGHT["muted"], linestyle=":", label="knee: beyond, doubling brings little")
    _finish(axes, trials, "frames/s", doublings=True)
    _mark(axes, profile, lambda bucket: bucket.throughput_fps)


def _carried(bucket: Bucket, measured: Measurement) -> float:
    """Frames a second by the measured median, with what the host adds to each batch as for the fitted one."""
    host_ns = bucket.batch * SECOND_NS / bucket.throughput_fps - bucket.service_ns
    return bucket.batch * SECOND_NS / (measured.median_ns + host_ns)


def draw_memory(axes: Axes, trials: Sequence[Trial]) -> None:
    """Memory by batch, its line, the points that the line was not shown, the limit and what failed."""
    most = max(values for _, profile, _, _ in _lines(trials) for _, values in _memory(profile))
    unit, name = (_GIB, "GiB") if most >= 2 * _GIB else (_MIB, "MiB")
    if len(trials) > 1:
        _side_by_side(axes, trials, lambda bucket: _memory_of(bucket, unit))
        _finish(axes, trials, name)
        return
    ((_, profile, colour, marker),) = _lines(trials)
    line = profile.memory.line if profile.memory else None
    points = [(size, values / unit) for size, values in _memory(profile)]
    kept_out = {point.batch for point in line.kept_out} if line else set()
    if line is not None:
        ends = (0, max(size for size, _ in points))
        axes.plot(
            ends, [(line.base_bytes + line.bytes_per_frame * size) / unit for size in ends], color=colour, label="line"
        )
    axes.plot(*_columns(point for point in points if point[0] not in kept_out), marker, color=colour, label="measured")
    if kept_out:
        hollow = _columns(point for point in points if point[0] in kept_out)
        axes.plot(
            *hollow, marker, color=colour, markerfacecolor=LIGHT["ground"], label="measured, kept out of the line"
        )
    _finish(axes, trials, name)
    _memory_limits(axes, profile, unit)
    _mark(axes, profile, lambda bucket: _memory_of(bucket, unit))


def draw_energy(axes: Axes, trials: Sequence[Trial]) -> None:
    """Joules a frame."""
    _side_by_side(axes, trials, _energy_of)
    _finish(axes, trials, "joules a frame", doublings=True)
    if len(trials) == 1:
        _mark(axes, next(_lines(trials))[1], _energy_of, place=_ABOVE)


def _side_by_side(axes: Axes, trials: Sequence[Trial], height: Callable[[Bucket], float | None]) -> None:
    """One line for each trial, with a ring around its largest batch."""
    alone = len(trials) == 1
    for label, profile, colour, marker in _lines(trials):
        points = [(bucket.batch, value) for bucket in profile.buckets if (value := height(bucket)) is not None]
        axes.plot(*_columns(points), marker, linestyle="-", color=colour, label="measured" if alone else label)
        chosen = [point for point in points if point[0] == profile.choice.max_batch]
        if not alone:
            axes.plot(*_columns(chosen), color=colour, **_RING)


def _lines(trials: Sequence[Trial]) -> Iterator[tuple[str, Profile, str, str]]:
    """Label, profile, colour and marker of each that has a profile."""
    for number, trial in enumerate(trials):
        if trial.profile is not None:
            place = number % len(SERIES)
            yield trial.label, trial.profile, LIGHT[SERIES[place]], MARKERS[place]


def _bands(buckets: Sequence[Bucket]) -> tuple[list[int], list[int]]:
    return [bucket.low_ns for bucket in buckets], [bucket.high_ns for bucket in buckets]


def _measured(profile: Profile) -> Iterator[tuple[int, Measurement]]:
    for bucket in profile.buckets:
        if bucket.measured is not None:
            yield bucket.batch, bucket.measured


def _memory(profile: Profile) -> Iterator[tuple[int, int]]:
    for batch, values in _measured(profile):
        if values.memory_bytes is not None:
            yield batch, values.memory_bytes


def _memory_of(bucket: Bucket, unit: int) -> float | None:
    known = bucket.measured.memory_bytes if bucket.measured else None
    return None if known is None else known / unit


def _energy_of(bucket: Bucket) -> float | None:
    return bucket.measured.energy_joules_per_frame if bucket.measured else None


def _columns(points: Iterable[tuple[int, float]]) -> tuple[list[int], list[float]]:
    rows = list(points)
    return [row[0] for row in rows], [row[1] for row in rows]


def _medians_with_intervals(axes: Axes, measured: Sequence[tuple[int, Measurement]], colour: str) -> None:
    medians = [ns_to_ms(values.median_ns) for _, values in measured]
    below = [ns_to_ms(max(0, values.median_ns - values.median_low_ns)) for _, values in measured]
    above = [ns_to_ms(max(0, values.median_high_ns - values.median_ns)) for _, values in measured]
    sizes = [size for size, _ in measured]
    axes.errorbar(sizes, medians, (below, above), fmt="o", color=colour, capsize=2.5, label="measured, 95 % interval")


def _finish(
    axes: Axes, trials: Sequence[Trial], unit: str, *, doublings: bool = False, most: int | None = None
) -> None:
    """Scales, ticks and grid; the vertical axis begins at nothing, so that heights compare.

    Args:
        axes: with everything on them that is to be seen.
        trials: what was drawn.
        unit: of the vertical axis.
        doublings: whether the horizontal axis has equal steps for equal ratios.
        most: the largest size that was drawn, where that is not all.
    """
    every = sorted({bucket.batch for _, profile, _, _ in _lines(trials) for bucket in profile.buckets})
    sizes = [size for size in every if most is None or size <= most] or every[:1]
    if doublings:
        axes.set_xscale("log", base=2)
        axes.set_xlim(sizes[0] / _BEYOND, sizes[-1] * _BEYOND)
        ticks = [tick for tick in _DOUBLINGS if sizes[0] <= tick <= sizes[-1]] or sizes
    else:
        axes.set_xlim(0, sizes[-1] * 1.05)
        ticks = _apart(sizes)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_ylim(0, max(axes.get_ylim()[1], 0) * _HEADROOM)
    axes.set_xlabel("frames in a batch" + (f" (the table goes up to {every[-1]})" if every[-1] > sizes[-1] else ""))
    axes.set_ylabel(unit)
    axes.grid(visible=True, axis="y")
    axes.legend(loc="upper center", bbox_to_anchor=_LEGEND_BELOW, ncols=2, frameon=False)


def _apart(sizes: Sequence[int]) -> list[int]:
    """Those sizes whose numbers do not touch, the largest first."""
    ticks: list[int] = []
    for size in reversed(sizes):
        if not ticks or ticks[-1] - size >= _CLOSEST_TICKS * sizes[-1]:
            ticks.append(size)
    return ticks[::-1]


def _memory_limits(axes: Axes, profile: Profile, unit: int) -> None:
    limit = memory_limit_bytes(profile)
    if limit is not None and limit / unit <= axes.get_ylim()[1] * _IN_SIGHT:
        _limit(axes, limit / unit, "limit")
    failed = profile.ceiling.smallest_failed
    if failed is not None:
        axes.set_xlim(0, max(axes.get_xlim()[1], failed * 1.05))
        axes.axvline(failed, color=LIGHT["muted"], linestyle=":")
        axes.annotate(
            f"{failed} failed", (failed, 0.03), xycoords=("data", "axes fraction"), ha="right", va="bottom",
            xytext=(-4, 0), textcoords="offset points", color=LIGHT["muted"],
        )  # fmt: skip


def _limit(axes: Axes, value: float, words: str) -> None:
    axes.set_ylim(0, max(axes.get_ylim()[1], value * _HEADROOM))
    axes.axhline(value, color=LIGHT["muted"], linestyle="--")
    axes.annotate(
        words, (0.015, value), xycoords=("axes fraction", "data"), va="bottom",
        xytext=(0, 2), textcoords="offset points", color=LIGHT["muted"],
    )  # fmt: skip


def _mark(
    axes: Axes, profile: Profile, height: Callable[[Bucket], float | None], *, place: dict[str, Any] | None = None
) -> None:
    """A ring around the chosen maximum, with its number: at a place, or where a rising curve leaves room."""
    bucket = chosen_bucket(profile)
    value = height(bucket)
    if value is None:
        return
    axes.plot(bucket.batch, value, color=LIGHT["mark"], **_RING)
    across, up = axes.transAxes.inverted().transform(axes.transData.transform((bucket.batch, value)))
    if place is None:
        place = _ABOVE_LEFT if across > _HALF else _ABOVE if up < _LOW else _BELOW_RIGHT
    axes.annotate(
        f"{bucket.batch} chosen", (bucket.batch, value), textcoords="offset points", color=LIGHT["mark"], **place
    )
