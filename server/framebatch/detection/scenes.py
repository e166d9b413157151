"""Made-up pictures that detectors answer something on: for proofs that run a model where no photo is at hand.

Nothing is read or run here. The pictures are the same on every machine, because what is proven with them is compared.
"""

# ruff: noqa: PLR2004 - the numbers are proportions of what is drawn
from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

__all__ = ["scenes"]

_OBJECTS: Final = 9
_NOISE: Final = 8
_REACH: Final = 3.8  # how far from its centre an object is drawn, in radii
_SKIN: Final = ((226, 180, 150), (198, 145, 110), (120, 80, 60))


def scenes(count: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Make different pictures: shaded balls, boxes, stripes and faces of all sizes before a sloping, grained ground.

    Args:
        count: How many; the first are the same, however many there are.
        width: In pixels.
        height: In pixels.

    Returns:
        uint8 (count, height, width, 3).

    """
    return np.stack([_scene(np.random.default_rng(number), width, height) for number in range(count)])


def _scene(random: np.random.Generator, width: int, height: int) -> npt.NDArray[np.uint8]:
    rows, columns = (np.arange(side, dtype=np.float32) for side in (height, width))
    picture = _ground(random, columns[None, :] / np.float32(width), rows[:, None] / np.float32(height))
    draw = (_ball, _box, _face, _stripes)
    first = int(random.integers(len(draw)))
    for number in range(_OBJECTS):
        radius = min(width, height) * float(random.uniform(0.05, 0.22))
        centre_x, centre_y = float(random.uniform(0, width)), float(random.uniform(0, height))
        left, top = max(0, int(centre_x - _REACH * radius)), max(0, int(centre_y - _REACH * radius))
        right, bottom = int(centre_x + _REACH * radius) + 1, int(centre_y + _REACH * radius) + 1
        part = picture[top:bottom, left:right]
        u, v = np.meshgrid((columns[left:right] - centre_x) / radius, (rows[top:bottom] - centre_y) / radius)
        draw[(first + number) % len(draw)](random, part, u, v)
    grain = random.standard_normal((height // 4 + 1, width // 4 + 1, 3), np.float32) * np.float32(_NOISE)
    picture += grain.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]
    picture += random.integers(-_NOISE, _NOISE + 1, picture.shape, np.int8)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _ground(random: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """A sky and a floor, each with its gradient."""
    horizon = random.uniform(0.3, 0.6)
    colours = random.uniform(40, 220, (3, 3)).astype(np.float32)
    share = np.where(y < horizon, y / horizon, (y - horizon) / (1 - horizon))[..., None]
    lower = (colours[1] * (1 - share) + colours[2] * share) * (0.8 + 0.2 * x[..., None])
    ground: Floats = np.where(y[..., None] < horizon, colours[0] * (1 - 0.3 * share), lower).astype(np.float32)
    return ground


def _ball(random: np.random.Generator, picture: Floats, u: Floats, v: Floats) -> None:
    inside = u * u + v * v < 1
    light = np.clip(1.1 - 0.7 * np.hypot(u + 0.4, v + 0.4), 0.15, 1.1)
    picture[inside] = (random.uniform(60, 255, 3) * light[inside, None]).astype(np.float32)


def _box(random: np.random.Generator, picture: Floats, u: Floats, v: Floats) -> None:
    stretch = random.uniform(0.4, 1.6)
    frame = (np.abs(u) < stretch) & (np.abs(v) < 1)
    picture[frame] = random.uniform(0, 90, 3)
    screen = (np.abs(u) < stretch * 0.9) & (np.abs(v) < 0.85)
    picture[screen] = (random.uniform(90, 255, 3) * (0.7 + 0.3 * (u + v)[screen, None] / 3)).astype(np.float32)


def _stripes(random: np.random.Generator, picture: Floats, u: Floats, v: Floats) -> None:
    inside = (np.abs(u) < 1) & (np.abs(v) < random.uniform(0.4, 1.5))
    first, second = random.uniform(0, 255, (2, 3))
    picture[inside] = np.where((np.floor(u[inside, None] * 4) % 2) > 0, first, second)


def _face(random: np.random.Generator, picture: Floats, u: Floats, v: Floats) -> None:
    """A head with hair, eyes, nose and mouth on shoulders: what detectors of faces and of persons look for."""
    skin = np.array(_SKIN[int(random.integers(len(_SKIN)))], np.float32)
    picture[(np.hypot(u / 1.7, (v - 2.4) / 1.3) < 1)] = random.uniform(20, 230, 3)
    picture[np.hypot(u / 0.9, (v + 0.15) / 1.15) < 1] = random.uniform(10, 90, 3)
    picture[(np.abs(u) < 0.3) & (np.abs(v - 1) < 0.4)] = skin * 0.8
    head = np.hypot(u / 0.75, v / 1.0) < 1
    picture[head & (v > -0.55)] = (skin * np.clip(1.05 - 0.25 * np.hypot(u + 0.2, v + 0.2), 0.5, 1.1)[..., None])[
        head & (v > -0.55)
    ]
    for side in (-1, 1):
        picture[np.hypot((u - side * 0.3) / 0.17, (v + 0.15) / 0.08) < 1] = 245
        picture[np.hypot(u - side * 0.3, v + 0.15) < 0.07] = 30
        picture[(np.abs(u - side * 0.3) < 0.2) & (np.abs(v + 0.35) < 0.04)] = 50
    picture[np.hypot(u / 0.08, (v - 0.15) / 0.25) < 1] *= 0.88
    picture[np.hypot(u / 0.3, (v - 0.5) / 0.08) < 1] = (150, 60, 60)
