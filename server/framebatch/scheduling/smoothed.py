"""A running mean of a duration and a cautious value above it. Nothing else."""

from typing import Final

__all__ = ["Smoothed"]

GAIN: Final = 0.1
CAUTION: Final = 2


class Smoothed:
    """Exponentially weighted mean and mean deviation, as TCP keeps for its timeout (RFC 6298)."""

    __slots__ = ("deviation_ns", "mean_ns")

    def __init__(self, start_ns: float) -> None:
        self.mean_ns = start_ns
        self.deviation_ns = start_ns / 4

    def __repr__(self) -> str:
        return f"Smoothed(mean={self.mean_ns:.0f} ns, deviation={self.deviation_ns:.0f} ns)"

    def observe(self, value_ns: float) -> None:
        """Learn one duration in nanoseconds."""
        error = value_ns - self.mean_ns
        self.mean_ns += GAIN * error
        self.deviation_ns += GAIN * (abs(error) - self.deviation_ns)

    @property
    def cautious_ns(self) -> int:
        """The mean plus two deviations: seldom exceeded."""
        return round(self.mean_ns + CAUTION * self.deviation_ns)
