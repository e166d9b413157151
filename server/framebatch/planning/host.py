"""The machine around the device in a simulation: its decoders, and what handing over and answering take. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from framebatch.clock import MILLISECOND_NS
from framebatch.planning.durations import NOTHING, Durations, Lognormal
from framebatch.scheduling import LANES

__all__ = ["IDEAL", "Host"]

FILLING: Final = Lognormal(MILLISECOND_NS / 4, 1.0)
"""Deciding and filling, and """
ANSWERING: Final = Lognormal(MILLISECOND_NS / 2, 1.0)
"""answering, as they were measured on a processor with two cores (benchmarks/results), and how much both vary."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """What the server's own machine is like.

    Attributes:
        decoders: processes that decode; 0: any number.
        decode: what a picture takes them.
        before: filling a batch and handing it over.
        after: from the device's end of a batch to the answers having left.
        margin_ns: answers are planned to leave so much before their deadlines; the server's `answer_margin_ms`.
        slack_ns: it wakes by up to so much later than it wants, so batches are handed over so much earlier.
        lanes: batches that may be in flight.
        admits: whether frames that no schedule can answer in time are refused on arrival.
    """

    decoders: int = 0
    decode: Durations = NOTHING
    before: Durations = FILLING
    after: Durations = ANSWERING
    margin_ns: int = 2 * MILLISECOND_NS
    slack_ns: int = MILLISECOND_NS
    lanes: int = LANES
    admits: bool = True

    @property
    def plans_ahead(self) -> bool:
        """Whether it has to know when a batch that runs will be finished."""
        return self.admits or self.lanes > 1


IDEAL: Final = Host(before=NOTHING, after=NOTHING, margin_ns=0, slack_ns=0, lanes=1, admits=False)
"""Nothing but the policy and the device: pixels are there at once, one batch at a time, nobody is refused on arrival."""
