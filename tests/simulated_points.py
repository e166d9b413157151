"""Points as measuring a device of known truth would give them: alpha + beta * b, or any other times, with noise.

Shared by the tests of fitting, judging and choosing; the devices are drawn from fixed seeds.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.calibration.points import Point
from framebatch.device.meter import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

LADDER: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
MS: Final = 1_000_000
BUDGET_MS: Final = 100_000
MOST: Final = 2000
LEAST: Final = 6


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device of known truth; its noise has mean 1, so that its medians lie a little below alpha + beta * b."""

    alpha_ms: float
    beta_ms: float
    noise: float

    @property
    def median_factor(self) -> float:
        """The median of the noise: exp(-sigma^2 / 2)."""
        return 1 / math.sqrt(1 + self.noise**2)

    def median_ns(self, batch: int) -> float:
        """The true median of a batch's time."""
        return (self.alpha_ms + self.beta_ms * batch) * self.median_factor * MS


def random_device(seed: int) -> tuple[Device, tuple[int, ...]]:
    """Draw a device, and the sizes that are measured on it: 8 to 14 of the ladder."""
    chance = random.Random(seed)  # noqa: S311 - a test needs no secrecy
    device = Device(
        alpha_ms=math.exp(chance.uniform(math.log(0.2), math.log(30))),
        beta_ms=math.exp(chance.uniform(math.log(0.05), math.log(30))),
        noise=chance.uniform(0, 0.2),
    )
    return device, LADDER[: chance.randint(8, 14)]


def counts_within_budget(times_ms: Mapping[int, float], noise: float) -> dict[int, int]:
    """How many batches of each size 100 s allow: as many as the stop rule asks for, or an equal share of the time."""
    wanted = min(MOST, max(200, math.ceil(1.3 * (1.96 * 1.25 * noise / 0.01) ** 2)))
    left_ms, counts = float(BUDGET_MS), {}
    for done, batch in enumerate(sorted(times_ms)):
        share_ms = left_ms / (len(times_ms) - done)
        counts[batch] = min(wanted, max(LEAST, int(share_ms / times_ms[batch])))
        left_ms = max(0.0, left_ms - counts[batch] * times_ms[batch])
    return counts


def points_of(
    times_ms: Mapping[int, float],
    *,
    noise: float = 0.0,
    counts: Mapping[int, int] | int = 100,
    seed: int = 0,
    reading: Reading | None = None,
) -> list[Point]:
    """Two passes over every size, with lognormal noise of mean 1."""
    chance = np.random.default_rng(seed)
    sigma = math.sqrt(math.log1p(noise * noise))
    points = []
    for batch, time_ms in times_ms.items():
        count = counts if isinstance(counts, int) else counts[batch]
        times = (
            np.rint(time_ms * MS * np.exp(chance.normal(-sigma * sigma / 2, sigma, count))).astype(np.int64).tolist()
        )
        half = count // 2
        points += [
            Point(batch=batch, number=number, samples_ns=tuple(part), reading=reading or Reading())
            for number, part in enumerate((times[:half], times[half:]))
        ]
    return points


def affine_ms(device: Device, sizes: tuple[int, ...]) -> dict[int, float]:
    """The mean of each size's time in milliseconds."""
    return {batch: device.alpha_ms + device.beta_ms * batch for batch in sizes}
