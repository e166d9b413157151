"""What a comparison of two profiles comes to, in sentences for people. The figures are `framebatch.profile.comparing`'s."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from framebatch.profile.comparing import LEAST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.profile.comparing import Change, Comparison, Verdict
    from framebatch.profile.document import Measurement

__all__ = ["verdict"]


def verdict(comparison: Comparison) -> list[str]:
    """What changed, a sentence each: times, the chosen maximum, memory, energy; then what makes it doubtful."""
    sentences = (
        _times(comparison.changes),
        _noise(comparison),
        _maximum(comparison),
        _growth("memory", comparison.changes, lambda measured: measured.memory_bytes),
        _growth("energy per frame", comparison.changes, lambda measured: measured.energy_joules_per_frame),
        _other_fingerprint(comparison),
        _doubts(comparison),
    )
    return [sentence for sentence in sentences if sentence]


def _times(changes: Sequence[Change]) -> str:
    few = [str(change.batch) for change in changes if change.verdict == "few"]
    unsure = f" Too few batches were timed to tell at {', '.join(few)}." if few else ""
    tested = [change for change in changes if change.verdict not in {"few", "unmeasured"}]
    if not tested:
        return f"No batch size was measured well enough in both, so nothing can be said of times.{unsure}"
    moved = [part for part in (_moved(tested, "slower"), _moved(tested, "faster")) if part]
    if not moved:
        most = max(abs(change.ratio - 1) for change in tested)
        return f"No batch size changed beyond noise; the largest difference is {most:.1%}.{unsure}"
    noise = sum(change.verdict == "noise" for change in tested)
    rest = f"; {noise} did not change beyond noise" if noise else ""
    return f"Of {len(tested)} batch sizes {' and '.join(moved)}{rest}.{unsure}"


def _moved(changes: Sequence[Change], what: Verdict) -> str:
    moved = sorted((change for change in changes if change.verdict == what), key=lambda change: abs(change.ratio - 1))
    if not moved:
        return ""
    extent = [f"{abs(change.ratio - 1):.1%} at {change.batch}" for change in moved]
    return f"{len(moved)} became {what}, by {extent[0]}" + (f" to {extent[-1]}" if len(extent) > 1 else "")


def _noise(comparison: Comparison) -> str:
    if comparison.floor <= LEAST:
        return ""
    return f"Differences up to {comparison.floor:.1%} are noise here: passes of one run disagreed by as much."


def _maximum(comparison: Comparison) -> str:
    old, new = comparison.old.choice, comparison.new.choice
    if old.max_batch == new.max_batch:
        return f"The chosen maximum is {new.max_batch} in both."
    return f"The chosen maximum is {new.max_batch} (bound by {new.bound_by}), was {old.max_batch} ({old.bound_by})."


def _growth(what: str, changes: Sequence[Change], figure: Callable[[Measurement], float | None]) -> str:
    """By how much a figure that is not tested grew; empty where it is not known, or did not."""
    growths = []
    for change in changes:
        if change.old.measured is not None and change.new.measured is not None:
            old, new = figure(change.old.measured), figure(change.new.measured)
            if old and new:
                growths.append(new / old - 1)
    if max(map(abs, growths), default=0.0) < LEAST:
        return ""
    low, high = min(growths), max(growths)
    extent = f"{high:+.1%}" if math.isclose(low, high, abs_tol=5e-4) else f"{low:+.1%} to {high:+.1%}"
    return f"Change of {what}: {extent}."


def _other_fingerprint(comparison: Comparison) -> str:
    if not comparison.differences:
        return ""
    return f"The two were not measured of the same thing: {'; '.join(map(str, comparison.differences))}."


def _doubts(comparison: Comparison) -> str:
    doubts = [
        f"the {name} run {text}"
        for name, profile in (("old", comparison.old), ("new", comparison.new))
        for noticed, text in (
            (profile.conditions.noisy, "was noisy"),
            (profile.conditions.busy, "shared its machine with other processes"),
            (profile.conditions.throttled, "was throttled"),
            (not profile.run.complete, "was stopped early"),
        )
        if noticed
    ]
    return f"Take it with care: {', '.join(doubts)}." if doubts else ""
