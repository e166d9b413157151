"""What every head gives: the candidates of a whole batch, in network pixels, before suppression. No family knows more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Candidates", "Layout"]


class Layout(NamedTuple):
    """What a head must know beyond the arrays."""

    width: int
    """Of the network's picture, in pixels."""
    height: int


class Candidates(NamedTuple):
    """The boxes of all frames of a batch that passed the confidence threshold, grouped by frame, n in all."""

    frames: npt.NDArray[np.intp]
    """(n,) which frame of the batch, never falling."""
    boxes: npt.NDArray[np.float32]
    """float32 (n, 4) corners x1, y1, x2, y2 in network pixels; finite."""
    scores: npt.NDArray[np.float32]
    """float32 (n,), 0 to 1."""
    class_ids: npt.NDArray[np.int32]
    """int32 (n,)."""
