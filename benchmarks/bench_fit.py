"""How often fitting and choosing are right: thousands of simulated devices of known truth, and what 100 s let one measure.

    PYTHONPATH=tests python benchmarks/bench_fit.py [--devices 3000]

Each device has a random alpha (0.2 to 30 ms), beta (0.05 to 30 ms a frame) and lognormal noise (0 to 20 %), 8 to 14 sizes
and two passes. "Off" is a device one of whose sizes is more than 3 % from its true median, by the fit and by each size's
own median. The shapes are what real devices do that is no line; the disturbances are what hosts do.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from simulated_points import LADDER, MS, affine_ms, counts_within_budget, points_of, random_device

from framebatch.calibration.choice import choose
from framebatch.calibration.fit import fit_curve
from framebatch.calibration.judgement import judge
from framebatch.profile import Ceiling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from framebatch.calibration.fit import Curve
    from framebatch.calibration.points import Point

Times = dict[int, float]
OFF: Final = 0.03
DEADLINES_MS: Final = (100, 250, 1000, 2000)


def rising(times: Mapping[int, float]) -> Times:
    """Times that never fall."""
    return dict(
        zip(sorted(times), np.maximum.accumulate([times[batch] for batch in sorted(times)]).tolist(), strict=True)
    )


def tiles(times: Times, _: random.Random) -> Times:
    """A staircase: whole tiles of eight are computed."""
    first, slope = times[1], (max(times.values()) - times[1]) / max(times)
    return {batch: first + slope * -(-batch // 8) * 8 for batch in times}


SHAPES: Final[Mapping[str, Callable[[Times, random.Random], Times]]] = {
    "a line": lambda times, _: times,
    "each size off by 2 %": lambda times, chance: rising(
        {b: t * math.exp(chance.gauss(0, 0.02)) for b, t in times.items()}
    ),
    "each size off by 5 %": lambda times, chance: rising(
        {b: t * math.exp(chance.gauss(0, 0.05)) for b, t in times.items()}
    ),
    "tiles of eight": tiles,
    "level up to 8, then a line": lambda times, _: {b: max(times[8], t) for b, t in times.items()},
    "batch to the power of 0.8": lambda times, _: {b: times[1] * b**0.8 for b in times},
    "12 quicker by 15 %": lambda times, _: rising({b: t * (0.85 if b == 12 else 1) for b, t in times.items()}),
}


def outliers(points: list[Point], chance: np.random.Generator) -> list[Point]:
    """One batch of twenty takes three times as long."""
    return [
        replace(
            p,
            samples_ns=tuple(
                (np.array(p.samples_ns) * np.where(chance.random(len(p.samples_ns)) < 0.05, 3, 1)).tolist()
            ),
        )
        for p in points
    ]


def uneven_passes(points: list[Point], chance: np.random.Generator) -> list[Point]:
    """Each pass over each size is quicker or slower by 3 %."""
    factors = np.exp(chance.normal(0, 0.03, len(points)))
    return [
        replace(p, samples_ns=tuple((np.array(p.samples_ns) * factor).astype(np.int64).tolist()))
        for p, factor in zip(points, factors, strict=True)
    ]


DISTURBANCES: Final[Mapping[str, Callable[[list[Point], np.random.Generator], list[Point]]]] = {
    "5 % of batches take three times as long": outliers,
    "each pass off by 3 %": uneven_passes,
}


@dataclass
class Tally:
    """What came of a number of devices."""

    fitted: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    fit_off: list[bool] = field(default_factory=list)
    mean_off: list[bool] = field(default_factory=list)
    own_off: list[bool] = field(default_factory=list)
    kept_out: list[float] = field(default_factory=list)
    noisy: list[bool] = field(default_factory=list)

    def add(self, curve: Curve, medians_ns: Mapping[int, float], mean: float) -> None:
        """Compare with the true medians; `mean` is the true mean over the median."""
        fitted = [bucket.service_ns / medians_ns[bucket.batch] for bucket in curve.buckets]
        own = [bucket.measured.median_ns / medians_ns[bucket.batch] for bucket in curve.buckets if bucket.measured]
        self.fitted += [ratio - 1 for ratio in fitted]
        self.own += [ratio - 1 for ratio in own]
        self.fit_off.append(any(abs(ratio - 1) > OFF for ratio in fitted))
        self.mean_off.append(any(abs(ratio / mean - 1) > OFF for ratio in fitted))
        self.own_off.append(any(abs(ratio - 1) > OFF for ratio in own))
        self.kept_out += [abs(each.error) for each in curve.kept_out]

    def row(self, name: str) -> str:
        """A line of the table."""
        rms = [float(np.sqrt(np.mean(np.square(errors)))) for errors in (self.fitted, self.own)]
        off = [float(np.mean(each)) for each in (self.fit_off, self.mean_off, self.own_off)]
        return (
            f"| {name} | {rms[0]:.2%} / {rms[1]:.2%} | {off[0]:.2%} | {off[1]:.2%} | {off[2]:.1%} "
            f"| {np.mean(np.array(self.kept_out) > 0.1):.2%} | {np.mean(self.noisy):.2%} |"
        )


def fits(devices: int, shape: str = "a line", disturbance: str = "") -> Tally:
    """Fit so many devices of one shape."""
    tally = Tally()
    for seed in range(devices):
        device, sizes = random_device(seed)
        times = SHAPES[shape](affine_ms(device, sizes), random.Random(seed))  # noqa: S311 - a simulation needs no secrecy
        points = points_of(times, noise=device.noise, counts=counts_within_budget(times, device.noise), seed=seed)
        if disturbance:
            points = DISTURBANCES[disturbance](points, np.random.default_rng(seed))
        medians = {batch: time * MS * device.median_factor for batch, time in times.items()}
        tally.add(fit_curve(points, sizes), medians, 1 / device.median_factor)
        tally.noisy.append(judge(points).noisy)
    return tally


def choices(devices: int) -> str:
    """How often the deadline's and throughput's sizes are not the true ones, over all sizes of the ladder."""
    wrong = [0, 0]
    for seed in range(devices):
        device, _ = random_device(seed)
        deadline_ms = random.Random(seed).choice(DEADLINES_MS)  # noqa: S311 - a simulation needs no secrecy
        times = affine_ms(device, LADDER)
        points = points_of(times, noise=device.noise, counts=counts_within_budget(times, device.noise), seed=seed)
        found = choose(
            fit_curve(points, LADDER),
            deadline_ns=deadline_ms * MS,
            limit=LADDER[-1],
            memory=None,
            ceiling=Ceiling(largest_ran=LADDER[-1]),
        )
        true = {batch: device.median_ns(batch) / MS for batch in LADDER}
        fitting = [batch for batch in LADDER if 2 * true[batch] <= deadline_ms]
        flat = [batch for batch in LADDER if 2 * batch in true and 2 * true[batch] / true[2 * batch] < 1.03]
        wrong[0] += found.deadline.max_batch != max(fitting, default=0)
        wrong[1] += found.throughput.max_batch != min(flat, default=LADDER[-1])
    return f"deadline wrong {wrong[0] / devices:.2%}, throughput wrong {wrong[1] / devices:.2%}, of {devices} devices"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=3000)
    devices = parser.parse_args().devices
    print(
        "| times over batches | rms error, fit / own | fit off | against the mean | own median off | kept out > 10 % | noisy |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(fits(devices).row("a line"), flush=True)
    for shape in list(SHAPES)[1:]:
        print(fits(devices // 10, shape).row(shape), flush=True)
    for disturbance in DISTURBANCES:
        print(fits(devices // 10, disturbance=disturbance).row(disturbance), flush=True)
    print(choices(devices // 3))


if __name__ == "__main__":
    main()
