"""The parts of a profile that say what follows: how memory grows, where the device ends, which largest batch and why.

Only their shape; the rules themselves are calibration's. Memory is in bytes.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from framebatch.profile.measured import KeptOut  # noqa: TC001 - pydantic needs the type at run time
from framebatch.profile.value import Positive, Value

__all__ = ["Allowed", "Ceiling", "Choice", "Memory", "MemoryLine"]


class MemoryLine(Value):
    """Memory as a line over the batch size."""

    base_bytes: float
    """Weights, context and all else that no frame adds."""
    bytes_per_frame: float
    """What each further frame of a batch adds."""
    margin_bytes: float = Field(default=0, ge=0)
    """By how much that size which went furthest beyond the line did so: allocators take memory in steps."""
    kept_out: tuple[KeptOut, ...] = ()
    """Sizes that the line was not fitted to, in bytes."""


class Memory(Value):
    """What batches need and what there is."""

    kind: Literal["device", "host"]
    """Whose memory it is."""
    total_bytes: Positive
    """All that the device (or, on a processor, this process's control group or the host) has."""
    others_bytes: int = Field(ge=0)
    """Taken by other processes when the calibration began."""
    fraction: float = Field(gt=0, le=1)
    """How much of the total may be used, others included."""
    line: MemoryLine | None = None
    """None: too few sizes ran, or memory does not follow a line."""


class Ceiling(Value):
    """What really ran."""

    largest_ran: Positive
    """The largest batch that ran."""
    smallest_failed: int | None = Field(default=None, ge=1)
    """None: nothing failed, however large it was tried."""
    why: str = ""
    """How the smallest that failed did."""
    failure: Literal["", "memory", "crash", "timeout", "device"] = ""
    """What kind of failure that was; empty: nothing failed, or nobody could tell."""


class Allowed(Value):
    """What one rule alone would allow."""

    max_batch: int = Field(ge=0)
    """The largest bucket; 0: none, then 1 is run all the same and the text says so."""
    at_least: bool = False
    """Nothing larger was tried, so that the rule may allow more."""
    why: str
    """One sentence for people, with the figures."""


class Choice(Value):
    """The largest batch to use, and why."""

    max_batch: Positive
    """The choice: one of the buckets, and none that did not run."""
    bound_by: Literal["memory", "deadline", "throughput", "limit", "failure"]
    """The rule that allowed least; `limit`: the largest size that was to be tried; `failure`: a larger size failed, and
    not for want of memory."""
    deadline_ns: Positive
    """Two batches have to fit into it."""
    memory: Allowed
    """What fits into the share of memory that may be used, and ran."""
    deadline: Allowed
    """What lets two batches be done within the deadline."""
    throughput: Allowed
    """Where a further doubling brings too little."""
    text: str
    """The whole reason in words."""
