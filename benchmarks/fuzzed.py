"""Random runs with their exact optimum: any curve, load, deadline and kind of arrivals. Seeded."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from optimum import most_in_time
from traces import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FRAMES", "fuzzed"]

MS: Final = 1_000_000
FRAMES: Final = 150
"""Of a run, unless another number is asked for."""
KINDS: Final = ("periodic", "sync", "bursty", "random")


def fuzzed(count: int, *, seed: int, shortest: float = 1.05, frames: int = FRAMES) -> Iterator[Trace]:
    """So many runs of so many frames, with deadlines from `shortest` times the shortest batch up."""
    for number in range(count):
        yield _one(random.Random(f"{seed}-{number}"), number, shortest, frames)  # noqa: S311 - traces need no secrecy


def _one(rng: random.Random, number: int, shortest: float, frames: int) -> Trace:
    alone_ns = 10 * MS
    beta_ns = round(alone_ns * rng.choice((0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.95)) * rng.uniform(0.8, 1.05))
    alpha_ns = alone_ns - beta_ns
    max_batch = rng.choice((2, 4, 8, 16, 32, 64))
    deadline_ns = round(alone_ns * max(shortest, 1.05) * 2 ** rng.uniform(0, 3.5))
    fits = max(1, min(max_batch, (deadline_ns - alpha_ns) // beta_ns))
    load = rng.uniform(0.4, 3.0)
    rate_per_ns = load * fits / (alpha_ns + beta_ns * fits)
    kind = rng.choice(KINDS)
    times = sorted(_arrivals(rng, kind, rate_per_ns, frames))[:frames]
    service_ns = [0, *(alpha_ns + beta_ns * size for size in range(1, max_batch + 1))]
    return Trace(
        name=f"fuzz-{number}",
        family=kind,
        alpha_ns=alpha_ns,
        beta_ns=beta_ns,
        max_batch=max_batch,
        deadline_ns=deadline_ns,
        arrivals=tuple(times),
        load=load,
        clairvoyant=most_in_time([time_ns for time_ns, _ in times], deadline_ns, service_ns),
    )


def _arrivals(rng: random.Random, kind: str, rate_per_ns: float, frames: int) -> Iterator[tuple[int, str]]:
    """(time, camera), in no order."""
    if kind == "random":
        now = 0.0
        for _ in range(frames):
            now += rng.expovariate(rate_per_ns)
            yield round(now), str(rng.randrange(10))
        return
    cameras = rng.choice((3, 6, 12, 24))
    if kind == "bursty":
        yield from _bursts(rng, cameras, rate_per_ns, frames)
        return
    period_ns = cameras / rate_per_ns
    jitter_ns = rng.choice((0.0, 0.01, 0.03)) * period_ns
    for camera in range(cameras):
        phase_ns = 0.0 if kind == "sync" else rng.uniform(0, period_ns)
        for frame in range(frames // cameras + 1):
            yield round(phase_ns + frame * period_ns + rng.uniform(0, jitter_ns)), str(camera)


def _bursts(rng: random.Random, cameras: int, rate_per_ns: float, frames: int) -> Iterator[tuple[int, str]]:
    """Groups of 3 cameras are triggered together at random, and send 3 frames each."""
    now = 0.0
    gap_ns = rng.choice((5, 10, 20)) * MS
    for _ in range(frames // 9 + 1):
        now += rng.expovariate(rate_per_ns / 9)
        group = rng.randrange(cameras // 3)
        for frame in range(3):
            for member in range(3):
                yield round(now + frame * gap_ns + rng.uniform(0, 0.5 * MS)), str(3 * group + member)
