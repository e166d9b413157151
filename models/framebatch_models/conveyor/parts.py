"""The parts that ride on the belt: their outlines, relief and material.

Every part is drawn straight at its final size and rotation from signed distances (negative inside the
material, in pixels), which gives smooth edges without supersampling. Defects, light and compositing do
not belong here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Plane = npt.NDArray[np.float32]

PARTS: tuple[str, ...] = ("washer", "gear", "screw", "connector")

_STEEL = (148.0, 146.0, 140.0)
_METALS: tuple[tuple[float, float, float], ...] = (
    _STEEL,
    (174.0, 170.0, 164.0),
    (166.0, 150.0, 136.0),
    (84.0, 154.0, 186.0),
    (90.0, 120.0, 176.0),
)
_CROWDED = 6  # holes in a gear's web from which they are drawn smaller
_PLASTICS: tuple[tuple[float, float, float], ...] = (
    (178.0, 192.0, 196.0),
    (176.0, 108.0, 46.0),
    (82.0, 150.0, 74.0),
    (60.0, 150.0, 214.0),
    (150.0, 146.0, 142.0),
)


@dataclass(frozen=True, slots=True)
class Hole:
    """A round hole the drawing asks for: its centre and radius in sprite pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Part:
    """A part without light: square planes of one size, float32.

    ``distance`` is the signed distance to the outline in pixels (negative inside), ``relief`` the height of
    the surface in pixels, ``albedo`` the colour (n, n, 3) BGR 0..255, ``holes`` every hole of the drawing and
    ``missing`` the one that was left out, or None.
    """

    kind: str
    distance: Plane
    relief: Plane
    albedo: Plane
    holes: tuple[Hole, ...]
    missing: Hole | None


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Coordinates to draw on: ``u``, ``v`` run along the part's own axes, in pixels from its centre."""

    size: int
    unit: float
    u: Plane
    v: Plane
    cos: float
    sin: float

    def place(self, u: float, v: float) -> tuple[float, float]:
        """Sprite pixel of a point given in the part's own axes."""
        half = (self.size - 1) / 2
        return half + u * self.cos - v * self.sin, half + u * self.sin + v * self.cos


def _sheet(reach_px: float, unit: float, angle_rad: float) -> _Sheet:
    size = 2 * math.ceil(reach_px) + 16
    axis = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    x, y = axis[None, :], axis[:, None]
    return _Sheet(size, unit, (x * cos + y * sin).astype(np.float32), (y * cos - x * sin).astype(np.float32), cos, sin)


def length(x: Plane, y: Plane) -> Plane:
    """Length of the vectors (x, y); several times quicker than ``np.hypot``, and no overflow threatens here."""
    result: Plane = np.sqrt(x * x + y * y)
    return result


def _disc(sheet: _Sheet, u: float, v: float, radius: float) -> Plane:
    return length(sheet.u - np.float32(u), sheet.v - np.float32(v)) - np.float32(radius)


def _box(sheet: _Sheet, centre: tuple[float, float], half: tuple[float, float], corner: float) -> Plane:
    du = np.abs(sheet.u - np.float32(centre[0])) - np.float32(half[0] - corner)
    dv = np.abs(sheet.v - np.float32(centre[1])) - np.float32(half[1] - corner)
    outside = length(np.maximum(du, 0.0), np.maximum(dv, 0.0))
    result: Plane = outside + np.minimum(np.maximum(du, dv), 0) - np.float32(corner)
    return result


def bevel(distance: Plane, width_px: float, height_px: float) -> Plane:
    """Relief that rises from 0 at the outline to ``height_px`` over ``width_px`` inside it."""
    ramp = np.clip(distance * np.float32(-1.0 / width_px), 0.0, 1.0)
    result: Plane = ramp * (2.0 - ramp) * np.float32(height_px)
    return result


def _flat(sheet: _Sheet, colour: tuple[float, float, float], rng: np.random.Generator) -> Plane:
    shift = rng.uniform(0.88, 1.08) * (1.0 + rng.uniform(-0.03, 0.03, 3))
    tone = np.asarray(colour, np.float32) * shift.astype(np.float32)
    return np.broadcast_to(tone, (sheet.size, sheet.size, 3)).astype(np.float32)


