"""Which batch size to try next, from 1 upwards: until nothing larger could be chosen, or until it fails. Pure.

Sizes come from a ladder. After a failure the place of the ceiling is halved until two neighbours on the ladder are
found, of which the smaller ran and the larger failed: nothing is extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Bounds", "Tried", "factor_for", "foretold", "next_size"]

BATCHES_IN_DEADLINE: Final = 2
KNEE: Final = 1.03
"""Throughput of twice the batch over that of the batch, below which a doubling brings nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A batch size that was tried.

    Attributes:
        batch: Frames.
        service_ns: Its median; None: it failed.
        memory_bytes: What it took; None: nobody can tell.
    """

    batch: int
    service_ns: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Between which a climb goes on.

    Attributes:
        ladder: The sizes that may be tried, rising.
        deadline_ns: Two batches must fit into it; a size of which they do not is the last, unless the next is cheap.
        memory_bytes: What a batch may take; a size that takes more is the last. None: nobody can tell.
        room_bytes: What there is for a batch at all; a size that is expected to take more is not tried, because on a host it
            would be somebody else's memory. None: it may be tried, and fails.
        cheap_ns: Batches that take no longer are tried beyond the deadline too, to see what the other rules would allow.
        factor: By how much sizes grow; 2, or more where each try is dear.
        thorough: Go one whole step beyond the deadline, and on where larger batches bring nothing, to see all there is;
            else only as far as is needed to see that the deadline is missed, or that two doublings brought nothing.
    """

    ladder: tuple[int, ...]
    deadline_ns: int
    memory_bytes: int | None = None
    room_bytes: int | None = None
    cheap_ns: int = 0
    factor: int = 2
    thorough: bool = True

    def __post_init__(self) -> None:
        if not self.ladder or any(a >= b for a, b in pairwise(self.ladder)):
            raise ValueError(f"ladder is {self.ladder}; it must hold sizes, and rise")
        if self.factor < 2:  # noqa: PLR2004 - anything less does not climb
            raise ValueError(f"factor is {self.factor}; it must be at least 2")


def next_size(tried: Sequence[Tried], bounds: Bounds, *, affordable_ns: int) -> int | None:
    """Answer which size to try next; None when the climb is over.

    Args:
        tried: What was tried so far, in any order.
        bounds: How far to go.
        affordable_ns: What one batch may take; a size that is expected to take longer is not tried.

    """
    if not tried:
        return bounds.ladder[0]
    failed = min((size.batch for size in tried if size.service_ns is None), default=None)
    services = {
        size.batch: size.service_ns
        for size in tried
        if size.service_ns is not None and (failed is None or size.batch < failed)
    }
    if not services:
        return None
    memories = {size.batch: size.memory_bytes for size in tried if size.batch in services and size.memory_bytes}
    top = max(services)

    def too_slow(size: int) -> bool:
        return BATCHES_IN_DEADLINE * foretold(services, size) > bounds.deadline_ns

    def too_large(size: int) -> bool:
        return bounds.memory_bytes is not None and bool(memories) and foretold(memories, size) > bounds.memory_bytes

    if too_large(top) or (not bounds.thorough and _flat(services)):
        return None
    above = [size for size in bounds.ladder if size > top and (failed is None or size < failed)]
    if not above:
        return None
    size = above[len(above) // 2] if failed is not None else _step(above, top, bounds, too_slow, too_large)
    if bounds.room_bytes is not None and memories and foretold(memories, size) > bounds.room_bytes:
        return None
    return size if foretold(services, size) <= (bounds.cheap_ns if too_slow(top) else affordable_ns) else None


def factor_for(top: int, limit: int, tries: int) -> int:
    """By how much sizes must grow to come from `top` to `limit` in so many tries: a power of two, 2 at least."""
    factor = 2
    while top * factor ** max(1, tries) < limit:
        factor *= 2
    return factor


def _step(
    above: Sequence[int],
    top: int,
    bounds: Bounds,
    too_slow: Callable[[int], bool],
    too_large: Callable[[int], bool],
) -> int:
    """A multiple of the largest so far, but no further than the first size that is expected to be too much."""
    step = next((size for size in above if size >= top * bounds.factor), above[-1])
    for size in above:
        if size < step and (too_large(size) or (too_slow(size) and not bounds.thorough)):
            return size
    return step


def _flat(services: Mapping[int, int]) -> bool:
    """Whether the last two doublings brought nothing."""
    sizes = [max(services) // 4, max(services) // 2, max(services)]
    if not all(size in services for size in sizes):
        return False
    rates = [size / services[size] for size in sizes]
    return all(after < KNEE * before for before, after in pairwise(rates))


def foretold(known: Mapping[int, int], size: int) -> float:
    """What a size will need: on the line through the two largest sizes up to it, or proportional to a single one.

    Args:
        known: Time or memory by batch size; at least one.
        size: Any.

    """
    below = sorted(batch for batch in known if batch <= size)
    if not below:
        return known[min(known)]
    top = below[-1]
    if len(below) == 1:
        return known[top] * size / top
    before = below[-2]
    slope = max(0.0, (known[top] - known[before]) / (top - before))
    return known[top] + slope * (size - top)
