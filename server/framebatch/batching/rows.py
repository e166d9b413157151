"""Frames that take several places of a batch, and when pixels are given back. Decides nothing.

Usually an entry of a batch is the frame itself. A frame of several rows (tiles of a large picture) waits as one frame
that is counted several times, and becomes a `Row` for each place when it is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.errors import FramebatchError
from framebatch.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from framebatch.frame import Detections, Header, Outcome, Region

__all__ = ["Entry", "Places", "Row", "frame_of"]


class Row:
    """One of the places that a frame takes; looks like a frame to whoever fills a batch."""

    __slots__ = ("frame", "index", "prepared")

    def __init__(self, frame: Frame, index: int, prepared: object) -> None:
        self.frame = frame
        self.index = index
        self.prepared = prepared

    def __repr__(self) -> str:
        return f"Row({self.index} of {self.frame!r})"

    @property
    def outcome(self) -> Outcome | None:
        """Of its frame."""
        return self.frame.outcome

    @property
    def deadline_ns(self) -> int:
        """Of its frame."""
        return self.frame.deadline_ns


Entry = Frame | Row
"""What takes one place of a batch."""


def frame_of(entry: Entry) -> Frame:
    """The frame itself, or the one that the row belongs to."""
    return entry if isinstance(entry, Frame) else entry.frame


class _Rows:
    """One frame's rows. Invariant: each is in `waiting`, or with a batch (`out` of them), or in `found`."""

    __slots__ = ("found", "out", "waiting")

    def __init__(self, frame: Frame, prepared: Sequence[object]) -> None:
        self.waiting = [Row(frame, index, each) for index, each in enumerate(prepared)][::-1]
        self.out = 0
        self.found: dict[int, Detections] = {}


class Places:
    """Gives each frame its places and takes its pixels back when the last batch has read them.

    Invariant: a frame with several rows is known here from `spread` until its pixels are given back; others never are.
    """

    def __init__(
        self,
        release: Callable[[Frame], None],
        *,
        count: Callable[[Header, Region | None], int] | None,
        merge: Callable[[list[Detections], Header, Region | None], Detections] | None,
    ) -> None:
        """Know no frame yet.

        Args:
            release: gives a frame's pixels back.
            count: see `Batcher`.
            merge: see `Batcher`.
        """
        if (count is None) != (merge is None):
            raise ValueError("count_rows and merge must be given together: frames of several rows need both")
        self._release = release
        self._count = count
        self._merge = merge
        self._rows: dict[Frame, _Rows] = {}

    def __repr__(self) -> str:
        return f"Places({len(self._rows)} frames of several rows)"

    def count(self, frame: Frame) -> None:
        """Set the frame's `rows`; InvalidFrame where it cannot be cut so."""
        if self._count is not None and frame.header is not None:
            frame.rows = self._count(frame.header, frame.region)

    def spread(self, frame: Frame) -> FramebatchError | None:
        """The frame has pixels; an error when they are not those of as many rows as were announced."""
        if frame.rows == 1:
            return None
        prepared = frame.prepared
        found = len(prepared) if isinstance(prepared, list) else 1
        if not isinstance(prepared, list) or found != frame.rows:
            return FramebatchError(f"the picture became {found} rows, and {frame.rows} were announced")
        self._rows[frame] = _Rows(frame, prepared)
        return None

    def take(self, frames: list[Frame]) -> list[Entry]:
        """Entries for frames that were taken for a batch, one for each time that a frame is named."""
        if not self._rows:
            return list[Entry](frames)
        return [self._next(frame) for frame in frames]

    def put_back(self, entry: Entry) -> Frame:
        """The entry was taken in vain; answers its frame, one row of which waits again."""
        if isinstance(entry, Frame):
            return entry
        rows = self._rows[entry.frame]
        rows.out -= 1
        rows.waiting.append(entry)
        return entry.frame

    def returned(self, entry: Entry) -> Frame:
        """No batch has the entry any more, and none will; answers its frame."""
        frame = frame_of(entry)
        if frame is entry:
            self._release(frame)
            return frame
        self._rows[frame].out -= 1
        if frame.outcome is not None:
            self.leave(frame)
        return frame

    def leave(self, frame: Frame) -> None:
        """The frame waits no longer: give its pixels back, or let the batch do that which still reads them."""
        rows = self._rows.get(frame) if self._rows else None
        if rows is not None:
            if rows.out:
                return
            del self._rows[frame]
        self._release(frame)

    def whole(self, found: Iterable[tuple[Entry, Detections]]) -> Iterator[tuple[Frame, Detections]]:
        """Entries that came back with what was found: give pixels back, and yield frames that can be answered now."""
        release = self._release
        for entry, detections in found:
            if isinstance(entry, Frame):
                release(entry)
                if entry.outcome is None:
                    yield entry, detections
                continue
            every, frame = self._found(entry, detections), entry.frame
            if every is not None and self._merge is not None and frame.header is not None:
                yield frame, self._merge(every, frame.header, frame.region)

    def _next(self, frame: Frame) -> Entry:
        rows = self._rows.get(frame)
        if rows is None:
            return frame
        rows.out += 1
        return rows.waiting.pop()

    def _found(self, row: Row, detections: Detections) -> list[Detections] | None:
        """What was found in all rows of its frame, once this was the last one and the frame wants an answer."""
        frame = self.returned(row)
        if frame.outcome is not None:
            return None
        rows = self._rows[frame]
        rows.found[row.index] = detections
        if rows.out or rows.waiting:
            return None
        self.leave(frame)
        return [rows.found[index] for index in range(frame.rows)]
