"""The frames that wait, ordered by deadline, with a mailbox per live camera. Holds frames; decides nothing.

A frame is accepted, becomes ready when its pixels are there, and leaves when it is taken for a batch or removed. A
frame of several rows (places of a batch) waits as so many entries, which leave together unless they are taken.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Pending", "Waiting"]


class Waiting(Protocol):
    """What the scheduler needs to know of a frame."""

    @property
    def camera(self) -> str:
        """Who sent it; live frames of one camera supersede each other."""

    @property
    def deadline_ns(self) -> int:
        """When its answer must have left."""

    @property
    def live(self) -> bool:
        """Whether a newer frame of the same camera takes its place."""

    @property
    def rows(self) -> int:
        """Places of a batch that it takes; does not change while it waits."""


F = TypeVar("F", bound=Waiting)


class Pending(Generic[F]):
    """Frames accepted and not yet taken.

    Invariants:
        - a frame is in exactly one of `preparing` and the ready list, and is in neither once it has left;
        - the ready list has one entry for each row of a frame that was not taken;
        - ready frames are ordered by deadline, equal deadlines in the order in which they became ready;
        - at most one waiting frame of a live camera, whether preparing or ready.

    Every operation is O(log n) comparisons plus one list insertion or deletion (a memmove).
    """

    def __init__(self) -> None:
        self._preparing: set[F] = set()
        self._preparing_rows = 0
        self._deadlines: list[int] = []
        self._frames: list[F] = []
        self._mailbox: dict[str, F] = {}

    def __repr__(self) -> str:
        return f"Pending(preparing={self._preparing_rows}, ready={len(self._frames)}, live={len(self._mailbox)})"

    def __len__(self) -> int:
        """Ready rows."""
        return len(self._frames)

    def __iter__(self) -> Iterator[F]:
        """Ready frames, earliest deadline first, each as often as it has rows."""
        return iter(self._frames)

    @property
    def preparing(self) -> int:
        """Rows of accepted frames whose pixels are not there yet."""
        return self._preparing_rows

    @property
    def waiting(self) -> int:
        """All rows accepted and not yet taken."""
        return self._preparing_rows + len(self._frames)

    @property
    def deadlines(self) -> Sequence[int]:
        """Deadlines of the ready rows in nanoseconds, ascending. Not to be changed."""
        return self._deadlines

    def accept(self, frame: F) -> F | None:
        """Take a frame in; returns the older live frame of its camera, which has left, or None."""
        superseded = None
        if frame.live:
            superseded = self._mailbox.get(frame.camera)
            if superseded is not None:
                self.remove(superseded)
            self._mailbox[frame.camera] = frame
        self._preparing.add(frame)
        self._preparing_rows += frame.rows
        return superseded

    def make_ready(self, frame: F) -> bool:
        """Its pixels are there; False when the frame has left in the meantime."""
        if frame not in self._preparing:
            return False
        self._preparing.discard(frame)
        self._preparing_rows -= frame.rows
        self._insert(frame)
        for _ in range(frame.rows - 1) if frame.rows > 1 else ():
            self._insert(frame)
        return True

    def put_back(self, frame: F) -> F | None:
        """One row of it was taken in vain and is ready again, unless a newer live frame waits: that is returned.

        In that case the older one has left.
        """
        if frame.live:
            newer = self._mailbox.setdefault(frame.camera, frame)
            if newer is not frame:
                self.remove(frame)
                return newer
        self._insert(frame)
        return None

    def remove(self, frame: F) -> bool:
        """Let one frame go, whatever its stage, with all its rows; False when it had already left."""
        if frame in self._preparing:
            self._preparing.discard(frame)
            self._preparing_rows -= frame.rows
        else:
            at = self._index(frame, 0)
            if at < 0:
                return False
            while at >= 0:
                del self._deadlines[at]
                del self._frames[at]
                at = self._index(frame, at) if frame.rows > 1 else -1
        self._forget(frame)
        return True

    def take(self, count: int, chosen: Sequence[int] | None = None) -> list[F]:
        """The first `count` ready rows, or those at the positions `chosen` (ascending), which leave.

        A frame comes as often as rows of it are among them. Choosing is O(n).
        """
        if chosen is None:
            taken = self._frames[:count]
            del self._frames[:count]
            del self._deadlines[:count]
        else:
            taken = [self._frames[at] for at in chosen]
            for at in reversed(chosen):
                del self._frames[at]
                del self._deadlines[at]
        for frame in taken:
            self._forget(frame)
        return taken

    def cameras(self, begin: int, end: int) -> list[str]:
        """Who sent the ready rows from `begin` up to `end`."""
        return [frame.camera for frame in self._frames[begin:end]]

    def ahead_of(self, deadline_ns: int) -> int:
        """Ready rows whose deadline is not later."""
        return bisect_right(self._deadlines, deadline_ns)

    def before(self, time_ns: int) -> int:
        """Ready rows whose deadline is earlier than `time_ns`: the first so many."""
        return bisect_left(self._deadlines, time_ns)

    def _insert(self, frame: F) -> None:
        deadline_ns = frame.deadline_ns
        if not self._deadlines or deadline_ns >= self._deadlines[-1]:
            self._deadlines.append(deadline_ns)
            self._frames.append(frame)
        else:
            at = bisect_right(self._deadlines, deadline_ns)
            self._deadlines.insert(at, deadline_ns)
            self._frames.insert(at, frame)

    def _index(self, frame: F, begin: int) -> int:
        """Where the frame's first entry is, from `begin` on; -1 when there is none."""
        at = bisect_left(self._deadlines, frame.deadline_ns, begin)
        while at < len(self._frames) and self._deadlines[at] == frame.deadline_ns:
            if self._frames[at] is frame:
                return at
            at += 1
        return -1

    def _forget(self, frame: F) -> None:
        if frame.live and self._mailbox.get(frame.camera) is frame:
            del self._mailbox[frame.camera]
