"""How so many cameras fare, from seeded stretches of their time: as many as tell on which side of the line they are. Pure."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Final

from framebatch.clock import ns_to_ms
from framebatch.planning.figures import Figures, quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.planning.stretch import Played

__all__ = ["MISSES", "Evidence", "draws_for", "gather"]

MISSES: Final = 0.01
"""At most this share of the frames may be missed."""
PHASES: Final = 300
"""So many phases of cameras are drawn in all, """
DRAWS: Final = (3, 12)
"""in so many draws at least, and at most."""


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


def draws_for(cameras: int) -> int:
    """How many draws tell how so many fare: few of many cameras, many of few, in which one bad pair of phases weighs much."""
    fewest, most = DRAWS
    return min(max(ceil(PHASES / cameras), fewest), most)


def gather(play: Callable[[int], Played], draws: int) -> Evidence:
    """Play seeds 0, 1, 2 ... up to so many draws; fewer when the rest, were it perfect, could not bring the fleet to the line.

    Args:
        play: one stretch, by seed.
        draws: at least 1.
    """
    played: list[Played] = []
    missed = 0.0
    while len(played) < draws and missed <= draws * MISSES:
        played.append(play(len(played)))
        missed += played[-1].figures.miss_rate
    return Evidence(played)
