"""Fleets beside the largest: which sizes are worth looking at, and at which rate a given number would be carried."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from framebatch.planning.capacity import Bench
from framebatch.planning.search import largest
from framebatch.planning.stretch import settles

if TYPE_CHECKING:
    from framebatch.planning.setting import Setting

__all__ = ["largest_fps", "near"]

SHARES: Final = (0.5, 0.75, 0.9, 1.0, 1.1, 1.25)
FINE_SHARES: Final = (0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4)
"""Of the capacity."""
STEPS: Final = 100
"""A rate is found to such a part of the asked one."""


def near(setting: Setting, cameras: int, asked: int | None = None, *, finely: bool = False) -> list[int]:
    """Numbers of cameras around a capacity, rising.

    Just above what the device does at its best a queue grows so slowly that no simulation may see it overflow; such
    sizes are left out.

    Args:
        setting: whose capacity it is.
        cameras: the capacity; 0: nothing is worth looking at.
        asked: one that is among them in any case.
        finely: as many as a picture needs.
    """
    sizes = {round(share * cameras) for share in (FINE_SHARES if finely else SHARES)} | {cameras - 1, cameras}
    if 0 < cameras < setting.limit:
        sizes.add(cameras + 1)
    return sorted({size for size in sizes if size > 0 and settles(setting, size)} | ({asked} if asked else set()))


def largest_fps(setting: Setting, cameras: int) -> float:
    """Frames a second of each, below those asked for, at which so many would be carried; 0 where there is none."""

    def holds(step: int) -> bool:
        slower = replace(setting, fleet=replace(setting.fleet, fps=setting.fleet.fps * step / STEPS))
        return cameras <= slower.limit and Bench(setting=slower).evidence(cameras).fits

    guess = round(STEPS * setting.limit / cameras)
    return setting.fleet.fps * largest(holds, guess=guess, limit=STEPS - 1) / STEPS
