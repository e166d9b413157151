"""Whether to start a large batch now or after some of the frames that are expected, by trying each on what is known. Pure.

For devices where many frames fit into a deadline: too many for the dynamic programme of `lookahead`, and the drop
window alone is nearly the best there is; what it lacks is to wait for frames that are about to come. Each way to begin
is followed by the drop window to the end of the outlook, and the one that serves most is taken (the rollout algorithm:
Bertsekas, Dynamic Programming and Optimal Control, 6.4).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

from framebatch.scheduling.outlook import Choice
from framebatch.scheduling.window import widest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framebatch.scheduling.outlook import Outlook, Times

__all__ = ["best_start"]

WAITS: Final = 8
"""Moments to wait for that are tried."""
PATIENCE: Final = 0.9
"""A frame is given up for others that have not come only as long as so much of its budget is left: else there would
always be somebody to wait for."""
SOONER: Final = 1e-2
"""A batch that starts sooner by the shortest batch is worth this, in frames."""


def best_start(view: Outlook, times: Times, *, frame_ns: float, grain_ns: int, budget_ns: int) -> Choice:
    """The first batch that serves most, followed by the drop window. O(WAITS batches log n log max_batch).

    Args:
        view: what waits, at least one frame, none too late even alone; and what is expected.
        times: of batches.
        frame_ns: device time of a frame in the largest batch that can be in time.
        grain_ns: frames that come within so long of each other are waited for together.
        budget_ns: of a frame, from when it is ready to its deadline.
    """
    rate = 1 / frame_ns
    sooner = SOONER / times.mid_ns[1]
    best: Choice | None = None
    most = 0.0
    for choice in _beginnings(view, times, grain_ns, budget_ns):
        skip, size, start_ns = choice
        served, free_ns = _follow(view, times, skip + size, start_ns + times.mid_ns[size])
        value = size + served - sooner * (start_ns - view.start_ns) - rate * max(0, free_ns - view.end_ns)
        if best is None or value > most:
            best, most = choice, value
    if best is None:
        raise ValueError("no frame waits")
    return best


def _beginnings(view: Outlook, times: Times, grain_ns: int, budget_ns: int) -> Iterator[Choice]:
    """The drop window now, and after the next frames have come, as long as nobody who has waited is given up."""
    start_ns, ready_ns, deadlines_ns, there, _, _ = view
    patient = deadlines_ns[0] - start_ns >= PATIENCE * budget_ns
    for _ in range(WAITS + 1):
        skip, size = _window(deadlines_ns, 0, there, start_ns, times)
        if not size or (skip and start_ns > view.start_ns and not patient):
            return
        yield Choice(skip, size, start_ns)
        if size == times.max_batch or there == len(ready_ns):
            return
        there = bisect_right(ready_ns, ready_ns[there] + grain_ns, there)
        start_ns = ready_ns[there - 1]


def _window(deadlines_ns: list[int], at: int, there: int, start_ns: int, times: Times) -> tuple[int, int]:
    """The first frame and the size of the batch that the drop window takes; size 0 where all are too late."""
    high_ns = times.high_ns
    most = min(times.max_batch, there - at)
    if deadlines_ns[at] - start_ns >= high_ns[most]:
        return at, most
    at = bisect_left(deadlines_ns, start_ns + high_ns[1], at, there)
    if at == there:
        return at, 0
    return widest(deadlines_ns, at, there, start_ns=start_ns, high_ns=high_ns, limit=times.max_batch)


def _follow(view: Outlook, times: Times, at: int, free_ns: int) -> tuple[int, int]:
    """What the drop window serves from there on, and when the device is free then; it stops where the outlook ends."""
    _, ready_ns, deadlines_ns, _, end_ns, _ = view
    mid_ns = times.mid_ns
    total = len(ready_ns)
    served = 0
    while at < total and free_ns < end_ns:
        free_ns = max(free_ns, ready_ns[at])
        there = bisect_right(ready_ns, free_ns, at)
        at, size = _window(deadlines_ns, at, there, free_ns, times)
        served += size
        free_ns += mid_ns[size]
        at += size
    return served, free_ns
