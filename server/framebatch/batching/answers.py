"""The promise: every frame that is owed an answer gets exactly one, at its deadline at the latest.

Counts what is owed, watches the deadlines, gives the answers. Why a frame gets which answer is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS, now_ns
from framebatch.frame import Frame, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.batching.interfaces import Observer

__all__ = ["Answers"]

TIDY_ABOVE: Final = 1024


class Answers:
    """Frames between `owe` and `give`.

    Invariants: owed = frames taken in - replies called, owed_bytes = what their pictures take; a frame's `outcome` is None exactly while it is owed.

    Lives on the event loop. `watch` and `give` are O(log n).
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_expired: Callable[[Frame], object],
        on_answered: Callable[[Frame], object] = lambda _: None,
        tell: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Owe nothing yet.

        Args:
            loop: where the timer runs.
            on_expired: lets a frame go that waits no longer.
            on_answered: told of each frame that has its outcome.
            tell: what to add to the reason of a frame of this camera that came too late.
        """
        self._loop = loop
        self._on_expired = on_expired
        self.observer: Observer | None = None
        self._on_answered = on_answered
        self._tell = tell
        self._watched: list[tuple[int, int, Frame]] = []
        self._tie = count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ns = 0
        self.owed = 0
        self.owed_bytes = 0
        self._settled = asyncio.Event()
        self._settled.set()

    def __repr__(self) -> str:
        return f"Answers(owed={self.owed}, watched={len(self._watched)})"

    def owe(self, frame: Frame) -> None:
        """From now on this frame must be answered."""
        if frame.outcome is not None:
            raise ValueError(f"{frame!r} was answered before")
        if self.owed == 0:
            self._settled.clear()
        self.owed += 1
        if frame.picture is not None:
            frame.picture_bytes = len(frame.picture.data)
            self.owed_bytes += frame.picture_bytes
        if self.observer is not None:
            self.observer.received(frame)

    def watch(self, frame: Frame) -> None:
        """Answer the frame EXPIRED at its deadline, unless it has been answered by then."""
        watched = self._watched
        if len(watched) > TIDY_ABOVE and len(watched) > 2 * self.owed:
            watched[:] = [entry for entry in watched if entry[2].outcome is None]
            heapify(watched)
        heappush(watched, (frame.deadline_ns, next(self._tie), frame))
        if self._timer is None or frame.deadline_ns < self._timer_at_ns:
            self._arm(frame.deadline_ns)

    def give(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Answer a frame that is owed one."""
        frame.outcome = outcome
        frame.reason = reason
        frame.answered_ns = now_ns()
        frame.picture = None
        self.owed -= 1
        self.owed_bytes -= frame.picture_bytes
        if self.owed == 0:
            self._settled.set()
        self._on_answered(frame)
        frame.reply(frame)
        if self.observer is not None:
            self.observer.answered(frame)

    def supersede(self, frame: Frame, newer: Frame) -> None:
        """Answer a frame whose camera has sent a newer one."""
        self.give(frame, Outcome.SUPERSEDED, f"frame {newer.sequence} of the same camera is newer")

    def give_all(self, outcome: Outcome, reason: str) -> None:
        """Answer all watched frames that are still owed one."""
        for _, _, frame in self._watched:
            if frame.outcome is None:
                self._on_expired(frame)
                self.give(frame, outcome, reason)

    async def settled(self, timeout_seconds: float | None) -> bool:
        """Wait until nothing is owed; False when that did not come in time (None: there is no limit)."""
        try:
            await asyncio.wait_for(self._settled.wait(), timeout_seconds)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, time_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at_ns = time_ns
        self._timer = self._loop.call_later(max(0, time_ns - now_ns()) / SECOND_NS, self._expire)

    def _expire(self) -> None:
        self._timer = None
        watched = self._watched
        now = now_ns()
        while watched and (watched[0][2].outcome is not None or watched[0][0] <= now):
            frame = heappop(watched)[2]
            if frame.outcome is not None:
                continue
            self._on_expired(frame)
            where = "on the device" if frame.dispatched_ns else "waiting" if frame.ready_ns else "being decoded"
            again = f"; {frame.reason}" if frame.reason else ""
            told = self._tell(frame.camera) if where == "waiting" else ""
            self.give(frame, Outcome.EXPIRED, f"the deadline came while the frame was {where}{again}{told}")
        if watched:
            self._arm(watched[0][0])
