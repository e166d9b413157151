"""What every head gives: the candidates of a whole batch, in network pixels, before suppression. No family knows more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Candidates", "Layout"]


class Layout(NamedTuple):
    """What a head must know beyond the arrays."""

    width: int
    """Of the network's picture, in pixels."""
    height: int
    confidence: float
    """Only candidates with a score above it count, 0 to 1."""


class Candidates(NamedTuple):
    """The boxes of all frames of a batch that passed the confidence threshold, grouped by frame, n in all."""

    frames: npt.NDArray[np.intp]
    """(n,) which frame of the batch, never falling."""
    boxes: npt.NDArray[np.float32]
    """float32 (n, 4) corners x1, y1, x2, y2 in network pixels."""
    scores: npt.NDArray[np.float32]
    """float32 (n,), 0 to 1."""
    class_ids: npt.NDArray[np.int32]
    """int32 (n,)."""

    @classmethod
    def none(cls) -> Candidates:
        """No candidate in any frame."""
        return cls(np.empty(0, np.intp), np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int32))
