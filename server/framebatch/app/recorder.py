"""What the server does, as records: between the batchers, who tell it, and the recording, which writes it down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.recording import BatchRecord, Decided, DecisionRecord, FrameRecord
from framebatch.scheduling import Run, Shed

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.frame import Frame
    from framebatch.recording import Record
    from framebatch.scheduling import Decision

__all__ = ["Recorder"]

LONGEST_NAME: Final = 128
"""Cameras are called so by frames that were refused for a longer one, or before it was looked at."""


class Recorder:
    """Watches one model, see `batching.interfaces.Observer`. About a microsecond for each record."""

    def __init__(self, model: str, add: Callable[[Record], None]) -> None:
        """Watch.

        Args:
            model: its name; empty for frames that name none which is served.
            add: takes the records; must not block.
        """
        self._model = model
        self._add = add
        self._last_wait: Decision | None = None

    def __repr__(self) -> str:
        return f"Recorder({self._model!r}, last wait={self._last_wait})"

    def received(self, frame: Frame) -> None:
        """Nothing: a frame is written down when it was answered."""

    def answered(self, frame: Frame) -> None:
        """Write the frame down."""
        outcome = frame.outcome
        if outcome is None:
            return
        self._add(
            FrameRecord(
                self._model,
                frame.camera[:LONGEST_NAME],
                frame.sequence,
                frame.live,
                frame.rows,
                int(frame.priority),
                frame.arrival_ns,
                frame.deadline_ns,
                frame.ready_ns,
                frame.dispatched_ns,
                frame.started_ns,
                frame.finished_ns,
                frame.answered_ns,
                frame.batch_size,
                outcome,
            )
        )

    def ran(
        self, *, rows: int, bucket: int, dispatched_ns: int, started_ns: int, finished_ns: int, submitted_ns: int = 0
    ) -> None:
        """Write the batch down."""
        self._add(BatchRecord(self._model, rows, bucket, dispatched_ns, started_ns, finished_ns, submitted_ns))

    def decided(self, decision: Decision, *, time_ns: int, start_ns: int, waiting: int, preparing: int) -> None:
        """Write the decision down, unless it is to wait as was said before."""
        if isinstance(decision, Run):
            decided, frames = Decided.RUN, decision.count
        elif isinstance(decision, Shed):
            decided, frames = Decided.SHED, decision.count
        elif decision == self._last_wait:
            return
        else:
            decided, frames = Decided.WAIT, 0
            self._last_wait = decision
        self._add(DecisionRecord(self._model, time_ns, start_ns, decided, frames, waiting, preparing))
