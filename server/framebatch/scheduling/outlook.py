"""What a plan is made from: the frames that wait and those that are expected, in one line. Values; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.scheduling.arrivals import Expected

__all__ = ["Choice", "Outlook", "Times", "outlook"]


class Times(NamedTuple):
    """How long a batch of m frames takes, m = 0, 1, 2 ..., padding included, none falling."""

    low_ns: Sequence[int]
    mid_ns: Sequence[int]
    high_ns: Sequence[int]
    sizes: Sequence[int]
    """Of batches that are worth a try, rising."""


class Outlook(NamedTuple):
    """Frames in the order of their deadlines; those that wait come first.

    An expected frame whose deadline were earlier than a waiting one's gets that one's, so the line is ordered by both.
    """

    start_ns: int
    """The earliest start of a batch."""
    ready_ns: list[int]
    """When each frame is there; ascending; `start_ns` for those that wait."""
    deadlines_ns: list[int]
    """By when its batch must be completed; ascending."""
    waiting: int
    """How many wait."""
    end_ns: int
    """Beyond this nothing is known of what comes."""
    worth: Sequence[float]
    """What the first 0, 1, 2 ... frames are worth together; the number of frames where all are worth the same."""


class Choice(NamedTuple):
    """The first batch of a plan: it passes over `skip` frames, takes the next `size`, and starts at `start_ns`."""

    skip: int
    size: int
    start_ns: int


def outlook(
    deadlines_ns: Sequence[int],
    expected: Sequence[Expected],
    *,
    start_ns: int,
    end_ns: int,
    after_ns: int,
    worth: Sequence[float] | None = None,
) -> Outlook:
    """Put together waiting frames (with these deadlines, ascending) and expected ones (in order of time). O(n).

    Args:
        deadlines_ns: when answers must have left.
        expected: who will become ready after `start_ns`.
        start_ns: the earliest start of a batch.
        end_ns: how far `expected` reaches.
        after_ns: from a batch's completion to its answers.
        worth: as in `Outlook`; None: a frame is a frame.
    """
    deadlines = [each - after_ns for each in deadlines_ns]
    ready = [start_ns] * len(deadlines)
    last_ns = deadlines[-1]
    for time_ns, budget_ns, _ in expected:
        last_ns = max(last_ns, time_ns + budget_ns - after_ns)
        deadlines.append(last_ns)
        ready.append(time_ns)
    return Outlook(start_ns, ready, deadlines, len(deadlines_ns), end_ns, worth or range(len(deadlines) + 1))
