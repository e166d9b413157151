"""What the camera adds to a scene: the lamp's uneven, drifting light and the sensor's noise.

Everything costly is prepared once; per picture only whole-array uint8 operations run. The belt and what
lies on it do not belong here.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

_UNITY = 128.0
_ROAM_PX = 64


class Lamp:
    """Uneven light over the picture that drifts slowly and flickers a little.

    ``direction`` (x, y) points from the lamp over the picture, for shading reliefs.
    """

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        """Prepare the light for pictures of ``width`` x ``height``."""
        turn = rng.uniform(0.0, 2.0 * math.pi)
        self.direction = (math.cos(turn), math.sin(turn))
        self._width, self._height = width, height
        x = np.linspace(-1.0, 1.0, width + _ROAM_PX, dtype=np.float32)[None, :]
        y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
        slope = rng.uniform(0.0, 0.14)
        pool_x, pool_y = rng.uniform(-0.5, 0.5, 2)
        pool = np.exp(-((x - np.float32(pool_x)) ** 2 + (y - np.float32(pool_y)) ** 2) / np.float32(0.9))
        field = 0.90 - slope * (x * self.direction[0] + y * self.direction[1]) + rng.uniform(0.0, 0.25) * (pool - 0.4)
        tint = 1.0 + rng.uniform(-0.06, 0.06, 3)
        light = field[..., None] * tint.astype(np.float32) * np.float32(_UNITY)
        self._field: Picture = np.clip(light, 0, 255).astype(np.uint8)
        self._depth = rng.uniform(0.03, 0.12)
        self._cycle_s = rng.uniform(20.0, 70.0)
        self._phase = rng.uniform(0.0, 2.0 * math.pi)
        self._flicker = rng.uniform(0.0, 0.02)

    def shine(self, picture: Picture, time_s: float, spark: float) -> None:
        """Light ``picture`` in place as of ``time_s``; ``spark`` (-1..1) is this picture's flicker."""
        turn = 2.0 * math.pi * time_s / self._cycle_s + self._phase
        gain = 1.0 + self._depth * math.sin(turn) + self._flicker * spark
        left = round((0.5 + 0.5 * math.sin(turn * 0.61)) * _ROAM_PX)
        cv2.multiply(picture, self._field[:, left : left + self._width], picture, gain / _UNITY)


class Sensor:
    """Additive noise cut from one prepared tile at a place of the caller's choice."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        """Prepare the noise for pictures of ``width`` x ``height``."""
        self._width, self._height = width, height
        sigma = rng.uniform(1.2, 4.0)
        shape = (height + _ROAM_PX, width + _ROAM_PX)
        grey = rng.standard_normal(shape, np.float32)[..., None]
        noise = (0.8 * grey + 0.6 * rng.standard_normal((*shape, 3), np.float32)) * np.float32(sigma)
        self._plus: Picture = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
        self._minus: Picture = np.clip(np.rint(-noise), 0, 255).astype(np.uint8)

    def expose(self, picture: Picture, left: int, top: int) -> None:
        """Add noise to ``picture`` in place; ``left`` and ``top`` (any integers) pick the piece of the tile."""
        left, top = left % _ROAM_PX, top % _ROAM_PX
        window = np.s_[top : top + self._height, left : left + self._width]
        cv2.add(picture, self._plus[window], picture)
        cv2.subtract(picture, self._minus[window], picture)
