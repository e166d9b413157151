"""The public camera over a belt: which parts lie where, the picture of any moment, and its ground truth.

How parts, defects, belt and light look does not belong here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from framebatch_models.conveyor import belt, sprite
from framebatch_models.conveyor.camera import Lamp, Sensor
from framebatch_models.conveyor.defects import DEFECTS
from framebatch_models.conveyor.parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framebatch_models.conveyor.sprite import Patch, Sprite

LABELS: tuple[str, ...] = PARTS + DEFECTS

_DIFFICULT_VISIBLE = 0.4
_DIFFICULT_SIDE = 12.0  # design pixels
_PITCH = 132.0  # design pixels of belt per column of parts
_STRETCH = 6  # columns that share one density
_CACHE = 64
_FORWARDS = 0.5  # share of belts that run to the right
_ASTRAY = 0.1  # share of parts that lie far from their lane, so that some overlap
_LEAST_SIDE_PX = 64
_BIAS = 1 << 40  # keeps the seeds of columns and pictures before the start positive


@dataclass(frozen=True, slots=True)
class Truth:
    """One object in a scene.

    ``box`` is x1, y1, x2, y2 in source pixels, clipped to the picture; what another part covers still counts
    as within the box. ``visible`` is the share of the object (0..1) inside the picture and not covered.
    ``difficult`` objects are barely visible or too small: scoring neither rewards nor punishes them.
    """

    box: tuple[float, float, float, float]
    class_id: int
    label: str
    visible: float
    difficult: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, ``pixels`` uint8 BGR (H, W, 3), and the truth about it."""

    pixels: npt.NDArray[np.uint8]
    truth: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class _Laid:
    """A sprite lying in the picture with its corner at (left, top)."""

    sprite: Sprite
    left: int
    top: int


