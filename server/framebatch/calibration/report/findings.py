"""What each picture of a report shows, in a sentence with its figures. Reads profiles, and words; draws nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.calibration.report.units import rate, three_digits
from framebatch.calibration.wording import amount, duration, listed, percent
from framebatch.clock import ns_to_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.profile import Bucket, Profile

__all__ = [
    "chosen_bucket",
    "compared",
    "energy",
    "has_energy",
    "has_memory",
    "idle",
    "kept_out",
    "latency",
    "memory",
    "memory_limit_bytes",
    "soak",
    "throughput",
    "trust",
]

_TAKES: Final = {
    "latency": "A batch of {} takes",
    "memory": "To run batches of {} takes",
    "energy": "In batches of {} a frame costs",
}
_ON_THE_LINE: Final = 0.0005
"""Errors below this would be written as 0 %."""
_EVEN: Final = 0.02
"""Changes of pace below this are not told."""


def chosen_bucket(profile: Profile) -> Bucket:
    """The bucket of the chosen maximum."""
    return next(bucket for bucket in profile.buckets if bucket.batch == profile.choice.max_batch)


def has_memory(profile: Profile) -> bool:
    """Whether any size's memory is known."""
    return any(bucket.measured and bucket.measured.memory_bytes is not None for bucket in profile.buckets)


def has_energy(profile: Profile) -> bool:
    """Whether any size's energy is known."""
    return any(bucket.measured and bucket.measured.energy_joules_per_frame is not None for bucket in profile.buckets)


def memory_limit_bytes(profile: Profile) -> float | None:
    """What this model may take: the share of all memory that may be used, less what others use."""
    if profile.memory is None:
        return None
    return profile.memory.fraction * profile.memory.total_bytes - profile.memory.others_bytes


def latency(profile: Profile) -> str:
    """How long a batch takes."""
    chosen, one = chosen_bucket(profile), profile.buckets[0]
    p99 = f" (99th percentile {duration(chosen.measured.p99_ns)})" if chosen.measured else ""
    told = f"A batch of {chosen.batch} takes {duration(chosen.service_ns)}{p99}"
    if chosen.batch == one.batch:
        return told + "."
    each = duration(chosen.service_ns / chosen.batch)
    return f"{told}, which is {each} a frame; a batch of {one.batch} takes {duration(one.service_ns)}."


def throughput(profile: Profile) -> str:
    """How many frames a second."""
    chosen, one = chosen_bucket(profile), profile.buckets[0]
    told = f"Batches of {chosen.batch} carry {rate(chosen.throughput_fps)}"
    if chosen.batch > one.batch:
        told += f", {three_digits(chosen.throughput_fps / one.throughput_fps)} times as many as batches of {one.batch}"
    knee = profile.choice.throughput
    if knee.at_least or knee.max_batch < 1:
        return told + "."
    return f"{told}. The knee is at {knee.max_batch}: beyond, a doubling brings little."


def memory(profile: Profile) -> str:
    """How much memory, by which line, and what is the most that ran."""
    line = profile.memory.line if profile.memory else None
    told: list[str] = []
    if line is not None:
        told.append(f"{amount(line.base_bytes)} and {amount(line.bytes_per_frame)} more for each frame of a batch.")
        if line.kept_out:
            worst = max(abs(point.error) for point in line.kept_out)
            near = "on it" if worst < _ON_THE_LINE else f"within {percent(worst)} of it"
            told.append(f"Sizes that the line was not shown lie {near}.")
    ceiling = profile.ceiling
    told.append(f"The largest batch that ran is {ceiling.largest_ran};")
    if ceiling.smallest_failed is None:
        told.append("nothing failed.")
    else:
        why = f" ({ceiling.why})" if ceiling.why else ""
        told.append(f"{ceiling.smallest_failed} failed{why}.")
    limit = memory_limit_bytes(profile)
    if profile.memory is not None and limit is not None:
        told.append(
            f"{amount(limit)} may be used: {percent(profile.memory.fraction)} of {amount(profile.memory.total_bytes)}"
        )
        others = profile.memory.others_bytes
        told.append(f"less {amount(others)} that others take." if others else "in all.")
    return " ".join(told)


