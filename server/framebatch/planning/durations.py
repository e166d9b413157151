"""How long something takes each time: one value, a distribution, or what was seen. Values; seeded by who draws."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

__all__ = ["NOTHING", "Durations", "Fixed", "Lognormal", "Seen", "SeenAt", "nearest"]


class Durations(Protocol):
    """Nanoseconds, drawn one by one."""

    @property
    def mean_ns(self) -> float:
        """On average."""

    def draw(self, rng: random.Random, now_ns: int) -> int:
        """One that begins now; never negative."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    value_ns: int

    @property
    def mean_ns(self) -> float:
        """The value."""
        return self.value_ns

    def draw(self, rng: random.Random, now_ns: int) -> int:  # noqa: ARG002 - others need it
        """The value."""
        return self.value_ns


NOTHING: Final = Fixed(0)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Around a mean, skewed as times are: never negative, seldom much longer.

    Attributes:
        mean_ns: on average.
        variation: standard deviation over mean.
    """

    mean_ns: float
    variation: float

    def draw(self, rng: random.Random, now_ns: int) -> int:  # noqa: ARG002 - others need it
        """The next one."""
        variance = log(1 + self.variation**2)
        return round(self.mean_ns * exp(rng.gauss(-variance / 2, sqrt(variance))))


@dataclass(frozen=True, slots=True)
class Seen:
    """One of those that were seen, each as likely as the others.

    Attributes:
        values_ns: at least one.
    """

    values_ns: tuple[int, ...]

    @property
    def mean_ns(self) -> float:
        """On average."""
        return sum(self.values_ns) / len(self.values_ns)

    def draw(self, rng: random.Random, now_ns: int) -> int:  # noqa: ARG002 - others need it
        """One of them."""
        return self.values_ns[int(rng.random() * len(self.values_ns))]


@dataclass(frozen=True, slots=True)
class SeenAt:
    """What was seen at that time, or next to it: slow stretches stay where they were.

    Attributes:
        times_ns: when, ascending; at least one.
        values_ns: what was seen at each of them.
    """

    times_ns: tuple[int, ...]
    values_ns: tuple[int, ...]

    @property
    def mean_ns(self) -> float:
        """On average."""
        return sum(self.values_ns) / len(self.values_ns)

    def draw(self, rng: random.Random, now_ns: int) -> int:  # noqa: ARG002 - others need it
        """The nearest in time; of two as near, the earlier."""
        return self.values_ns[nearest(self.times_ns, now_ns)]


def nearest(times_ns: Sequence[int], now_ns: int) -> int:
    """Which of ascending times, at least one, is nearest to now; of two as near, the earlier. O(log n)."""
    at = min(bisect_left(times_ns, now_ns), len(times_ns) - 1)
    return at - 1 if at and now_ns - times_ns[at - 1] <= times_ns[at] - now_ns else at