def _turned(sheet: _Sheet, albedo: Plane, rng: np.random.Generator) -> Plane:
    """Add the bow-tie sheen and the fine rings that a lathe leaves on metal."""
    radius = length(sheet.u, sheet.v) + np.float32(1e-3)
    turn = rng.uniform(0.0, math.pi)
    along = (sheet.u * np.float32(math.cos(turn)) + sheet.v * np.float32(math.sin(turn))) / radius
    sheen = np.float32(0.20) * (2.0 * along * along - 1.0) + np.float32(0.025) * np.sin(
        radius * np.float32(1.9 / sheet.unit)
    )
    result: Plane = albedo * (1.0 + sheen)[..., None]
    return result


def _drill(sheet: _Sheet, distance: Plane, wanted: list[tuple[float, float, float]], skip: int | None) -> Plane:
    for number, (u, v, radius) in enumerate(wanted):
        if number != skip:
            distance = np.maximum(distance, -_disc(sheet, u, v, radius))
    return distance


def _mark_missing(sheet: _Sheet, relief: Plane, albedo: Plane, hole: tuple[float, float, float]) -> None:
    """Leave what an undrilled hole leaves: the scribed circle and the centre punch, in place."""
    rim = _disc(sheet, *hole) / np.float32(sheet.unit)
    groove = np.clip(1.0 - np.abs(rim + 1.5) / 1.7, 0.0, 1.0)
    punch = np.clip(1.0 - _disc(sheet, hole[0], hole[1], 2.2 * sheet.unit) / np.float32(1.5 * sheet.unit), 0.0, 1.0)
    inner = np.clip(-rim / 2.0, 0.0, 1.0)
    relief -= (groove * 2.2 + punch * 1.8) * np.float32(sheet.unit)
    albedo *= (1.0 + 0.12 * inner - 0.5 * groove - 0.55 * np.clip(punch, 0.0, 1.0))[..., None].astype(np.float32)


def _finish(
    kind: str,
    sheet: _Sheet,
    planes: tuple[Plane, Plane, Plane],
    wanted: list[tuple[float, float, float]],
    skip: int | None,
) -> Part:
    distance, relief, albedo = planes
    holes = tuple(Hole(*sheet.place(u, v), radius) for u, v, radius in wanted)
    if skip is not None:
        _mark_missing(sheet, relief, albedo, wanted[skip])
    return Part(kind, distance, relief, albedo, holes, None if skip is None else holes[skip])


def _choose(rng: np.random.Generator, wanted: list[tuple[float, float, float]], *, missing: bool) -> int | None:
    return int(rng.integers(len(wanted))) if missing and wanted else None


def _washer(unit: float, angle: float, rng: np.random.Generator, *, missing: bool) -> Part:
    outer = unit * rng.uniform(46.0, 62.0)
    inner = outer * rng.uniform(0.34, 0.46)
    sheet = _sheet(outer, unit, angle)
    wanted = [(0.0, 0.0, inner)]
    skip = _choose(rng, wanted, missing=missing)
    distance = _drill(sheet, _disc(sheet, 0.0, 0.0, outer), wanted, skip)
    albedo = _turned(sheet, _flat(sheet, _METALS[int(rng.integers(len(_METALS)))], rng), rng)
    relief = bevel(distance, 5.0 * unit, 4.0 * unit)
    return _finish("washer", sheet, (distance, relief, albedo), wanted, skip)


def _gear(unit: float, angle: float, rng: np.random.Generator, *, missing: bool) -> Part:
    outer = unit * rng.uniform(56.0, 74.0)
    teeth = int(rng.integers(12, 21))
    sheet = _sheet(outer, unit, angle)
    theta = np.arctan2(sheet.v, sheet.u)
    tooth = np.clip(np.cos(theta * np.float32(teeth)) * 2.2, -1.0, 1.0) * np.float32(outer * 0.065)
    radius = length(sheet.u, sheet.v)
    distance: Plane = ((radius - tooth) - np.float32(outer * 0.93)).astype(np.float32)
    count = int(rng.integers(4, 7))
    ring, bore = outer * 0.55, outer * 0.15
    size = outer * (0.185 if count < _CROWDED else 0.165)
    spokes = [2.0 * math.pi * number / count for number in range(count)]
    wanted = [(ring * math.cos(spoke), ring * math.sin(spoke), size) for spoke in spokes]
    skip = _choose(rng, wanted, missing=missing)
    distance = _drill(sheet, distance, [*wanted, (0.0, 0.0, bore)], skip)
    albedo = _turned(sheet, _flat(sheet, _METALS[int(rng.integers(len(_METALS)))], rng), rng)
    relief = bevel(distance, 4.0 * unit, 4.0 * unit)
    relief += bevel((radius - np.float32(outer * 0.30)).astype(np.float32), 3.0 * unit, 3.0 * unit)
    return _finish("gear", sheet, (distance, relief, albedo), wanted, skip)