def energy(profile: Profile) -> str:
    """What a frame costs."""
    known = [
        (bucket.measured.energy_joules_per_frame, bucket.batch)
        for bucket in profile.buckets
        if bucket.measured and bucket.measured.energy_joules_per_frame is not None
    ]
    least, batch = min(known)
    chosen = chosen_bucket(profile)
    told = f"A frame costs least in batches of {batch}: {three_digits(least)} J"
    if batch == chosen.batch or chosen.measured is None or chosen.measured.energy_joules_per_frame is None:
        return told + "."
    return f"{told}; in batches of {chosen.batch}, {three_digits(chosen.measured.energy_joules_per_frame)} J."


def compared(plot: str, named: Sequence[tuple[str, Profile]]) -> str:
    """What a picture of several profiles shows.

    Args:
        plot: its name: `latency`, `throughput`, `memory` or `energy`.
        named: the profiles with what each is called.
    """
    if plot == "throughput":
        carried = [f"{rate(chosen_bucket(profile).throughput_fps)} ({name})" for name, profile in named]
        return f"Each in its own largest batches carries: {listed(carried)}."
    sizes = set.intersection(*({bucket.batch for bucket in profile.buckets} for _, profile in named))
    shared = {size for size in sizes if size <= min(profile.choice.max_batch for _, profile in named)}
    if not shared:
        return "They have no batch size in common."
    batch = max(shared)
    figures = []
    for name, profile in named:
        bucket = next(bucket for bucket in profile.buckets if bucket.batch == batch)
        figures.append(f"{_figure(plot, bucket)} ({name})")
    return f"{_TAKES[plot].format(batch)}: {listed(figures)}."


def _figure(plot: str, bucket: Bucket) -> str:
    measured = bucket.measured
    if plot == "latency":
        return duration(bucket.service_ns)
    if plot == "memory" and measured and measured.memory_bytes is not None:
        return amount(measured.memory_bytes)
    if plot == "energy" and measured and measured.energy_joules_per_frame is not None:
        return f"{three_digits(measured.energy_joules_per_frame)} J"
    return "not known"


def idle(profile: Profile) -> str:
    """What the first batch after a pause costs."""
    if not profile.idle:
        return "not measured"
    return "; ".join(f"{duration(pause.penalty_ns)} after {ns_to_seconds(pause.idle_ns):g} s" for pause in profile.idle)


def kept_out(profile: Profile) -> str:
    """How well the latency of sizes that the fit was not shown was foretold."""
    if not profile.kept_out:
        return "not measured"
    return "; ".join(
        f"batches of {point.batch}: {duration(point.predicted)}, measured {duration(point.measured)}"
        for point in profile.kept_out
    )


def soak(profile: Profile) -> str:
    """Whether the chosen size held."""
    soaked = profile.soak
    if soaked is None:
        return "not run"
    if soaked.failed:
        return f"failed at {soaked.batch} after {soaked.batches} batches: {soaked.failed}"
    change = soaked.last_over_first - 1
    pace = f"{percent(abs(change))} {'slower' if change > 0 else 'quicker'} than"
    return (
        f"{soaked.batches} batches of {soaked.batch} in {soaked.seconds:.1f} s, median {duration(soaked.median_ns)}, "
        f"99th percentile {duration(soaked.p99_ns)}; "
        f"the last tenth was {'as quick as' if abs(change) < _EVEN else pace} the first"
    )


def trust(profile: Profile) -> tuple[str, ...]:
    """What to know before the figures are believed, a sentence each."""
    told = []
    if not profile.run.complete:
        told.append(
            "The run was stopped before its end: these are the sizes that it had measured, and nothing uses them."
        )
    if profile.simulated:
        told.append("The device is simulated: these figures are of no hardware.")
    if profile.run.quick:
        told.append("This was a quick run: fewer repetitions, wider intervals.")
    return (*told, *profile.conditions.text)
