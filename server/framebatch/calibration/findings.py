"""What a calibration has found so far, and the profile that comes of it: at its end, or at any earlier moment.

Joining belongs here. Curves, lines and rules have modules of their own; nothing is measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

import framebatch
from framebatch.calibration.choice import choose
from framebatch.calibration.climb import foretold
from framebatch.calibration.effort import Known
from framebatch.calibration.fit import Curve, fit_curve
from framebatch.calibration.judgement import judge
from framebatch.calibration.memory_line import fit_memory
from framebatch.calibration.sampling import enough, median_interval, quantiles
from framebatch.clock import ns_to_seconds
from framebatch.profile import Ceiling, Choice, Fingerprint, IdlePenalty, Memory, Profile, Run, Soak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.calibration.points import Point
    from framebatch.calibration.wanted import Wanted
    from framebatch.device.devices import Device
    from framebatch.device.meter import MemoryTotal

__all__ = ["Decision", "Findings", "Loaded", "soak_of"]

TENTH: Final = 10
QUICK_WIDTH: Final = 0.02
"""Half of the median's interval over the median: known well enough for a quick run."""


class Loaded(NamedTuple):
    """What the first process found out about the model on its device."""

    name: str
    device: Device
    """Where it really runs."""
    simulated: bool
    batch_size: int | None
    """The only one that it takes; None: any."""
    fingerprint: Fingerprint


class Decision(NamedTuple):
    """What follows from the measurements."""

    curve: Curve
    memory: Memory | None
    ceiling: Ceiling
    choice: Choice


