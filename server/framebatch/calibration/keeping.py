"""Sizes that a fit is not shown, to see how well it foretells them: which they are, and how an error is told."""

from __future__ import annotations

from framebatch.profile import KeptOut

__all__ = ["is_power_of_two", "kept_out"]


def is_power_of_two(batch: int) -> bool:
    """Whether a size is one of those that fits for the comparison are made from: 1, 2, 4, 8, ..."""
    return batch & (batch - 1) == 0


def kept_out(batch: int, predicted: float, measured: float) -> KeptOut:
    """What was foretold of a size and what was measured there, in the same unit; the measured is not 0."""
    return KeptOut(batch=batch, predicted=predicted, measured=measured, error=(predicted - measured) / measured)
