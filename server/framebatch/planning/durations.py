"""How long something takes each time: one value, a distribution, or what was seen. Values; seeded by who draws."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import random

__all__ = ["NOTHING", "Durations", "Fixed", "Lognormal", "Seen"]


class Durations(Protocol):
    """Nanoseconds, drawn one by one."""

    @property
    def mean_ns(self) -> float:
        """On average."""

    def draw(self, rng: random.Random) -> int:
        """The next one; never negative."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    value_ns: int

    @property
    def mean_ns(self) -> float:
        """The value."""
        return self.value_ns

    def draw(self, rng: random.Random) -> int:  # noqa: ARG002 - others need it
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

    def draw(self, rng: random.Random) -> int:
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

    def draw(self, rng: random.Random) -> int:
        """One of them."""
        return self.values_ns[int(rng.random() * len(self.values_ns))]
