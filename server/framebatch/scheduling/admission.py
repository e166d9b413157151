"""Whom to refuse on arrival, before anything is decoded, and in which words. Pure; reads a policy, changes nothing.

Refused is what no schedule could answer in time and, under overload, what the next batches will pass over: the drop
window (`window`) fills a batch with frames that have more time. Whoever hears so early can still do something else.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from framebatch.clock import ns_to_ms
from framebatch.scheduling.fairness import Priority
from framebatch.scheduling.pending import Pending, Waiting

if TYPE_CHECKING:
    from framebatch.scheduling.policy import Policy

__all__ = ["Newcomer", "Probes", "refusal"]

F = TypeVar("F", bound=Waiting)

PRUDENCE: Final = 0.8
"""Of the frames that should come before the next batch are counted on: one that is less full takes frames with less time."""
UNDERSERVED: Final = 0.95
"""Of the mean share: a camera below it is let in though the next batch is full, or none whose frames come at the wrong
moment of each round would ever be."""


PROBE_EVERY: Final = 8


class Probes:
    """Which frames that the estimates turn away are tried all the same: every eighth while nothing else is here.

    On an idle server only the estimates stand in a frame's way, and only a batch can correct them; without a probe one
    that a disturbance made too high would keep all frames away for good.
    """

    def __init__(self) -> None:
        self._turned_away = 0

    def __repr__(self) -> str:
        return f"Probes({self._turned_away} turned away)"

    def due(self, *, idle: bool) -> bool:
        """Whether the frame that was just turned away is one; none is unless the server is idle."""
        self._turned_away += idle
        return idle and self._turned_away % PROBE_EVERY == 0


class Newcomer(NamedTuple):
    """A frame that has just arrived."""

    camera: str
    """Who sent it; of those that wait, frames that are chosen after one of this camera are not ahead of it."""
    deadline_ns: int
    """By when its answer must have left."""
    ready_ns: int
    """When its pixels will be there."""
    start_ns: int
    """The earliest start of the next batch."""
    now_ns: int
    """The current time."""
    rows: int = 1
    """Places of a batch that it takes."""


def refusal(policy: Policy, pending: Pending[F], new: Newcomer) -> str | None:
    """Why the frame will not be answered in time, and the smallest budget that would do; None when it may be.

    Frames that are still preparing count as ahead of it. O(log n log B) for n waiting frames and batches up to B; O(n)
    where cameras are of different classes.
    """
    ahead = pending.ahead_of(new.deadline_ns) + pending.preparing
    filled_ns = 0
    if new.camera in policy.shares.critical:
        ahead = _chosen_before(policy, pending, new)
    elif policy.overloaded and not _got_less(policy, new, UNDERSERVED):
        filled_ns = _filled_ns(policy, pending, new)
        ahead -= min(pending.before(filled_ns), pending.ahead_of(new.deadline_ns))
    done_ns = _done_ns(policy, ahead, new)
    if filled_ns <= new.deadline_ns < done_ns and policy.overloaded and policy.options.fair:
        fewer = min(ahead, _chosen_before(policy, pending, new))
        if _done_ns(policy, fewer, new) <= new.deadline_ns:
            return None
    fits_ns = max(filled_ns, done_ns)
    if fits_ns <= new.deadline_ns:
        return None
    why = "the next batch is full of frames with more time" if filled_ns > done_ns else f"{ahead} frames are ahead"
    least_ns = new.ready_ns - new.now_ns + policy.work_ns(new.rows) + policy.after_ns
    ever = f", and {_ms(least_ns)} ms on an idle device" if new.now_ns + least_ns > new.deadline_ns else ""
    budget_ms = _ms(fits_ns - new.now_ns)
    return f"cannot be answered in time: {why}; the smallest budget that fits is {budget_ms} ms{ever}"


def _ms(budget_ns: int) -> int:
    """Rounded up: what is named must be enough."""
    return ceil(ns_to_ms(budget_ns))


def _done_ns(policy: Policy, ahead: int, new: Newcomer) -> int:
    """When a frame could be answered that so many rows are ahead of. A kind estimate: full batches, median times."""
    begin_ns = max(new.ready_ns, new.start_ns)
    rows = ahead + new.rows
    if rows <= policy.max_batch:
        return begin_ns + policy.work_ns(rows) + policy.after_ns
    last_ns = begin_ns + policy.work_ns(max(new.rows, policy.max_batch))
    return max(new.start_ns + policy.work_ns(rows), last_ns) + policy.after_ns


def _filled_ns(policy: Policy, pending: Pending[F], new: Newcomer) -> int:
    """When the next batch will have been answered, if more than one frame goes into it; else 0.

    It takes as many as can be in time, also of those that come until it starts. These are taken to have the budget of
    the frame in question, so that frames with little time are not refused for others of their kind.
    """
    high_ns = policy.estimate.high_ns
    base_ns = new.start_ns + policy.after_ns
    spare_ns = new.deadline_ns - new.now_ns - policy.after_ns
    rate_per_ns = PRUDENCE * policy.rate_per_ns
    low, high = 1, policy.max_batch
    while low < high:
        size = (low + high + 1) // 2
        coming = rate_per_ns * max(0, min(new.start_ns - new.now_ns, spare_ns - high_ns[size]))
        if len(pending) - pending.before(base_ns + high_ns[size]) + coming >= size:
            low = size
        else:
            high = size - 1
    return base_ns + high_ns[low] if low > 1 else 0


def _got_less(policy: Policy, new: Newcomer, than: float) -> bool:
    """Whether the camera's share lately was below so much of the mean, and it has a right to as much."""
    shares = policy.shares
    last = shares.mixed and shares.priority(new.camera) is Priority.BEST_EFFORT
    return policy.options.fair and not last and shares.share(new.camera) < than * shares.mean


def _chosen_before(policy: Policy, pending: Pending[F], new: Newcomer) -> int:
    """How many of the ready rows ahead would be chosen before the frame: by class, then, roughly, by share."""
    if _got_less(policy, new, 1.0):
        return 0
    shares = policy.shares
    ahead = pending.ahead_of(new.deadline_ns)
    if not shares.mixed:
        return ahead
    priority = shares.priority(new.camera)
    return sum(shares.priority(each) <= priority for each in pending.cameras(0, ahead))
