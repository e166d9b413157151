"""Memory over batch sizes: a line where it is one, and how far the line can be trusted.

What is fitted belongs here; what may be used of the memory is `choice`'s decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.calibration.keeping import is_power_of_two, kept_out
from framebatch.calibration.line import least_squares
from framebatch.profile import MemoryLine

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["fit_memory", "needed_bytes"]

FEWEST_SIZES: Final = 3
LARGEST_ERROR: Final = 0.1


def fit_memory(memory_bytes: Mapping[int, int]) -> MemoryLine | None:
    """A line through what the powers of two took, tried on the sizes between and beyond them.

    Least squares of relative errors, neither falling nor beginning below 0. Where fewer than two powers of two ran
    all sizes are used, and none is kept out.

    Args:
        memory_bytes: what a fresh process took to run each batch size, in bytes, positive.

    Returns:
        None with fewer than three sizes, and where some size is more than 10 % off the line, so that it is none:
        an allocator that doubles what it holds, or a size that computes by another algorithm.
    """
    if len(memory_bytes) < FEWEST_SIZES:
        return None
    powers = [batch for batch in sorted(memory_bytes) if is_power_of_two(batch)]
    shown = powers if len(powers) > 1 else sorted(memory_bytes)
    line = least_squares(shown, [memory_bytes[batch] for batch in shown], [1.0] * len(shown))
    residuals = {batch: taken - line.at(batch) for batch, taken in memory_bytes.items()}
    if any(abs(residual) > LARGEST_ERROR * memory_bytes[batch] for batch, residual in residuals.items()):
        return None
    return MemoryLine(
        base_bytes=line.at_zero,
        bytes_per_frame=line.slope,
        margin_bytes=max(0.0, *residuals.values()),
        kept_out=tuple(
            kept_out(batch, line.at(batch), taken)
            for batch, taken in sorted(memory_bytes.items())
            if batch not in shown
        ),
    )


def needed_bytes(line: MemoryLine, batch: int) -> float:
    """What a batch size takes at most, as far as was seen: the line, and by how much any size went beyond it."""
    return line.base_bytes + line.bytes_per_frame * batch + line.margin_bytes
