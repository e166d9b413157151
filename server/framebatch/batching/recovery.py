"""What to do when a batch fails. Decisions and the little they remember; pure: time comes in, verdicts go out.

Running out of memory is answered with smaller batches, any other failure by halving the batch until the frame at fault
stands alone, and failures that no frame explains by repairing the session. docs/decisions/0020-recovery.md has the why.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Action", "Backoff", "Counts", "Recovery", "Verdict", "hang_bound_ns"]

HANG_FACTOR: Final = 20
IN_A_ROW: Final = 3
"""So many that fail alone, one after the other and with no success between, are no longer their own fault."""
QUIET_NS: Final = 10 * SECOND_NS
QUIET_AT_MOST_NS: Final = 600 * SECOND_NS
DOWN_NS: Final = SECOND_NS
DOWN_AT_MOST_NS: Final = 60 * SECOND_NS


def hang_bound_ns(high_ns: int) -> int:
    """A device that needs longer for what it should do in `high_ns` hangs, unless that is a short time anyway."""
    return HANG_FACTOR * high_ns


class Action(Enum):
    """What becomes of the frames of a failed batch."""

    WAIT = "smaller batches"
    """Back to those that are ready: smaller batches may succeed."""
    SPLIT = "each half is run for itself"
    """Run each half for itself; one that is left alone too, since it may have failed for another one's sake."""
    FAIL = "answered FAILED"
    """Answer them FAILED."""
    RETRY = "run again after the session was looked after"
    """Run them once more, as they are, after the repair."""


class Verdict(NamedTuple):
    """The answer to one failure."""

    action: Action
    repair: bool = False
    """Look after the session before anything else is run."""
    reopen: bool = False
    """Open it anew even if it seems to work."""


@dataclass(slots=True)
class Counts:
    """How often what happened, since the start."""

    batches_failed: int = 0
    """Runs that failed, halves included."""
    batches_split: int = 0
    frames_poisoned: int = 0
    """Frames that failed alone."""
    out_of_memory: int = 0
    """Runs that failed for want of memory."""
    reopened: int = 0
    """Sessions opened anew."""
    cap_lowered: int = 0
    cap_raised: int = 0


class Backoff:
    """A pause that doubles each time it is asked for, up to a limit, and starts over after a success."""

    __slots__ = ("_at_least_ns", "_at_most_ns", "_next_ns")

    def __init__(self, at_least_ns: int, at_most_ns: int) -> None:
        self._at_least_ns = self._next_ns = at_least_ns
        self._at_most_ns = at_most_ns

    def __repr__(self) -> str:
        return f"Backoff(next={self._next_ns} ns)"

    def next_ns(self) -> int:
        """How long to wait this time."""
        pause_ns = self._next_ns
        self._next_ns = min(2 * pause_ns, self._at_most_ns)
        return pause_ns

    def reset(self) -> None:
        """It worked."""
        self._next_ns = self._at_least_ns


class Recovery:
    """What one model's failures have taught.

    Attributes:
        cap: the largest batch to run, one of `buckets`.
        counts: for metrics.
    """

    def __init__(self, buckets: Sequence[int], *, can_check: bool, can_reopen: bool) -> None:
        """Start without a limit.

        Args:
            buckets: batch sizes that the device runs, ascending.
            can_check: whether the session can be tried without a frame.
            can_reopen: whether it can be opened anew.
        """
        self.cap = buckets[-1]
        self.counts = Counts()
        self._buckets = tuple(buckets)
        self._can_check = can_check
        self._can_reopen = can_reopen
        self._in_a_row = 0
        self._quiet = Backoff(QUIET_NS, QUIET_AT_MOST_NS)
        self._raise_at_ns = 0
        self._trying = False
        self._reopenings = Backoff(QUIET_NS, QUIET_AT_MOST_NS)
        self._reopen_at_ns = 0
        self._down = Backoff(DOWN_NS, DOWN_AT_MOST_NS)

    def __repr__(self) -> str:
        return f"Recovery(cap={self.cap} of {self._buckets[-1]}, failed in a row={self._in_a_row}, {self.counts})"

    def succeeded(self, bucket: int, now_ns: int) -> bool:
        """A batch succeeded in this bucket; True when larger ones are to be tried from now on."""
        self._in_a_row = 0
        self._reopenings.reset()
        if self.cap == self._buckets[-1] and not self._trying:
            return False
        if self._trying:
            if bucket < self.cap:
                return False
            self._trying = False
            self._quiet.reset()
            self._raise_at_ns = now_ns + self._quiet.next_ns()
        if self.cap == self._buckets[-1] or now_ns < self._raise_at_ns:
            return False
        self.cap = self._buckets[bisect_right(self._buckets, self.cap)]
        self._trying = True
        self.counts.cap_raised += 1
        return True

    def out_of_memory(self, bucket: int, now_ns: int) -> Verdict:
        """A run of this size found no memory."""
        self.counts.batches_failed += 1
        self.counts.out_of_memory += 1
        at = bisect_left(self._buckets, bucket)
        below = self._buckets[max(0, at - 1)]
        if below < self.cap:
            self.cap = below
            self.counts.cap_lowered += 1
            self._trying = False
            self._raise_at_ns = now_ns + self._quiet.next_ns()
        return Verdict(Action.WAIT) if at > 0 else self._repair(Action.FAIL, now_ns)

    def failed(self, rows: int, owed: int, now_ns: int) -> Verdict:
        """A run of so many rows failed for another reason; `owed` of them still want an answer."""
        self.counts.batches_failed += 1
        if rows > 1 and owed:
            self.counts.batches_split += 1
            return Verdict(Action.SPLIT)
        self._in_a_row += 1
        verdict = Verdict(Action.FAIL)
        if self._in_a_row % IN_A_ROW == 0:
            verdict = self._repair(Action.RETRY, now_ns)
        if verdict.action is Action.FAIL:
            self.counts.frames_poisoned += owed
        return verdict

    def repaired(self, *, reopened: bool) -> None:
        """The session works, as far as can be seen."""
        self._down.reset()
        self.counts.reopened += reopened

    def down_ns(self) -> int:
        """The session could not be repaired; how long until the next attempt."""
        return self._down.next_ns()

    def _repair(self, action: Action, now_ns: int) -> Verdict:
        """Repair where that is possible and not too often; else this failure is like any other.

        A session that seems to work is opened anew only when nothing has succeeded since it was looked after before.
        """
        reopen = self._can_reopen and now_ns >= self._reopen_at_ns
        reopen = reopen and (not self._can_check or self._in_a_row > IN_A_ROW)
        if reopen:
            self._reopen_at_ns = now_ns + self._reopenings.next_ns()
        if reopen or self._can_check:
            return Verdict(action, repair=True, reopen=reopen)
        return Verdict(Action.FAIL)
