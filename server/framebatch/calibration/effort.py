"""How much time each measurement gets, so that the whole run ends in time. Pure: times come in, shares go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from framebatch.clock import MILLISECOND_NS, SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Effort", "IdlePlan", "Known", "PlannedPoint", "climb_effort", "idle_plan", "passes_in", "plan_pass"]

SLOW_NS: Final = 250 * MILLISECOND_NS
"""A batch that takes longer is warmed up with one batch only."""
WARM_NS: Final = 100 * MILLISECOND_NS
LEAST: Final = 3
MOST: Final = 5000
TARGET_WIDTH: Final = 0.01
"""Of half the median's interval, as a share of the median; the stop rule's."""
MOST_PASSES: Final = 6
COMFORT: Final = 1.6
"""A pass is worth beginning for this many times the least that it costs."""
UNMEASURED_WIDTH: Final = 0.1
LEAST_NEED: Final = 0.5
MOST_NEED: Final = 10.0
FAVOUR: Final = 4.0
"""How much more time a size gets that may be chosen than one that will not be."""
IDLE_PLANS: Final = (
    ((SECOND_NS // 10, 8), (SECOND_NS, 4), (10 * SECOND_NS, 1)),
    ((SECOND_NS // 10, 5), (SECOND_NS, 1)),
    ((SECOND_NS // 10, 3),),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """How one size is measured in one process.

    Attributes:
        warm_ups: At least so many batches are run first and not timed.
        warm_ns: No further warming begins after this time.
        least: At least so many are timed.
        most: At most so many.
        budget_ns: No timed batch beyond the least begins after this time.
        until_enough: Whether to stop as soon as the median is known well.
    """

    warm_ups: int
    warm_ns: int
    least: int
    most: int
    budget_ns: int
    until_enough: bool = True

    def expected_ns(self, service_ns: float) -> int:
        """What it takes at least, without starting a process."""
        return round(service_ns * (self.warm_ups + self.least))


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of a size before a pass.

    Attributes:
        batch: Frames.
        service_ns: Its median, or what it is expected to be.
        width: Half of the median's interval over the median; None: it was not measured yet.
    """

    batch: int
    service_ns: float
    width: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedPoint:
    """One size of a pass, and its share of the time."""

    batch: int
    effort: Effort


def climb_effort(service_ns: float, *, budget_ns: int) -> Effort:
    """How a size is tried for the first time.

    Args:
        service_ns: What a batch is expected to take.
        budget_ns: For the batches that are timed.

    """
    return _effort(service_ns, budget_ns)


def plan_pass(sizes: Sequence[Known], *, budget_ns: int, overhead_ns: int, favoured: int) -> list[PlannedPoint]:
    """Share the time of one pass; answers the sizes that it has time for, rising.

    Sizes that were never measured come first, then those that may be chosen, then those whose median is known least.
    What is left after each has its least is shared in proportion to how long it would take to know each well.

    Args:
        sizes: Those still worth measuring.
        budget_ns: For all of them, processes included.
        overhead_ns: What a process takes besides its batches.
        favoured: Sizes up to this may be chosen.

    """
    least = {known.batch: overhead_ns + _effort(known.service_ns, 0).expected_ns(known.service_ns) for known in sizes}
    order = sorted(
        sizes,
        key=lambda known: (known.width is not None, known.batch > favoured, -(known.width or 0.0), known.batch),
    )
    taken: list[Known] = []
    left_ns = budget_ns
    for known in order:
        if least[known.batch] <= left_ns:
            taken.append(known)
            left_ns -= least[known.batch]
    weights = {known.batch: _weight(known, favoured) for known in taken}
    whole = sum(weights.values())
    return [
        PlannedPoint(
            batch=known.batch,
            effort=_effort(known.service_ns, round(LEAST * known.service_ns + left_ns * weights[known.batch] / whole)),
        )
        for known in sorted(taken, key=lambda known: known.batch)
    ]


def passes_in(sizes: Sequence[Known], *, budget_ns: int, overhead_ns: int) -> int:
    """How many passes over all of these sizes the time is best used for; 0 where it does not even suffice for one."""
    least_ns = sum(overhead_ns + _effort(known.service_ns, 0).expected_ns(known.service_ns) for known in sizes)
    if not sizes or budget_ns < least_ns:
        return 0
    return max(1, min(MOST_PASSES, int(budget_ns / (COMFORT * least_ns))))


@dataclass(frozen=True, kw_only=True, slots=True)
class IdlePlan:
    """After how long a pause the first batch is timed, and how often: pairs of nanoseconds and a count."""

    pauses: tuple[tuple[int, int], ...]

    @property
    def expected_ns(self) -> int:
        """All pauses together."""
        return sum(pause_ns * count for pause_ns, count in self.pauses)


def idle_plan(budget_ns: int) -> IdlePlan:
    """The most that fits; nothing where nothing does."""
    plans = [IdlePlan(pauses=pauses) for pauses in IDLE_PLANS]
    return next((plan for plan in plans if plan.expected_ns <= budget_ns), IdlePlan(pauses=()))


def _effort(service_ns: float, budget_ns: int) -> Effort:
    slow = service_ns > SLOW_NS
    return Effort(
        warm_ups=1 if slow else 2,
        warm_ns=0 if slow else WARM_NS,
        least=LEAST,
        most=MOST,
        budget_ns=budget_ns,
    )


def _weight(known: Known, favoured: int) -> float:
    """How long it would take to know a size well: samples grow with the square of how much narrower it shall be."""
    width = UNMEASURED_WIDTH if known.width is None else known.width
    need = min(MOST_NEED, max(LEAST_NEED, width / TARGET_WIDTH))
    return need * need * max(1.0, known.service_ns) * (FAVOUR if known.batch <= favoured else 1.0)
