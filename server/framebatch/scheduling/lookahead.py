"""The best plan for the frames that wait and the next ones that are expected, by dynamic programming. Pure.

For devices where few frames fit into a deadline. There every single frame counts: whether a batch starts now or after
the frame that is due in a millisecond, and whether it leaves the device free in time for the next burst.

Where frames are ordered by deadline, some best plan runs batches of neighbours, and each batch takes the first frames
that can still make it: whichever it takes instead of these could change places with them. So a plan is a sequence of
batch sizes. It is made anew at every event, and only its first batch is ever acted on (model predictive control).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.scheduling.outlook import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.scheduling.outlook import Outlook, Times

__all__ = ["plan"]

STATES: Final = 4
"""Partial plans that are kept for each frame, """
WEIGHTED_STATES: Final = 8
"""and where frames are not worth the same, so that plans differ in more ways."""
TAIL: Final = 0.75
"""What device time beyond the outlook is worth, as a share of what full batches would make of it."""
MARGIN: Final = 0.4
"""The high and low service times are so far from the middle in probability (the 90th and 10th percentile)."""
LARGER: Final = 1e-3
"""Between plans that serve as many: a frame more in the first batch is worth this, in frames."""
SOONER: Final = 1e-2
"""Likewise, a first batch that starts sooner, for each shortest batch."""

Partial = tuple[float, int, int, int, int]
"""The beginning of a plan, the best first in order: minus the frames in time (expected value), when the device is free
after it, and of its first batch minus the size (0: there is none yet), how many frames are passed over, and the start."""


def plan(view: Outlook, times: Times, frame_ns: float) -> Choice | None:
    """The first batch of the plan that serves most; None: no frame can be served.

    States are (next frame, frames served) with the earliest time at which the device is free; for each next frame only
    the few that serve most are kept. A batch whose end is uncertain counts for each of its frames with the probability
    that it is in time, and is tried with those frames that make it with some luck, with even chances, and almost surely.
    All that wait are given up for others only if these come before it is too late to change one's mind.

    O(n STATES m) for n frames and m sizes of batches.

    Args:
        view: the frames.
        times: of batches, and the sizes that are worth a try.
        frame_ns: device time of a frame in full batches.
    """
    _, mid_ns, high_ns, _ = times
    certain = times.low_ns[1] == high_ns[1]
    needs_ns: tuple[Sequence[int], ...] = (high_ns,) if certain else times[:3]
    weighted = not isinstance(view.worth, range)
    total = len(view.deadlines_ns)
    reached: list[list[Partial]] = [[] for _ in range(total + 1)]
    reached[0].append((0.0, view.start_ns, 0, 0, 0))
    kept: list[Partial] = []
    line = (view, times, view.deadlines_ns[view.waiting - 1] - high_ns[1])
    for at in range(total):
        if not reached[at]:
            continue
        best = _best(reached[at], WEIGHTED_STATES if weighted else STATES)
        kept += best
        if weighted:
            reached[at + 1] += best
        for state in best:
            for need_ns in needs_ns:
                _lengthen(reached, state, at, need_ns, line)
    return _first_of_best(kept + reached[total], view, mid_ns[1], frame_ns)


def _lengthen(
    reached: list[list[Partial]], state: Partial, at: int, need_ns: Sequence[int], line: tuple[Outlook, Times, int]
) -> None:
    """Add the plan with one more batch, of each size: of the first frames from `at` on that leave it `need_ns` of time."""
    view, times, patience_ns = line
    _, ready_ns, deadlines_ns, waiting, _, worth = view
    _, mid_ns, high_ns, sizes = times
    lost, free_ns, first_size, skip, first_start_ns = state
    total = len(ready_ns)
    begin = at
    for size in sizes:
        need = need_ns[size]
        end = begin + size
        while end <= total:
            start_ns = ready_ns[end - 1]
            if free_ns > start_ns:  # noqa: PLR1730 - a call takes as long as all the rest
                start_ns = free_ns
            if start_ns + need <= deadlines_ns[begin]:
                break
            begin += 1
            end += 1
        else:
            return
        if not first_size and begin >= waiting and start_ns > patience_ns:
            return
        if start_ns + high_ns[size] > deadlines_ns[begin]:
            gain = _in_time(view, begin, size, start_ns, times)
        else:
            gain = worth[end] - worth[begin]
        end_ns = start_ns + mid_ns[size]
        if first_size:
            reached[end].append((lost - gain, end_ns, first_size, skip, first_start_ns))
        else:
            reached[end].append((lost - gain, end_ns, -size, begin, start_ns))


def _best(states: list[Partial], most: int) -> list[Partial]:
    """Those that serve most; of two, one that serves fewer is kept only if it is free earlier."""
    states.sort()
    kept = states[:1]
    free_ns = kept[0][1]
    for state in states:
        if state[1] < free_ns:
            free_ns = state[1]
            kept.append(state)
            if len(kept) == most:
                break
    return kept


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
    for lost, free_ns, size, skip, start_ns in states:
        if not size:
            continue
        value = -lost - sooner * (start_ns - view.start_ns) - LARGER * size
        if free_ns > view.end_ns:
            value -= rate * (free_ns - view.end_ns)
        if choice is None or value > best:
            best, choice = value, Choice(skip, -size, start_ns)
    return choice
