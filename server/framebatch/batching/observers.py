"""Several observers as one. Where there is none there is nothing to call, and a single one is called directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framebatch.batching.interfaces import Observer
    from framebatch.frame import Frame
    from framebatch.scheduling import Decision

__all__ = ["Several", "joined", "without"]


class Several:
    """Tells each of them, in their order; see `interfaces.Observer`. Invariant: there are at least two."""

    __slots__ = ("observers",)

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        self.observers = observers

    def __repr__(self) -> str:
        return f"Several({', '.join(map(repr, self.observers))})"

    def received(self, frame: Frame) -> None:
        """Tell them."""
        for each in self.observers:
            each.received(frame)

    def answered(self, frame: Frame) -> None:
        """Tell them."""
        for each in self.observers:
            each.answered(frame)

    def ran(
        self, *, rows: int, bucket: int, dispatched_ns: int, started_ns: int, finished_ns: int, submitted_ns: int
    ) -> None:
        """Tell them."""
        for each in self.observers:
            each.ran(
                rows=rows,
                bucket=bucket,
                dispatched_ns=dispatched_ns,
                started_ns=started_ns,
                finished_ns=finished_ns,
                submitted_ns=submitted_ns,
            )

    def decided(self, decision: Decision, *, time_ns: int, start_ns: int, waiting: int, preparing: int) -> None:
        """Tell them."""
        for each in self.observers:
            each.decided(decision, time_ns=time_ns, start_ns=start_ns, waiting=waiting, preparing=preparing)


def joined(present: Observer | None, new: Observer) -> Observer:
    """Who is told from now on, when another one wants to be told too."""
    return new if present is None else Several((*_each(present), new))


def without(present: Observer | None, gone: Observer) -> Observer | None:
    """Who is told from now on, when this one does not want to be any more; harmless where it was not told."""
    left = tuple(each for each in _each(present) if each is not gone)
    return Several(left) if len(left) > 1 else left[0] if left else None


def _each(present: Observer | None) -> tuple[Observer, ...]:
    if present is None:
        return ()
    return present.observers if isinstance(present, Several) else (present,)
