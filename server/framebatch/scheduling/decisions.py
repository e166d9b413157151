"""What the policy can decide. Values only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Decision", "Run", "Shed", "WaitUntil"]


@dataclass(frozen=True, slots=True)
class Run:
    """Run `count` ready frames now, padded to `bucket`: those at the positions `chosen`, or the first so many."""

    count: int
    bucket: int
    chosen: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Shed:
    """Answer the first `count` ready frames EXPIRED now: no schedule worth having can still meet their deadlines."""

    count: int


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Nothing to start before `time_ns`, or before the next event when that is None.

    As `decide` is told when a batch would start, so this is the start of the next one, not when to decide on it.
    """

    time_ns: int | None


Decision = Run | Shed | WaitUntil
