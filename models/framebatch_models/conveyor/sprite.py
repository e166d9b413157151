"""From a part to a sprite: light on the relief, shadow, motion blur, and paint ready to be laid on a belt.

The drawing of parts and defects and the picture as a whole do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from framebatch_models.conveyor import defects, parts

if TYPE_CHECKING:
    from framebatch_models.conveyor.defects import Mask

Picture = npt.NDArray[np.uint8]

_MARGIN_PX = 10
_BRUSHED_ACROSS = 0.5  # share of parts whose surface was brushed along x


@dataclass(frozen=True, slots=True)
class Patch:
    """One labelled object of a sprite: where its cropped mask (uint8 0/1) lies, from the sprite's corner."""

    label: str
    left: int
    top: int
    mask: Mask
    area: int


@dataclass(frozen=True, slots=True)
class Sprite:
    """A painted part: ``paint`` and ``keep`` (n, n, 3) uint8.

    Laying it on a picture means ``picture * keep / 255 + paint``. ``patches`` holds the part itself first,
    then its defects.
    """

    paint: Picture
    keep: Picture
    patches: tuple[Patch, ...]

    @property
    def size(self) -> int:
        """Edge of the sprite in pixels."""
        return int(self.paint.shape[0])

    def lay(self, picture: Picture, left: int, top: int) -> None:
        """Lay the sprite on ``picture`` in place with its corner at (left, top), which may be outside."""
        height, width = picture.shape[:2]
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(width, left + self.size), min(height, top + self.size)
        if x0 >= x1 or y0 >= y1:
            return
        under = picture[y0:y1, x0:x1]
        own = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
        cv2.multiply(under, self.keep[own], under, 1.0 / 255.0)
        cv2.add(under, self.paint[own], under)


def _patch(label: str, mask: Mask) -> Patch:
    x, y, width, height = cv2.boundingRect(mask)
    crop = np.ascontiguousarray(mask[y : y + height, x : x + width])
    return Patch(label, x + _MARGIN_PX, y + _MARGIN_PX, crop, int(np.count_nonzero(crop)))


def _shaded(part: parts.Part, direction: tuple[float, float], rng: np.random.Generator) -> parts.Plane:
    """Light the relief: BGR colours, float32."""
    relief = np.asarray(cv2.blur(part.relief, (3, 3)), np.float32)
    across = np.asarray(cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=0.125), np.float32)
    down = np.asarray(cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=0.125), np.float32)
    slope = across * np.float32(direction[0]) + down * np.float32(direction[1])
    light = np.asarray(1.0 + np.clip(slope, -0.75, 0.75) * np.float32(0.72), np.float32)
    grain = rng.standard_normal(relief.shape, np.float32)
    streak = (9, 1) if rng.random() < _BRUSHED_ACROSS else (1, 9)
    light += np.asarray(cv2.blur(grain, streak), np.float32) * np.float32(0.06)
    shine = np.clip(slope - 0.25, 0.0, 0.6) * np.float32(70.0 if part.kind != "connector" else 30.0)
    return np.asarray(part.albedo * light[..., None] + shine[..., None], np.float32)


def make(
    kind: str,
    unit: float,
    angle_rad: float,
    rng: np.random.Generator,
    *,
    direction: tuple[float, float],
    blur_px: int,
) -> Sprite:
    """Draw, damage, light and blur one part; ``direction`` is the light's and ``blur_px`` runs along x."""
    missing, surface = defects.choose(rng)
    part = parts.draw(kind, unit, angle_rad, rng, missing=missing)
    found = defects.work(part, unit, surface, rng)
    colour = _shaded(part, direction, rng)
    cover = np.clip(0.5 - part.distance, 0.0, 1.0).astype(np.float32)
    pad = _MARGIN_PX
    cover = np.pad(cover, pad)
    premixed = np.pad(np.clip(colour, 0.0, 255.0), ((pad, pad), (pad, pad), (0, 0))) * cover[..., None]
    reach = 4.0 * unit
    move = np.asarray([[1, 0, direction[0] * reach], [0, 1, direction[1] * reach]], np.float32)
    shadow = cv2.warpAffine(cv2.blur(cover, (7, 7)), move, (cover.shape[1], cover.shape[0]))
    veil = 1.0 - (1.0 - cover) * (1.0 - 0.55 * np.asarray(shadow, np.float32))
    if blur_px > 1:
        premixed = np.asarray(cv2.blur(premixed, (blur_px, 1)), np.float32)
        veil = np.asarray(cv2.blur(veil, (blur_px, 1)), np.float32)
    keep = np.rint(255.0 * (1.0 - veil)).astype(np.uint8)
    solid = (part.distance < 0.0).astype(np.uint8)
    patches = [_patch(kind, solid), *(_patch(label, mask) for label, mask in found)]
    return Sprite(
        np.rint(premixed).astype(np.uint8),
        np.ascontiguousarray(np.repeat(keep[..., None], 3, axis=2)),
        tuple(patches),
    )
