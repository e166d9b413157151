"""Traces of arrivals, with what is known of the best that could be done with them: files of a suite, or drawn at random.

Times are integer nanoseconds here, as everywhere; the files have microseconds. Nothing is simulated here.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from framebatch.profile import LatencyTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Slowdown", "Trace", "read_suite", "read_trace"]

US: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Slowdown:
    """From a moment on every batch takes so many times as long."""

    from_ns: int
    factor: float


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One run: a device, a deadline that all frames share, and who sends when.

    Attributes:
        name: of the run; its first part, up to a hyphen, names the device's curve.
        family: what kind of run it is.
        alpha_ns: and `beta_ns`: a batch of b takes alpha + beta * b.
        max_batch: the largest batch.
        deadline_ns: of each frame, after its arrival.
        noise: coefficient of variation of the service times, which are lognormal around the curve.
        slowdown: or None.
        arrivals: (time_ns, camera), ascending.
        clairvoyant: the most frames that can be in time, noise aside; -1: not known.
        reference: frames in time of published policies, by name.
    """

    name: str
    family: str
    alpha_ns: int
    beta_ns: int
    max_batch: int
    deadline_ns: int
    arrivals: tuple[tuple[int, str], ...]
    noise: float = 0.0
    slowdown: Slowdown | None = None
    load: float = 0.0
    clairvoyant: int = -1
    reference: dict[str, int] = field(default_factory=dict)

    @property
    def curve(self) -> str:
        """Name of the device's curve, and the deadline where the name has one."""
        return "-".join(self.name.split("-")[:2])

    def table(self) -> LatencyTable:
        """What the policy is told; every size is a bucket."""
        return LatencyTable.linear(alpha_ns=self.alpha_ns, beta_ns=self.beta_ns, buckets=range(1, self.max_batch + 1))


def read_trace(path: Path) -> Trace:
    """One file of a suite."""
    with gzip.open(path) as file:
        data: dict[str, Any] = json.load(file)
    slowdown = data["slowdown"]
    return Trace(
        name=data["name"],
        family=data["family"],
        alpha_ns=data["alpha_us"] * US,
        beta_ns=data["beta_us"] * US,
        max_batch=data["max_batch"],
        deadline_ns=data["deadline_us"] * US,
        arrivals=tuple(
            (time_us * US, str(camera)) for time_us, camera in zip(data["arrival_us"], data["camera"], strict=True)
        ),
        noise=data["service_noise_sigma"],
        slowdown=Slowdown(from_ns=slowdown["from_us"] * US, factor=slowdown["factor"]) if slowdown else None,
        load=data["load"],
        clairvoyant=data["clairvoyant"],
        reference={name: result["good"] for name, result in data["reference"].items()},
    )


def read_suite(folder: Path) -> Iterator[Trace]:
    """All files of a suite, by name."""
    for path in sorted(folder.glob("*.json.gz")):
        yield read_trace(path)
