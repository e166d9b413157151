"""What the page's figures are read from, and the counts that are looked at once a second. Reads; keeps nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from framebatch.app.live.alerts import LATE_SECONDS
from framebatch.app.live.cameras import OUTCOMES
from framebatch.clock import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.app.lag import LoopLag
    from framebatch.app.repository import Repository
    from framebatch.app.router import Router
    from framebatch.metrics import Metrics
    from framebatch.recording import RecordingWriter

__all__ = ["BUSY", "MEMORY", "Sources"]

BUSY: Final = len(OUTCOMES)
"""The column of a model's counts that has the device's time, in nanoseconds; before it come the frames by outcome."""
MEMORY: Final = BUSY + 1
"""The column with the runs that failed for want of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Of one server; on the event loop.

    Attributes:
        started_ns: when the server was started.
        simulated: whether the device is.
        asks_who: whether callers have to say who they are.
        streams: how many camera streams are open.
        why_not_ready: why no frames are taken; empty when they are.
        certificate_end: when the server's certificate expires, in seconds since the Unix epoch; None: it has none.
        recording: None where nothing is recorded.
    """

    version: str
    device: str
    provider: str
    simulated: bool
    asks_who: bool
    started_ns: int
    repository: Repository
    router: Router
    metrics: Metrics
    lag: LoopLag
    recording: RecordingWriter | None
    streams: Callable[[], int]
    why_not_ready: Callable[[], str]
    certificate_end: Callable[[], float | None]

    def of_server(self) -> tuple[int, ...]:
        """Timers that came too late, all timers, how late they were together in nanoseconds, records that were lost."""
        seen = self.lag.seen
        late = sum(seen.counts[seen.bounds.index(LATE_SECONDS) + 1 :])
        lost = 0 if self.recording is None else self.recording.lost
        return late, sum(seen.counts), round(seen.total * SECOND_NS), lost

    def of_model(self, name: str) -> tuple[int, ...]:
        """Frames by outcome, the device's time, runs that failed for want of memory: since the start."""
        counted = self.metrics.model(name)
        ended = dict.fromkeys(OUTCOMES, 0)
        for row in counted.by_priority.values():
            for outcome, number in row.items():
                ended[outcome] += number
        entry = self.repository.entries.get(name)
        memory = 0 if entry is None else entry.mishaps["out_of_memory"]
        return *ended.values(), counted.device_ns, memory
