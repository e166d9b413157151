"""What memory allows: sizes that ran, and leave of the memory what is to be left.

The rule and its sentence belong here; the line over batch sizes is `memory_line`'s.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from framebatch.calibration.memory_line import needed_bytes
from framebatch.calibration.reasons import failure
from framebatch.calibration.wording import amount, apart, percent
from framebatch.profile import Allowed, buckets_up_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.profile import Bucket, Ceiling, Memory

__all__ = ["allowed_by_memory"]


def allowed_by_memory(buckets: Sequence[Bucket], memory: Memory | None, ceiling: Ceiling, *, limit: int) -> Allowed:
    """The largest size that ran and fits into the share of the memory that may be used.

    Args:
        buckets: what there is to choose from.
        memory: what there is; None where nobody can tell.
        ceiling: what ran; a failure counts when it was for want of memory, or nobody could tell.
        limit: the largest size that was to be tried.
    """
    failed = ceiling.smallest_failed if ceiling.failure in {"", "memory"} else None
    ran = [bucket.batch for bucket in buckets if failed is None or bucket.batch < failed]
    fitting = ran if memory is None else list(takewhile(lambda batch: _fits(batch, buckets, memory), ran))
    most = fitting[-1] if fitting else 0
    if memory is not None and len(fitting) < len(ran):
        return Allowed(max_batch=most, why=_too_much(ran[len(fitting)], buckets, memory))
    if failed is not None:
        return Allowed(max_batch=most, why=failure(failed, ceiling.why))
    if memory is None:
        why = f"A batch of {most} ran, and nobody can tell how much memory there is."
        return Allowed(max_batch=most, at_least=True, why=why)
    beyond = next(size for size in buckets_up_to(2 * most) if size > most)
    if memory.line and beyond <= limit and not _fits(beyond, buckets, memory):
        return Allowed(max_batch=most, why=_too_much(beyond, buckets, memory))
    why = f"A batch of {most} takes {amount(_needed(most, buckets, memory))}, and {_budget(memory)}."
    return Allowed(max_batch=most, at_least=True, why=why)


def _fits(batch: int, buckets: Sequence[Bucket], memory: Memory) -> bool:
    return _needed(batch, buckets, memory) <= _left_bytes(memory)


def _left_bytes(memory: Memory) -> float:
    return memory.fraction * memory.total_bytes - memory.others_bytes


def _needed(batch: int, buckets: Sequence[Bucket], memory: Memory) -> float:
    """What a size takes: no less than the line says, and no less than it or a smaller one was seen to take.

    A size that was not measured gets the line's margin on top; without a line it is taken for the next larger one.
    """
    seen = {bucket.batch: bucket.measured.memory_bytes or 0 for bucket in buckets if bucket.measured}
    least = max((taken for size, taken in seen.items() if size <= batch), default=0)
    if memory.line is None:
        return max(least, next((taken for size, taken in sorted(seen.items()) if size >= batch), 0))
    return max(least, needed_bytes(memory.line, batch) - (memory.line.margin_bytes if seen.get(batch) else 0))


def _too_much(batch: int, buckets: Sequence[Bucket], memory: Memory) -> str:
    ran = any(bucket.batch == batch and bucket.measured for bucket in buckets)
    left = max(0.0, _left_bytes(memory))
    needed, rest = apart(_needed(batch, buckets, memory), left, amount)
    return f"A batch of {batch} {'takes' if ran else 'would take'} {needed}, and {_budget(memory, rest)}."


def _budget(memory: Memory, left: str = "") -> str:
    """`80 % of the device's 8 GiB, less 300 MiB of other processes, leave 6.1 GiB`."""
    others = f", less {amount(memory.others_bytes)} of other processes," if memory.others_bytes else ""
    rest = left or amount(max(0.0, _left_bytes(memory)))
    return f"{percent(memory.fraction)} of the {memory.kind}'s {amount(memory.total_bytes)}{others} leave {rest}"
