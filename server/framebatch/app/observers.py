"""Several observers as one: batching tells one, whoever there is. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.batching.interfaces import Observer
    from framebatch.frame import Frame
    from framebatch.scheduling import Decision

__all__ = ["Observers", "together"]


def together(observers: Sequence[Observer]) -> Observer | None:
    """One for all of them; None where there is none, so that nothing is called for it."""
    return observers[0] if len(observers) == 1 else Observers(observers) if observers else None


class Observers:
    """Tells all of them, in their order; see `batching.interfaces.Observer`."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._all = tuple(observers)

    def __repr__(self) -> str:
        return f"Observers({', '.join(map(repr, self._all))})"

    def answered(self, frame: Frame) -> None:
        """A frame was answered."""
        for each in self._all:
            each.answered(frame)

    def ran(
        self, *, rows: int, bucket: int, dispatched_ns: int, started_ns: int, finished_ns: int, submitted_ns: int
    ) -> None:
        """The device ran a batch."""
        for each in self._all:
            each.ran(
                rows=rows,
                bucket=bucket,
                dispatched_ns=dispatched_ns,
                started_ns=started_ns,
                finished_ns=finished_ns,
                submitted_ns=submitted_ns,
            )

    def decided(self, decision: Decision, *, time_ns: int, start_ns: int, waiting: int, preparing: int) -> None:
        """The policy decided."""
        for each in self._all:
            each.decided(decision, time_ns=time_ns, start_ns=start_ns, waiting=waiting, preparing=preparing)
