"""The grids of cells over a network's picture, one for each stride, that anchor-free families read their rows by."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["STRIDES", "cells", "grid"]

STRIDES: Final = (8, 16, 32)


def cells(width: int, height: int, strides: tuple[int, ...] = STRIDES) -> int:
    """Answer how many cells a network picture of this size has; a cell that it fills only in part is one."""
    return sum(-(-width // stride) * -(-height // stride) for stride in strides)


@lru_cache(maxsize=16)
def grid(width: int, height: int, strides: tuple[int, ...] = STRIDES) -> npt.NDArray[np.float32]:
    """Answer column, row and stride of every cell, float32 (N, 3): stride after stride, then top to bottom, left to right.

    The array is shared and read-only.
    """
    levels = []
    for stride in strides:
        columns, rows = np.meshgrid(np.arange(-(-width // stride)), np.arange(-(-height // stride)))
        levels.append(np.stack((columns.ravel(), rows.ravel(), np.full(rows.size, stride)), axis=1))
    table = np.concatenate(levels).astype(np.float32)
    table.flags.writeable = False
    return table
