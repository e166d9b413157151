"""The frames that wait, ordered by deadline, with a mailbox per live camera. Holds frames; decides nothing.

A frame is accepted, becomes ready when its pixels are there, and leaves when it is taken for a batch or removed.
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


F = TypeVar("F", bound=Waiting)


class Pending(Generic[F]):
    """Frames accepted and not yet taken.

    Invariants:
        - a frame is in exactly one of `preparing` and the ready list, and is in neither once it has left;
        - ready frames are ordered by deadline, equal deadlines in the order in which they became ready;
        - at most one waiting frame of a live camera, whether preparing or ready.

    Every operation is O(log n) comparisons plus one list insertion or deletion (a memmove).
    """

    def __init__(self) -> None:
        self._preparing: set[F] = set()
        self._deadlines: list[int] = []
        self._frames: list[F] = []
        self._mailbox: dict[str, F] = {}

    def __repr__(self) -> str:
        return f"Pending(preparing={len(self._preparing)}, ready={len(self._frames)}, live={len(self._mailbox)})"

    def __len__(self) -> int:
        """Ready frames."""
        return len(self._frames)

    def __iter__(self) -> Iterator[F]:
        """Ready frames, earliest deadline first."""
        return iter(self._frames)

    @property
    def preparing(self) -> int:
        """Accepted frames whose pixels are not there yet."""
        return len(self._preparing)

    @property
    def waiting(self) -> int:
        """All frames accepted and not yet taken."""
        return len(self._preparing) + len(self._frames)

    @property
    def deadlines(self) -> Sequence[int]:
        """Deadlines of the ready frames in nanoseconds, ascending. Not to be changed."""
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
        return superseded

    def make_ready(self, frame: F) -> bool:
        """Its pixels are there; False when the frame has left in the meantime."""
        if frame not in self._preparing:
            return False
        self._preparing.discard(frame)
        deadline_ns = frame.deadline_ns
        if not self._deadlines or deadline_ns >= self._deadlines[-1]:
            self._deadlines.append(deadline_ns)
            self._frames.append(frame)
        else:
            at = bisect_right(self._deadlines, deadline_ns)
            self._deadlines.insert(at, deadline_ns)
            self._frames.insert(at, frame)
        return True

    def remove(self, frame: F) -> bool:
        """Let one frame go, whatever its stage; False when it had already left."""
        if frame in self._preparing:
            self._preparing.discard(frame)
        else:
            at = self._index(frame)
            if at < 0:
                return False
            del self._deadlines[at]
            del self._frames[at]
        self._forget(frame)
        return True

    def take(self, count: int) -> list[F]:
        """The first `count` ready frames, which leave."""
        taken = self._frames[:count]
        del self._frames[:count]
        del self._deadlines[:count]
        for frame in taken:
            self._forget(frame)
        return taken

    def ahead_of(self, deadline_ns: int) -> int:
        """Ready frames whose deadline is not later."""
        return bisect_right(self._deadlines, deadline_ns)

    def before(self, time_ns: int) -> int:
        """Ready frames whose deadline is earlier than `time_ns`: the first so many."""
        return bisect_left(self._deadlines, time_ns)

    def _index(self, frame: F) -> int:
        at = bisect_left(self._deadlines, frame.deadline_ns)
        while at < len(self._frames) and self._deadlines[at] == frame.deadline_ns:
            if self._frames[at] is frame:
                return at
            at += 1
        return -1

    def _forget(self, frame: F) -> None:
        if frame.live and self._mailbox.get(frame.camera) is frame:
            del self._mailbox[frame.camera]
