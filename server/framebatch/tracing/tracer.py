"""Watches the answers and hands the spans of some to whoever carries them away."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Protocol

from framebatch.clock import now_ns
from framebatch.tracing.sampling import Sampler
from framebatch.tracing.spans import span_of

if TYPE_CHECKING:
    from framebatch.frame import Frame
    from framebatch.scheduling import Decision
    from framebatch.tracing.spans import FrameSpan

__all__ = ["Collector", "Tracer"]


class Collector(Protocol):
    """Who carries spans away."""

    def send(self, span: FrameSpan) -> None:
        """Take it, or lose it; returns at once and never raises."""


class Tracer:
    """Of one server, see `batching.interfaces.Observer`. A frame that is not traced costs a random number."""

    def __init__(self, collector: Collector, share: float, *, seed: int | None = None) -> None:
        """Watch.

        Args:
            collector: takes the spans.
            share: of frames to trace, 0 to 1; besides those that went wrong.
            seed: of the choice; None: another each time.
        """
        self._collector = collector
        self._sampler = Sampler(share, draw=random.Random(seed).random)  # noqa: S311 - chooses, keeps no secret

    def __repr__(self) -> str:
        return f"Tracer({self._sampler!r}, {self._collector!r})"

    def received(self, frame: Frame) -> None:
        """Nothing: a frame is traced when it was answered."""

    def answered(self, frame: Frame) -> None:
        """Trace the frame, or do not."""
        if self._sampler.wants(frame):
            self._collector.send(span_of(frame, time.time_ns() - now_ns()))

    def ran(
        self, *, rows: int, bucket: int, dispatched_ns: int, started_ns: int, finished_ns: int, submitted_ns: int = 0
    ) -> None:
        """Batches have no trace of their own."""

    def decided(self, decision: Decision, *, time_ns: int, start_ns: int, waiting: int, preparing: int) -> None:
        """Nor have decisions."""