@dataclass(kw_only=True, slots=True)
class Findings:
    """Everything measured so far; it only grows.

    Attributes:
        loaded: About the model.
        ladder: The sizes that may be run, rising.
        points: In the order of time, failed ones too.
        memory: What there was for batches before anything was measured; None: nobody can tell.
        rested_ns: First batches after each pause, by the pause.
        busy_ns: Batches of the same process that followed another at once.
        soaks: In the order of time; all but the last have failed.
    """

    loaded: Loaded
    ladder: tuple[int, ...]
    points: list[Point] = field(default_factory=list)
    memory: MemoryTotal | None = None
    rested_ns: dict[int, list[int]] = field(default_factory=dict)
    busy_ns: list[int] = field(default_factory=list)
    soaks: list[tuple[Soak, Point]] = field(default_factory=list)

    def ran(self) -> dict[int, list[int]]:
        """Service times of each size that ran, in the order of time; sizes rise."""
        samples: dict[int, list[int]] = {}
        for point in sorted(self.points, key=lambda point: point.batch):
            if point.samples_ns and not point.failure:
                samples.setdefault(point.batch, []).extend(point.samples_ns)
        return samples

    def failed(self) -> dict[int, Point]:
        """Sizes that failed when they were last tried; a size that later ran, ran."""
        latest = {point.batch: point for point in self.points}
        latest |= {soak.batch: point for soak, point in self.soaks if soak.failed}
        return {batch: point for batch, point in sorted(latest.items()) if point.failure}

    def memory_bytes(self) -> dict[int, int]:
        """What each size that ran took, at its peak."""
        taken: dict[int, int] = {}
        for point in sorted(self.points, key=lambda point: point.batch):
            if point.samples_ns and not point.failure and point.reading.memory_bytes:
                taken[point.batch] = max(point.reading.memory_bytes, taken.get(point.batch, 0))
        return taken

    def services_ns(self) -> dict[int, int]:
        """The median of each size that ran."""
        return {batch: sorted(times)[len(times) // 2] for batch, times in self.ran().items()}

    def unfinished(self, *, quick: bool) -> list[Known]:
        """Sizes up to the largest that ran that are worth measuring again, or for the first time.

        A full run wants two passes over each size, and its median known well. A quick run wants those that the climb
        left and one between, each known fairly. A size that ran and then failed gets one more chance.
        """
        samples, services = self.ran(), self.services_ns()
        failed = self.failed()
        failures = [point.batch for point in self.points if point.failure]
        sizes = [
            size
            for size in self.ladder
            if size <= max(samples) and (size not in failed or (size in samples and failures.count(size) == 1))
        ]
        known = []
        for size in _few(sizes, set(samples)) if quick else sizes:
            times = samples.get(size)
            if times is None:
                known.append(Known(batch=size, service_ns=foretold(services, size), width=None))
                continue
            low, high = median_interval(times)
            width = (high - low) / 2 / services[size]
            passes = sum(point.batch == size for point in self.points)
            if size in failed or not (width < QUICK_WIDTH if quick else passes > 1 and enough(times)):
                known.append(Known(batch=size, service_ns=services[size], width=width))
        return known

    def decide(self, wanted: Wanted) -> Decision:
        """Fit, and choose; at least the smallest size must have run."""
        curve = fit_curve(self.points, self.ladder, host_takes_turns=self.loaded.device.kind == "cpu")
        ceiling = self._ceiling()
        memory = self._memory(wanted)
        choice = choose(curve, deadline_ns=wanted.deadline_ns, limit=self.ladder[-1], memory=memory, ceiling=ceiling)
        return Decision(curve, memory, ceiling, choice)

    def profile(self, wanted: Wanted, *, created: str, seconds: float, complete: bool) -> Profile:
        """Make the profile of what was found."""
        decision = self.decide(wanted)
        good = [soak for soak, _ in self.soaks if not soak.failed and soak.batch == decision.choice.max_batch]
        return Profile(
            model=self.loaded.name,
            fingerprint=self.loaded.fingerprint,
            simulated=self.loaded.simulated,
            run=Run(
                created=created,
                command=wanted.command,
                framebatch=framebatch.__version__,
                seconds=round(seconds, 3),
                quick=wanted.quick,
                complete=complete,
            ),
            conditions=judge(self.points),
            buckets=decision.curve.buckets,
            kept_out=decision.curve.kept_out,
            memory=decision.memory,
            ceiling=decision.ceiling,
            choice=decision.choice,
            idle=self._idle(),
            soak=good[-1] if good else None,
        )

    def _ceiling(self) -> Ceiling:
        ran, failed = (
            list(self.ran()),
            {batch: point for batch, point in self.failed().items() if batch > self.ladder[0]},
        )
        if not failed:
            return Ceiling(largest_ran=ran[-1])
        smallest = min(failed)
        return Ceiling(
            largest_ran=max(batch for batch in ran if batch < smallest),
            smallest_failed=smallest,
            why=failed[smallest].why,
            failure=failed[smallest].failure,
        )

    def _memory(self, wanted: Wanted) -> Memory | None:
        if self.memory is None:
            return None
        return Memory(
            kind=self.memory.kind,
            total_bytes=self.memory.total_bytes,
            others_bytes=self.memory.others_bytes,
            fraction=wanted.memory_fraction,
            line=fit_memory(self.memory_bytes()),
        )

    def _idle(self) -> tuple[IdlePenalty, ...]:
        if not self.busy_ns:
            return ()
        busy_ns = median(self.busy_ns)
        return tuple(
            IdlePenalty(idle_ns=pause_ns, penalty_ns=max(0, round(median(times) - busy_ns)), n=len(times))
            for pause_ns, times in sorted(self.rested_ns.items())
        )


def _few(sizes: list[int], measured: set[int]) -> list[int]:
    """Those that the climb left, and one more that their fit can be held against: the largest that is no power of two."""
    between = [size for size in sizes if size & (size - 1) and size < max(measured)]
    return sorted({*measured.intersection(sizes), *(() if measured.intersection(between) else between[-1:])})


def soak_of(point: Point) -> Soak:
    """Sum up batches that were run without a pause."""
    samples: Sequence[int] = point.samples_ns or (0,)
    part = max(1, len(samples) // TENTH)
    first, last = median(samples[:part]), median(samples[-part:])
    middle, rare = quantiles(samples, (0.5, 0.99))
    return Soak(
        batch=point.batch,
        batches=len(point.samples_ns),
        seconds=round(ns_to_seconds(sum(samples)), 3),
        median_ns=round(middle),
        p99_ns=round(rare),
        last_over_first=round(last / first, 4) if first else 1.0,
        failed=point.why if point.failure else "",
    )
