"""Defects worked into a part's surface: scratches, dents, stains and holes nobody drilled.

Each defect changes the planes of a :class:`~framebatch_models.conveyor.parts.Part` in place and answers
the mask of what it touched. Light, belt and the choice of which part gets which defect elsewhere do not
belong here, except for the odds below.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from framebatch_models.conveyor.parts import length

if TYPE_CHECKING:
    from framebatch_models.conveyor.parts import Part, Plane

Mask = npt.NDArray[np.uint8]

DEFECTS: tuple[str, ...] = ("scratch", "missing_hole", "dent", "stain")

_STAINS: tuple[tuple[float, float, float], ...] = (
    (22.0, 44.0, 78.0),
    (16.0, 60.0, 118.0),
    (30.0, 34.0, 40.0),
    (34.0, 60.0, 52.0),
)
_TRIES = 12
_MISSING = 0.24  # share of parts that lack a hole, where they have any
_SHOWS = 0.3  # strength from which a pixel counts as part of a defect


def _offsets(part: Part, x: float, y: float) -> tuple[Plane, Plane]:
    axis = np.arange(part.distance.shape[0], dtype=np.float32)
    return axis[None, :] - np.float32(x), axis[:, None] - np.float32(y)


def _solid(part: Part, share: Plane) -> Mask:
    """Mask of the pixels where a defect of strength ``share`` shows on material."""
    return ((share > _SHOWS) & (part.distance < 0.0)).astype(np.uint8)


def _spot(
    part: Part, rng: np.random.Generator, depth_px: float, room_px: float, taken: list[tuple[float, float, float]]
) -> tuple[float, float] | None:
    """Draw a point at least ``depth_px`` inside the material and clear of the defects already there."""
    rows, columns = np.nonzero(part.distance < -depth_px)
    if rows.size == 0:
        return None
    for _ in range(_TRIES):
        pick = int(rng.integers(rows.size))
        x, y = float(columns[pick]), float(rows[pick])
        if all(math.hypot(x - other_x, y - other_y) > room_px + room for other_x, other_y, room in taken):
            return x, y
    return None


def _scratch(part: Part, unit: float, x: float, y: float, rng: np.random.Generator) -> Mask:
    span = unit * rng.uniform(46.0, 72.0)
    heading = rng.uniform(0.0, math.pi)
    size = part.distance.shape[0]
    lines = np.zeros((size, size), np.uint8)
    count = int(rng.integers(3, 5))
    gap = unit * rng.uniform(6.0, 8.0)
    for number in range(count):
        turn = heading + rng.uniform(-0.07, 0.07)
        side = (number - (count - 1) / 2) * gap
        reach = span * rng.uniform(0.40, 0.5)
        slip = span * rng.uniform(-0.08, 0.08)
        along, across = (math.cos(turn), math.sin(turn)), (-math.sin(heading), math.cos(heading))
        centre = (x + across[0] * side + along[0] * slip, y + across[1] * side + along[1] * slip)
        bend = rng.uniform(-2.5, 2.5) * unit
        steps = np.linspace(-1.0, 1.0, 7)
        points = np.stack(
            [
                centre[0] + along[0] * steps * reach + across[0] * bend * steps**2,
                centre[1] + along[1] * steps * reach + across[1] * bend * steps**2,
            ],
            axis=-1,
        )
        fixed = np.rint(points * 16.0).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(
            lines,
            [fixed],
            isClosed=False,
            color=255,
            thickness=max(2, round(2.4 * unit)),
            lineType=cv2.LINE_AA,
            shift=4,
        )
    share = lines.astype(np.float32) / 255.0
    part.albedo[...] += (np.float32(252.0) - part.albedo) * (0.9 * share)[..., None]
    flank = np.asarray(cv2.blur(share, (5, 5)), np.float32) * (1.0 - share)
    part.albedo[...] *= (1.0 - np.clip(1.5 * flank, 0.0, 0.62))[..., None]
    return _solid(part, share)


def _dent(part: Part, unit: float, x: float, y: float, rng: np.random.Generator) -> Mask:
    radius = unit * rng.uniform(12.5, 16.5)
    right, down = _offsets(part, x, y)
    turn, squeeze = rng.uniform(0.0, math.pi), rng.uniform(0.82, 1.0)
    along = right * np.float32(math.cos(turn)) + down * np.float32(math.sin(turn))
    across = down * np.float32(math.cos(turn)) - right * np.float32(math.sin(turn))
    away = length(along, np.asarray(across / np.float32(squeeze), np.float32)) / np.float32(radius)
    bowl = np.clip(1.0 - away * away, 0.0, 1.0)
    part.relief[...] += (np.float32(part.relief[round(y), round(x)]) - part.relief) * np.clip(bowl * 1.5, 0.0, 0.8)
    part.relief[...] -= bowl * np.float32(radius * 0.75)
    if part.kind == "connector":  # a dent closes the sockets it hits
        part.albedo[...] += (part.albedo[0, 0].copy() - part.albedo) * np.clip(3.0 * bowl, 0.0, 1.0)[..., None]
    part.albedo[...] *= (1.0 - 0.34 * np.clip(2.0 * bowl, 0.0, 1.0))[..., None]
    return _solid(part, (away < 1.0).astype(np.float32))


def _stain(part: Part, unit: float, x: float, y: float, rng: np.random.Generator) -> Mask:
    radius = unit * rng.uniform(13.0, 21.0)
    right, down = _offsets(part, x, y)
    theta = np.arctan2(down, right)
    edge = np.full_like(theta, radius)
    for wave in (2, 3, 5):
        edge += np.float32(radius * rng.uniform(0.06, 0.2) * 2.0 / wave) * np.cos(
            wave * theta + np.float32(rng.uniform(0.0, 2.0 * math.pi))
        )
    share = np.clip((edge - length(right, down)) / np.float32(3.0 * unit) + 0.5, 0.0, 1.0)
    colour = np.asarray(_STAINS[int(rng.integers(len(_STAINS)))], np.float32)
    strength = np.float32(rng.uniform(0.72, 0.88)) * share
    part.albedo[...] += (colour - part.albedo) * strength[..., None]
    return _solid(part, share)


def _missing_hole(part: Part) -> Mask | None:
    hole = part.missing
    if hole is None:
        return None
    right, down = _offsets(part, hole.x, hole.y)
    return (length(right, down) < hole.radius).astype(np.uint8)


def choose(rng: np.random.Generator) -> tuple[bool, tuple[str, ...]]:
    """Draw a part's fate: whether a hole is missing, and which surface defects it carries."""
    missing = bool(rng.random() < _MISSING)
    count = int(rng.choice(3, p=(0.56, 0.34, 0.10)))
    return missing, tuple(str(kind) for kind in rng.choice(("scratch", "dent", "stain"), count, replace=False))


def work(part: Part, unit: float, surface: tuple[str, ...], rng: np.random.Generator) -> list[tuple[str, Mask]]:
    """Work the defects into ``part`` in place; answer (label, mask) with masks uint8 0/1 of the part's size.

    A defect that finds no room on the part is left out.
    """
    found: list[tuple[str, Mask]] = []
    taken: list[tuple[float, float, float]] = []
    hole = _missing_hole(part)
    if hole is not None and part.missing is not None:
        found.append(("missing_hole", hole))
        taken.append((part.missing.x, part.missing.y, part.missing.radius))
    for kind in surface:
        depth, room = {"scratch": (9.0, 24.0), "dent": (11.0, 17.0), "stain": (8.0, 20.0)}[kind]
        spot = _spot(part, rng, depth * unit, room * unit, taken)
        if spot is None:
            continue
        make = {"scratch": _scratch, "dent": _dent, "stain": _stain}[kind]
        mask = make(part, unit, *spot, rng)
        if int(mask.sum()) >= 60.0 * unit * unit:
            found.append((kind, mask))
            taken.append((*spot, room * unit))
    return found
