"""Published batching policies, written anew from their papers and sources, as opponents for this project's policy.

Each is played by the same simulated host as ours. Pure, without randomness; never part of the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from baselines.base import Baseline
from baselines.clipper import Clipper
from baselines.clockwork import Clockwork
from baselines.eager import Eager
from baselines.edf import EarliestDeadline
from baselines.greedy import Greedy
from baselines.nexus import Nexus
from baselines.symphony import Symphony
from baselines.triton import Triton

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.profile import LatencyTable

__all__ = ["BASELINES", "Baseline"]

BASELINES: Final[dict[str, Callable[[LatencyTable, int], Baseline]]] = {
    "symphony": Symphony,
    "clockwork": Clockwork,
    "nexus": Nexus,
    "triton, tuned": Triton.tuned,
    "triton": Triton,
    "eager": Eager,
    "edf": EarliestDeadline,
    "clipper": Clipper,
    "greedy": Greedy,
}
"""By name; each is made of a latency table and the deadline that all frames share, in nanoseconds."""
