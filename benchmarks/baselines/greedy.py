"""Greedy: whenever the device is free, run what is queued. Nothing is refused but what has expired.

The rule of most servers without deadlines, for instance TensorFlow Serving's batching with no timeout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from baselines.base import Baseline
from framebatch.scheduling import Shed, Waiting, WaitUntil

if TYPE_CHECKING:
    from framebatch.scheduling import Decision, Pending

__all__ = ["Greedy"]

F = TypeVar("F", bound=Waiting)


class Greedy(Baseline):
    """Up to the largest batch, at once."""

    def decide(self, pending: Pending[F], start_ns: int) -> Decision:
        """Drop the expired, run the others."""
        expired = pending.before(start_ns)
        if expired:
            return Shed(expired)
        return self.run(min(len(pending), self.max_batch)) if len(pending) else WaitUntil(None)
