"""How so many cameras fare, from as many seeded stretches as it takes to tell which side of the line they are on. Pure."""

from __future__ import annotations

from collections import Counter
from math import sqrt
from statistics import stdev
from typing import TYPE_CHECKING, Final

from framebatch.clock import ns_to_ms
from framebatch.planning.figures import Figures, quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.planning.stretch import Played

__all__ = ["MISSES", "Evidence", "gather"]

MISSES: Final = 0.01
"""At most this share of the frames may be missed."""
SEEDS: Final = (3, 8)
"""So many stretches at least, and at most."""
HOPELESS: Final = 0.05
"""One stretch with more misses than this is enough."""
ERRORS: Final = 2.0
"""The mean is clear when it is so many of its standard errors from the line."""


class Evidence:
    """Stretches of the same fleet with different seeds.

    Attributes:
        figures: of all their frames together; the worst camera is that of any stretch.
        sizes: frames run in batches of each bucket.
        worst: share missed in the worst stretch: with the phases that suit these cameras least.
        stretches: how many there were.
    """

    def __init__(self, played: Sequence[Played]) -> None:
        """Add up at least one."""
        latencies_ns = sorted(latency for each in played for latency in each.latencies_ns)
        every = [each.figures for each in played]
        outcomes: Counter[str] = Counter()
        for each in every:
            outcomes.update(each.outcomes)
        batches = sum(each.batches for each in played)
        self.sizes: Counter[int] = sum((each.sizes for each in played), Counter())
        self.worst = max(each.miss_rate for each in every)
        self.stretches = len(played)
        self.figures = Figures(
            seconds=sum(each.seconds for each in every),
            sent=sum(each.sent for each in every),
            good=sum(each.good for each in every),
            outcomes=dict(outcomes),
            p50_ms=ns_to_ms(quantile(latencies_ns, 0.5)),
            p99_ms=ns_to_ms(quantile(latencies_ns, 0.99)),
            mean_batch=self.sizes.total() / batches if batches else 0.0,
            device_busy=sum(each.device_busy for each in every) / len(every),
            worst_camera=min(each.worst_camera for each in every),
        )

    def __repr__(self) -> str:
        return f"Evidence({self.figures.miss_rate:.2%} of {self.figures.sent} frames missed)"

    @property
    def fits(self) -> bool:
        """Whether no more are missed than may be."""
        return self.figures.sent - self.figures.good <= MISSES * self.figures.sent


def gather(play: Callable[[int], Played]) -> Evidence:
    """Play seeds 0, 1, 2 ... until it is clear which side of the line the fleet is on, or there are enough.

    A sequential rule: after three stretches or more it stops when the mean share of misses is two standard errors away
    from the line, as the stretches differ; at once when one stretch is far beyond it.

    Args:
        play: one stretch, by seed.
    """
    played: list[Played] = []
    fewest, most = SEEDS
    while len(played) < most:
        played.append(play(len(played)))
        missed = [each.figures.miss_rate for each in played]
        if len(played) == 1 and missed[0] > HOPELESS:
            break
        if len(played) >= fewest and _clear(missed):
            break
    return Evidence(played)


def _clear(missed: Sequence[float]) -> bool:
    error = stdev(missed) / sqrt(len(missed))
    return abs(sum(missed) / len(missed) - MISSES) > ERRORS * error
