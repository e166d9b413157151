"""Tells people when what batches cost is no longer what was measured, and when it is again. Recognising is the watch's."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from framebatch.clock import SECOND_NS
from framebatch.logs import event

__all__ = ["Recalibration", "Watch"]

log = logging.getLogger(__name__)

QUIET_NS: Final = 600 * SECOND_NS
"""After a line there is none for so long, however often the device changes its mind."""


class Watch(Protocol):
    """Who recognises it; see `scheduling.CurveWatch`."""

    @property
    def due(self) -> str:
        """Why a recalibration is due, one sentence; empty while none is."""

    def observe(self, frames: int, service_ns: int, now_ns: int) -> None:
        """Learn from a finished batch."""


class Recalibration:
    """Of one version of a model. Lives on the event loop.

    Invariant: of two lines in the log that follow each other, one says "due" and the other "over".
    """

    def __init__(self, name: str, watch: Watch, command: str) -> None:
        """Nothing is due.

        Args:
            name: of the model.
            watch: is told of every batch.
            command: what calibrates the model.
        """
        self._name = name
        self._watch = watch
        self._command = command
        self._said_due = False
        self._quiet_until_ns = 0
        self.batches = 0

    def __repr__(self) -> str:
        return f"Recalibration({self._name}, batches={self.batches}, due={self.due!r})"

    @property
    def due(self) -> str:
        """Why a recalibration is due; empty while none is."""
        return self._watch.due

    def observe(self, frames: int, service_ns: int, now_ns: int) -> None:
        """Learn from a finished batch, and say what has changed. O(1) beside the watch.

        Args:
            frames: in the batch, without padding.
            service_ns: how long the device took.
            now_ns: when it was done, by `clock.now_ns`.
        """
        self._watch.observe(frames, service_ns, now_ns)
        self.batches += 1
        due = self._watch.due
        if bool(due) is self._said_due or now_ns < self._quiet_until_ns:
            return
        self._said_due = bool(due)
        self._quiet_until_ns = now_ns + QUIET_NS
        if due:
            log.warning(
                "%s: a recalibration is due. %s Serving goes on with what they take now; to calibrate: %s",
                self._name,
                due,
                self._command,
                extra=event("recalibration.due", model=self._name, reason=due, command=self._command),
            )
        else:
            log.warning(
                "%s: a recalibration is due no longer: batches take what was measured",
                self._name,
                extra=event("recalibration.over", model=self._name),
            )
