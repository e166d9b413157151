"""How far a run is, and how long it will take: by its budget at first, by what is left to do once that is known. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.calibration.wanted import Progress
from framebatch.clock import ns_to_seconds

if TYPE_CHECKING:
    from framebatch.calibration.points import Point

__all__ = ["Outlook"]


class Outlook:
    """What people are told. Invariant: the share never falls, and is 1 only at the end."""

    def __init__(self, began_ns: int, end_ns: int) -> None:
        """Expect the run to take all of its time.

        Args:
            began_ns: when it began.
            end_ns: when it is to end.

        """
        self._began_ns = began_ns
        self._latest_end_ns = end_ns
        self._end_ns = end_ns
        self._stage = ""
        self._batch = 0
        self._share = 0.0
        self._latest: Point | None = None

    def __repr__(self) -> str:
        return f"<Outlook {self._stage!r}, batch {self._batch}, {self._share:.0%}>"

    def begin(self, stage: str, *, batch: int = 0, end_ns: int | None = None) -> None:
        """Note what is done now.

        Args:
            stage: For people.
            batch: The size; 0: none.
            end_ns: When the whole run is expected to end; None: when its time is over.

        """
        self._stage, self._batch = stage, batch
        self._end_ns = self._latest_end_ns if end_ns is None else min(end_ns, self._latest_end_ns)

    def note(self, point: Point) -> None:
        """Note what was measured."""
        self._latest = point

    def at(self, now_ns: int) -> Progress:
        """Answer how far the run is."""
        gone_ns, left_ns = now_ns - self._began_ns, max(0, self._end_ns - now_ns)
        self._share = max(self._share, min(1.0, gone_ns / max(1, gone_ns + left_ns)))
        return Progress(
            stage=self._stage,
            batch=self._batch,
            share=self._share,
            left_seconds=ns_to_seconds(left_ns),
            latest=self._latest,
        )

    def done(self) -> Progress:
        """Answer that it is over."""
        return Progress(stage="done", share=1.0, latest=self._latest)
