"""The best plan for the frames that wait and the next ones that are expected, by dynamic programming. Pure.

For devices where few frames fit into a deadline. There every single frame counts: whether a batch starts now or after
the frame that is due in a millisecond, and whether it leaves the device free in time for the next burst.

Where frames are ordered by deadline, some best plan runs batches of neighbours, so a plan is a sequence of (pass over
some, take the next few). The plan is made anew at every event, and only its first batch is ever acted on (model
predictive control).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.scheduling.outlook import Choice

if TYPE_CHECKING:
    from framebatch.scheduling.outlook import Outlook, Times

__all__ = ["plan"]

STATES: Final = 4
"""Partial plans that are kept for each frame, """
WEIGHTED_STATES: Final = 8
"""and where frames are not worth the same, so that plans differ in more ways."""
HOPE: Final = 0.05
"""A frame given up while others are waited for costs so much more than it is worth: they may not come."""
TAIL: Final = 0.5
"""What device time beyond the outlook is worth, as a share of what full batches would make of it."""
MARGIN: Final = 0.4
"""The high and low service times are so far from the middle in probability (the 90th and 10th percentile)."""
LARGER: Final = 1e-3
"""Between plans that serve as many: a frame more in the first batch is worth this, in frames."""
SOONER: Final = 1e-2
"""Likewise, a first batch that starts sooner, for each shortest batch."""


class Partial(NamedTuple):
    """The beginning of a plan."""

    served: float
    """Frames in time, expected value."""
    free_ns: int
    """When the device is free after it."""
    first: Choice | None
    """Its first batch."""


def plan(view: Outlook, times: Times, frame_ns: float) -> Choice | None:
    """The first batch of the plan that serves most; None: no frame can be served.

    States are (next frame, frames served) with the earliest time at which the device is free; for each next frame only
    the few that serve most are kept. A batch whose end is uncertain counts for each of its frames with the probability
    that it is in time. O(n STATES m) for n frames and batches of up to m that fit into a deadline.
    """
    _, ready_ns, deadlines_ns, _, _, worth = view
    low_ns, mid_ns, high_ns, max_batch = times
    most = STATES if isinstance(worth, range) else WEIGHTED_STATES
    certain = low_ns[1] == high_ns[1]
    total = len(deadlines_ns)
    reached: list[list[Partial]] = [[] for _ in range(total + 1)]
    reached[0].append(Partial(0.0, view.start_ns, None))
    for at in range(total):
        deadline_ns = deadlines_ns[at]
        limit = min(max_batch, total - at)
        for state in _best(reached[at], most):
            served, free_ns, first = state
            reached[at + 1].append(state)
            for size in range(1, limit + 1):
                start_ns = ready_ns[at + size - 1]
                start_ns = max(start_ns, free_ns)
                gain = worth[at + size] - worth[at]
                if start_ns + high_ns[size] > deadline_ns:
                    if certain or start_ns + low_ns[size] > deadline_ns:
                        break
                    gain = _in_time(view, at, size, start_ns, times)
                end = Partial(served + gain, start_ns + mid_ns[size], first or Choice(at, size, start_ns))
                reached[at + size].append(end)
    return _first_of_best(reached[total], view, times.mid_ns[1], frame_ns)


def _best(states: list[Partial], most: int) -> list[Partial]:
    """Those that serve most; of two, one that serves fewer is kept only if it is free earlier."""
    states.sort(key=_most_served)
    kept = states[:1]
    for state in states:
        if state.free_ns < kept[-1].free_ns:
            kept.append(state)
            if len(kept) == most:
                break
    return kept


def _most_served(state: Partial) -> tuple[float, int]:
    return (-state.served, state.free_ns)


def _in_time(view: Outlook, at: int, size: int, start_ns: int, times: Times) -> float:
    """Expected worth of a batch whose end is uncertain: uniform, through its 10th and 90th percentile."""
    deadlines_ns, worth = view.deadlines_ns, view.worth
    mid_ns = start_ns + times.mid_ns[size]
    high_ns = start_ns + times.high_ns[size]
    slope = MARGIN / (high_ns - mid_ns + 1)
    gain = 0.0
    for each in range(at, at + size):
        deadline_ns = deadlines_ns[each]
        if deadline_ns >= high_ns:
            return gain + worth[at + size] - worth[each]
        chance = min(1.0, max(0.0, 0.5 + slope * (deadline_ns - mid_ns)))
        gain += chance * (worth[each + 1] - worth[each])
    return gain


def _first_of_best(states: list[Partial], view: Outlook, alone_ns: int, frame_ns: float) -> Choice | None:
    rate = TAIL / frame_ns
    sooner = SOONER / alone_ns
    best, choice = 0.0, None
    for served, free_ns, first in states:
        if first is None:
            continue
        value = served - sooner * (first.start_ns - view.start_ns) + LARGER * first.size
        if first.skip and first.start_ns > view.start_ns:
            value -= HOPE * first.skip
        if free_ns > view.end_ns:
            value -= rate * (free_ns - view.end_ns)
        if choice is None or value > best:
            best, choice = value, first
    return choice
