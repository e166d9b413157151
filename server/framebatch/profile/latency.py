"""What batches cost: the latency table that scheduling plans with. Pure values; no clock, no measuring.

The table answers one question: how long does the device take for a batch of m frames? A batch of m runs in the
smallest bucket that holds it, so p(m) is a staircase over the buckets. Measuring it is another room's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["LatencyTable", "buckets_up_to"]


def buckets_up_to(max_batch: int) -> tuple[int, ...]:
    """Answer the batch sizes that are run, rising: 1, 2, 3, 4, 6, 8, 12, 16, 24, ... and `max_batch` itself.

    Steps of a third to a half keep padding low, and the number of shapes that a device must be warmed for.
    """
    if max_batch < 1:
        raise ValueError(f"max_batch is {max_batch}; it must be at least 1")
    sizes = {1, max_batch}
    power = 2
    while power <= max_batch:
        sizes |= {power, power * 3 // 2}
        power *= 2
    return tuple(sorted(size for size in sizes if size <= max_batch))


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """Service time by bucket.

    Invariants: buckets ascend; times are positive and never fall as buckets grow.

    Attributes:
        buckets: batch sizes that the device runs, ascending.
        service_ns: median service time of each bucket, in nanoseconds, not falling.
    """

    buckets: tuple[int, ...]
    service_ns: tuple[int, ...]
    by_size_ns: tuple[int, ...] = field(init=False, repr=False)
    """p(m) for m = 0 .. max_batch, padding included; p(0) = 0."""

    def __post_init__(self) -> None:
        if not self.buckets or self.buckets[0] < 1 or any(a >= b for a, b in pairwise(self.buckets)):
            raise ValueError(f"buckets are {self.buckets}; they must be given, and ascend")
        if len(self.buckets) != len(self.service_ns):
            raise ValueError(f"{len(self.buckets)} buckets but {len(self.service_ns)} service times")
        if self.service_ns[0] <= 0 or any(a > b for a, b in pairwise(self.service_ns)):
            raise ValueError(f"service_ns is {self.service_ns}; times must be positive and never fall")
        sizes = [0]
        for bucket, service in zip(self.buckets, self.service_ns, strict=True):
            sizes.extend([service] * (bucket + 1 - len(sizes)))
        object.__setattr__(self, "by_size_ns", tuple(sizes))

    @property
    def max_batch(self) -> int:
        """The largest batch, in frames."""
        return self.buckets[-1]

    def bucket_for(self, frames: int) -> int:
        """The smallest bucket that holds `frames`."""
        return next(bucket for bucket in self.buckets if bucket >= frames)

    @classmethod
    def linear(cls, *, alpha_ns: float, beta_ns: float, buckets: Iterable[int]) -> Self:
        """The table of a device on which a batch of b takes alpha + beta * b."""
        sizes = tuple(buckets)
        return cls(sizes, tuple(round(alpha_ns + beta_ns * size) for size in sizes))

    @classmethod
    def from_samples(cls, samples_ns: Mapping[int, Sequence[int]]) -> Self:
        """The medians of measured service times, made monotone by pooling neighbours that violate the order.

        Pool-adjacent-violators (Ayer et al. 1955) over the bucket medians, equal weights.

        Args:
            samples_ns: service times in nanoseconds by bucket; each bucket has at least one.
        """
        buckets = tuple(sorted(samples_ns))
        pools: list[tuple[float, int]] = []
        for bucket in buckets:
            pools.append((median(samples_ns[bucket]), 1))
            while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
                (a, count_a), (b, count_b) = pools[-2:]
                pools[-2:] = [((a * count_a + b * count_b) / (count_a + count_b), count_a + count_b)]
        service = [max(1, round(value)) for value, count in pools for _ in range(count)]
        return cls(buckets, tuple(service))
