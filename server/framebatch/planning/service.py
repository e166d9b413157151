"""The device of a simulation: what its batches take, and what the policy is told of it. Values; seeded by who draws."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Final, Self

from framebatch.device.devices import MAX_BATCH_SIMULATED
from framebatch.planning.durations import nearest
from framebatch.profile import LatencyTable, buckets_up_to

if TYPE_CHECKING:
    import random

    from framebatch.device.devices import Device
    from framebatch.profile import Profile

__all__ = ["DeviceModel"]

Q90: Final = 1.2815515655446004
"""The 90th percentile of the standard normal distribution."""


@dataclass(frozen=True, kw_only=True)
class DeviceModel:
    """How long batches take: a table, times a lognormal factor.

    Attributes:
        name: for people.
        table: by batch size.
        told: what the policy is told of the table; None: the same.
        spread: the 10th and 90th percentile over the table's value, as the policy is told them.
        sigma: of the factor's logarithm.
        median_is_one: whether the table holds medians of the factor (a profile does) or means (a simulated device does).
        slow_from_ns: from then on, and
        slow_factor: times as slow as the table says, as if the device throttled.
        seen: batches that a real device ran, when each began (ascending) and how many times as long as the table says it
            took: whatever starts takes as many times as long as the one next to it in time. Empty: the lognormal factor.
    """

    name: str
    table: LatencyTable
    told: LatencyTable | None = None
    spread: tuple[float, float] = (1.0, 1.0)
    sigma: float = 0.0
    median_is_one: bool = True
    slow_from_ns: int = 0
    slow_factor: float = 1.0
    seen: tuple[tuple[int, ...], tuple[float, ...]] = ((), ())

    @classmethod
    def of_profile(cls, profile: Profile) -> Self:
        """The device and model that a profile was measured on, with the spread that batches had."""
        low, high = profile.spread()
        return cls(
            name=f"{profile.model} on {profile.fingerprint.device}",
            table=profile.table(),
            spread=(low, high),
            sigma=log(high / low) / (2 * Q90),
        )

    @classmethod
    def of_simulated(cls, device: Device, max_batch: int = MAX_BATCH_SIMULATED) -> Self:
        """A device named `sim:ALPHA_MS,BETA_MS[,NOISE]`, as `framebatch serve` simulates it."""
        buckets = buckets_up_to(max_batch)
        table = LatencyTable.linear(alpha_ns=device.alpha_ns, beta_ns=device.beta_ns, buckets=buckets)
        return cls(name=str(device), table=table, sigma=sqrt(log(1 + device.noise**2)), median_is_one=False)

    def draw(self, frames: int, now_ns: int, rng: random.Random) -> int:
        """How long a batch of so many frames takes that starts now, in nanoseconds; at least 1."""
        service_ns = float(self.table.by_size_ns[frames])
        times_ns, factors = self.seen
        if times_ns:
            service_ns *= factors[nearest(times_ns, now_ns)]
        elif self.sigma:
            service_ns *= exp(rng.gauss(0.0 if self.median_is_one else -(self.sigma**2) / 2, self.sigma))
        if self.slow_factor != 1.0 and now_ns >= self.slow_from_ns:
            service_ns *= self.slow_factor
        return max(1, round(service_ns))
