"""What the policy can decide. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Decision", "Run", "Shed", "WaitUntil", "Why"]


class Why(StrEnum):
    """Why a batch is run as it is, and not later or larger."""

    FULL = "full"
    """It is the largest that is run."""
    DEADLINE = "deadline"
    """With more frames, or after the next one came, the first of them would be too late."""
    PREDICTED = "predicted"
    """By what is expected, no frame comes in time that is worth waiting for, or the device is better free for it."""
    IDLE = "idle"
    """All that wait are taken as soon as the device is free, and nothing is reckoned with."""
    OVERLOAD = "overload"
    """Not all can be answered: of the batches that are possible it serves most frames a second."""
    CRITICAL = "critical"
    """For a critical frame, or no larger so that the next critical frame is in time."""
    PROBE = "probe"
    """A frame that seems hopeless, run alone to see whether that is still so."""
    RETRY = "retry"
    """What is left of a batch that failed."""


@dataclass(frozen=True, slots=True)
class Run:
    """Run `count` ready frames now, padded to `bucket`: those at the positions `chosen`, or the first so many."""

    count: int
    bucket: int
    chosen: tuple[int, ...] | None = None
    why: Why = field(default=Why.IDLE, compare=False)


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