class Conveyor:
    """One camera over one belt, deterministic by (seed, index).

    Cheap per picture once the parts in view have been seen; an instance holds caches and belongs to one
    thread. Sizes are meant for a design width of 640 pixels and scale with the longer picture side.
    """

    def __init__(self, seed: int, *, width: int = 640, height: int = 480, fps: float = 10.0) -> None:
        """Set up the camera; ``width`` and ``height`` in pixels (at least 64), ``fps`` in pictures per second."""
        if width < _LEAST_SIDE_PX or height < _LEAST_SIDE_PX or not fps > 0.0:
            raise ValueError(
                f"a conveyor needs 64 x 64 pixels or more and a positive fps, got {width} x {height} at {fps}"
            )
        self._seed = seed & 0xFFFF_FFFF_FFFF_FFFF
        self._width, self._height, self._fps = width, height, fps
        self._unit = max(width, height) / 640.0
        rng = np.random.default_rng((self._seed, 0))
        self._speed_px_per_s = rng.uniform(50.0, 130.0) * self._unit * (1.0 if rng.random() < _FORWARDS else -1.0)
        self._blur_px = 1 + round(abs(self._speed_px_per_s) * rng.uniform(0.005, 0.03))
        self._belt = belt.weave(rng, width, height, self._unit, self._blur_px)
        self._lamp = Lamp(rng, width, height)
        self._sensor = Sensor(rng, width, height)
        self._columns: OrderedDict[int, tuple[_Laid, ...]] = OrderedDict()

    def frame(self, index: int) -> Scene:
        """Answer the scene number ``index`` (any integer, in any order)."""
        time_s = index / self._fps
        shift = round(self._speed_px_per_s * time_s)
        picture = self._belt.show(self._width, shift)
        laid = list(self._in_view(shift))
        for piece in laid:
            piece.sprite.lay(picture, piece.left, piece.top)
        rng = np.random.default_rng((self._seed, 1, index + _BIAS))
        self._lamp.shine(picture, time_s, float(rng.uniform(-1.0, 1.0)))
        self._sensor.expose(picture, *(int(number) for number in rng.integers(0, 1 << 16, 2)))
        return Scene(picture, tuple(self._truths(laid)))

    def _in_view(self, shift: int) -> Iterator[_Laid]:
        """Give the parts that may show when the belt has moved by ``shift`` pixels, lowest first."""
        pitch = _PITCH * self._unit
        first = math.floor((-shift - 1.3 * pitch) / pitch)
        last = math.ceil((self._width - shift + 1.3 * pitch) / pitch)
        for number in range(first, last + 1):
            for piece in self._column(number):
                left = piece.left + shift
                if -piece.sprite.size < left < self._width:
                    yield _Laid(piece.sprite, left, piece.top)

    def _column(self, number: int) -> tuple[_Laid, ...]:
        known = self._columns.get(number)
        if known is None:
            known = self._columns[number] = tuple(self._fill(number))
            if len(self._columns) > _CACHE:
                self._columns.popitem(last=False)
        else:
            self._columns.move_to_end(number)
        return known

    def _fill(self, number: int) -> Iterator[_Laid]:
        """Make the parts of one column of the belt, at their places on the unmoved belt."""
        stretch = np.random.default_rng((self._seed, 2, number // _STRETCH + _BIAS))
        busy = float(stretch.choice((0.06, 0.6, 0.9), p=(0.15, 0.4, 0.45)))
        rng = np.random.default_rng((self._seed, 3, number + _BIAS))
        unit = self._unit
        for lane in (0.27, 0.73):
            if rng.random() >= busy:
                continue
            x = (number + 0.5 + rng.uniform(-0.3, 0.3)) * _PITCH * unit
            spread = 0.24 if rng.random() < _ASTRAY else 0.09
            y = self._height * (lane + rng.uniform(-spread, spread))
            kind = PARTS[int(rng.integers(len(PARTS)))]
            scale = unit * rng.uniform(0.86, 1.12)
            angle = rng.uniform(0.0, 2.0 * math.pi)
            made = sprite.make(kind, scale, angle, rng, direction=self._lamp.direction, blur_px=self._blur_px)
            yield _Laid(made, round(x - made.size / 2), self._between_rails(made, round(y - made.size / 2)))

    def _between_rails(self, made: Sprite, top: int) -> int:
        """Move a sprite's ``top`` so that its part lies on the belt, where there are rails and the part fits."""
        part = made.patches[0]
        least = self._belt.rail_px - part.top
        most = self._height - self._belt.rail_px - part.top - part.mask.shape[0]
        return min(max(top, least), most) if self._belt.rail_px and least < most else top

    def _truths(self, laid: list[_Laid]) -> Iterator[Truth]:
        for number, piece in enumerate(laid):
            above = [
                other
                for other in laid[number + 1 :]
                if abs(other.left - piece.left) < max(other.sprite.size, piece.sprite.size)
                and abs(other.top - piece.top) < max(other.sprite.size, piece.sprite.size)
            ]
            for patch in piece.sprite.patches:
                truth = self._truth(piece, patch, above)
                if truth is not None:
                    yield truth

    def _truth(self, piece: _Laid, patch: Patch, above: list[_Laid]) -> Truth | None:
        left, top = piece.left + patch.left, piece.top + patch.top
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(self._width, left + patch.mask.shape[1]), min(self._height, top + patch.mask.shape[0])
        if x0 >= x1 or y0 >= y1:
            return None
        seen = patch.mask[y0 - top : y1 - top, x0 - left : x1 - left]
        if seen.shape != patch.mask.shape:
            x, y, width, height = cv2.boundingRect(seen)
            if width == 0 or height == 0:
                return None
            seen = seen[y : y + height, x : x + width]
            x0, y0 = x0 + x, y0 + y
            x1, y1 = x0 + width, y0 + height
        shown = _uncovered(seen, x0, y0, above)
        if shown == 0:
            return None
        visible = shown / patch.area
        slim = min(x1 - x0, y1 - y0) < _DIFFICULT_SIDE * self._unit
        return Truth(
            (float(x0), float(y0), float(x1), float(y1)),
            LABELS.index(patch.label),
            patch.label,
            visible,
            slim or visible < _DIFFICULT_VISIBLE,
        )


def _uncovered(seen: npt.NDArray[np.uint8], left: int, top: int, above: list[_Laid]) -> int:
    """Count the set pixels of ``seen``, whose corner is at (left, top), that no part above covers."""
    own = seen
    for other in above:
        cover = other.sprite.patches[0]
        dx, dy = other.left + cover.left - left, other.top + cover.top - top
        x0, y0 = max(0, dx), max(0, dy)
        x1, y1 = min(seen.shape[1], dx + cover.mask.shape[1]), min(seen.shape[0], dy + cover.mask.shape[0])
        if x0 >= x1 or y0 >= y1:
            continue
        if own is seen:
            own = seen.copy()
        own[y0:y1, x0:x1] &= 1 - cover.mask[y0 - dy : y1 - dy, x0 - dx : x1 - dx]
    return int(cv2.countNonZero(own))