def _screw(unit: float, angle: float, rng: np.random.Generator, *, missing: bool) -> Part:
    del missing  # a screw has no hole to forget
    half_length = unit * rng.uniform(66.0, 84.0)
    shank = unit * rng.uniform(17.0, 20.0)
    head = shank * rng.uniform(1.7, 1.95)
    head_length = unit * rng.uniform(30.0, 38.0)
    sheet = _sheet(half_length + 2.0, unit, angle)
    neck = -half_length + head_length
    body = _box(sheet, ((neck + half_length) / 2 - 4.0, 0.0), ((half_length - neck) / 2 + 4.0, shank), 4.0 * unit)
    cap = _box(sheet, (-half_length + head_length / 2, 0.0), (head_length / 2, head), 5.0 * unit)
    pitch = unit * rng.uniform(8.0, 11.0)
    phase = (sheet.u + sheet.v * np.float32(0.22)) * np.float32(2.0 * math.pi / pitch)
    wave = np.sin(phase) * (sheet.u > neck + 8.0 * unit)
    body = (body - wave * np.float32(0.9 * unit)).astype(np.float32)
    distance = np.minimum(body, cap)
    round_shank = np.sqrt(np.maximum(shank * shank - sheet.v * sheet.v, 0.0)) * np.float32(0.62)
    round_shank += wave.astype(np.float32) * np.float32(0.9 * unit)
    facet = np.maximum(np.abs(sheet.v) - np.float32(head * 0.5), 0.0)
    relief = np.where(cap < 0.0, np.float32(shank) - facet * np.float32(0.6), round_shank).astype(np.float32)
    relief += bevel(distance, 3.0 * unit, 2.5 * unit)
    albedo = _flat(sheet, _METALS[int(rng.integers(len(_METALS)))], rng)
    albedo *= (1.0 - 0.16 * np.clip(-wave, 0.0, 1.0) * (cap > 0.0))[..., None].astype(np.float32)
    return _finish("screw", sheet, (distance, relief, albedo), [], None)


def _connector(unit: float, angle: float, rng: np.random.Generator, *, missing: bool) -> Part:
    half_u, half_v = unit * rng.uniform(68.0, 82.0), unit * rng.uniform(37.0, 45.0)
    sheet = _sheet(math.hypot(half_u, half_v), unit, angle)
    ear = half_u * 0.76
    size = unit * rng.uniform(10.5, 12.5)
    wanted = [(-ear, 0.0, size), (ear, 0.0, size)]
    skip = _choose(rng, wanted, missing=missing)
    distance = _drill(sheet, _box(sheet, (0.0, 0.0), (half_u, half_v), 7.0 * unit), wanted, skip)
    shell = _box(sheet, (0.0, 0.0), (half_u * 0.52, half_v * 0.80), 4.0 * unit)
    relief = bevel(distance, 4.0 * unit, 3.5 * unit) + bevel(shell, 3.0 * unit, 4.0 * unit)
    albedo = _flat(sheet, _PLASTICS[int(rng.integers(len(_PLASTICS)))], rng)
    columns = int(rng.integers(3, 6))
    spacing = half_u * 0.92 / columns
    pin = min(spacing * 0.30, half_v * 0.19)
    nearest = np.full_like(sheet.u, np.inf)
    for column in range(columns):
        nearest = np.minimum(nearest, np.abs(sheet.u - np.float32((column - (columns - 1) / 2) * spacing)))
    row = np.abs(np.abs(sheet.v) - np.float32(half_v * 0.36)) - np.float32(half_v * 0.22)
    sockets = np.maximum(nearest - np.float32(pin), row)
    albedo *= (1.0 - 0.72 * np.clip(0.5 - sockets, 0.0, 1.0))[..., None].astype(np.float32)
    return _finish("connector", sheet, (distance, relief, albedo), wanted, skip)


_DRAW: dict[str, Callable[..., Part]] = {"washer": _washer, "gear": _gear, "screw": _screw, "connector": _connector}


def draw(kind: str, unit: float, angle_rad: float, rng: np.random.Generator, *, missing: bool) -> Part:
    """Draw one part.

    ``unit`` is the size of one design pixel in picture pixels, ``missing`` asks for one hole to be left out
    (ignored by kinds that have none).
    """
    return _DRAW[kind](unit, angle_rad, rng, missing=missing)
