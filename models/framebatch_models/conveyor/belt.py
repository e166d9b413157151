"""The belt itself: an endless texture strip and the rails beside it.

Parts, light and sensor noise do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

_RAILED = 0.5  # share of belts with rails beside them
_BELTS: tuple[tuple[float, float, float], ...] = (
    (84.0, 82.0, 80.0),
    (82.0, 98.0, 66.0),
    (116.0, 88.0, 62.0),
    (112.0, 114.0, 112.0),
    (70.0, 92.0, 78.0),
)


def _wrapped_blur(strip: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Box blur that treats the strip's left and right ends as neighbours; ``size`` is (width, height)."""
    pad = size[0]
    wide = np.concatenate((strip[:, -pad:], strip, strip[:, :pad]), axis=1)
    return np.asarray(cv2.blur(wide, size)[:, pad:-pad], np.float32)


def _stretch(rng: np.random.Generator, width: int, height: int, cell: int) -> npt.NDArray[np.float32]:
    """Smooth noise about 0 with blobs of ``cell`` pixels; the ends meet."""
    coarse = rng.standard_normal((max(2, height // cell), max(2, width // cell))).astype(np.float32)
    coarse[:, -1] = coarse[:, 0]
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


@dataclass(frozen=True, slots=True)
class Belt:
    """One belt: ``strip`` (H, period + W, 3) uint8 BGR, whose first W columns are repeated at its end."""

    strip: Picture
    period_px: int
    rail_px: int
    rails: Picture

    def show(self, width: int, shift_px: int) -> Picture:
        """Copy the picture of the bare belt, (H, width, 3) uint8, moved right by ``shift_px``."""
        start = -shift_px % self.period_px
        picture = self.strip[:, start : start + width].copy()
        if self.rail_px:
            picture[: self.rail_px] = self.rails
            picture[-self.rail_px :] = self.rails[::-1]
        return picture


def _rails(rng: np.random.Generator, width: int, rail_px: int, unit: float) -> Picture:
    profile = np.interp(np.linspace(0, 1, rail_px), (0.0, 0.35, 0.5, 0.8, 0.9, 1.0), (120, 168, 150, 132, 60, 34))
    rails = np.repeat(profile.astype(np.float32)[:, None], width, axis=1)
    rails *= 1.0 + 0.05 * cv2.blur(rng.standard_normal((rail_px, width)).astype(np.float32), (31, 1)) * 4.0
    picture = np.repeat(np.clip(rails, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    for x in np.arange(rng.uniform(20, 90) * unit, width, 150.0 * unit):
        centre = (int(x), int(rail_px * 0.42))
        cv2.circle(picture, centre, max(2, round(6 * unit)), (92, 94, 96), -1, cv2.LINE_AA)
        cv2.circle(picture, centre, max(1, round(3 * unit)), (52, 52, 54), -1, cv2.LINE_AA)
    return picture


def weave(rng: np.random.Generator, width: int, height: int, unit: float, blur_px: int) -> Belt:
    """Make a belt for pictures of ``width`` x ``height``, blurred by ``blur_px`` along its motion."""
    period = int(width * 1.5)
    tone = np.asarray(_BELTS[int(rng.integers(len(_BELTS)))], np.float32) * np.float32(rng.uniform(0.8, 1.15))
    grain = rng.standard_normal((height, period)).astype(np.float32)
    level = 1.0 + 0.05 * _wrapped_blur(grain, (3, 3)) * 2.0 + 0.05 * _stretch(rng, period, height, round(40 * unit))
    style = int(rng.integers(3))
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(period, dtype=np.float32)[None, :]
    ribs = max(1, round(period / (rng.uniform(9.0, 16.0) * unit)))
    along = np.sin(columns * np.float32(2.0 * np.pi * ribs / period))
    if style == 0:
        level += 0.045 * along * np.sin(rows * np.float32(2.0 * np.pi / (10.0 * unit)))
    elif style == 1:
        level += 0.05 * along
    for _ in range(int(rng.integers(4, 12))):  # wear marks along the travel
        row = int(rng.integers(height))
        level[row : row + int(rng.integers(1, 5))] *= rng.uniform(0.86, 1.1)
    seam = int(rng.integers(period))
    lean = rng.uniform(-0.2, 0.2)
    away = np.abs((columns - seam - lean * rows + period / 2) % period - period / 2)
    level *= 1.0 - 0.4 * np.clip(1.0 - away / (2.5 * unit), 0.0, 1.0)
    if blur_px > 1:
        level = _wrapped_blur(level.astype(np.float32), (blur_px, 1))
    strip = np.clip(level[..., None] * tone, 0, 255).astype(np.uint8)
    strip = np.concatenate((strip, strip[:, :width]), axis=1)
    rail = round(rng.uniform(26, 44) * unit) if rng.random() < _RAILED else 0
    return Belt(strip, period, rail, _rails(rng, width, rail, unit) if rail else strip[:0, :width])
