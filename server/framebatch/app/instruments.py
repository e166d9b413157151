"""What watches a running server without taking part: the event loop, the device, and what changes. And all series of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.app.changes import Changes
from framebatch.app.device_watch import DeviceWatch, export_device
from framebatch.app.figures import export_figures, export_health, export_recording, export_traces, export_versions
from framebatch.app.security import export_security

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from framebatch.app.lag import LoopLag
    from framebatch.app.repository import Repository
    from framebatch.app.security import Security
    from framebatch.app.traces import Traces
    from framebatch.device.vitals import Look
    from framebatch.edge.service import DetectorService
    from framebatch.metrics import Metrics
    from framebatch.recording import RecordingWriter

__all__ = ["Instruments"]


class Instruments:
    """Of one server, on its event loop, from `start` to `stop`.

    Attributes:
        changes: tells the log what begins and ends.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        lag: LoopLag,
        metrics: Metrics,
        repository: Repository,
        service: DetectorService,
        open_look: Callable[[], Look],
    ) -> None:
        """Watch nothing yet.

        Args:
            loop: that the server runs on.
            lag: measures how late it is.
            metrics: where series are exported.
            repository: keeps the models.
            service: has the streams.
            open_look: answers who looks at the device; called in a thread.
        """
        self._loop = loop
        self._metrics = metrics
        self._lag = lag
        self.changes = Changes(
            streams=lambda: service.cameras, counts=metrics.by_camera, serving=lambda: repository.serving
        )
        self._device = DeviceWatch(
            open_look, lambda: [pid for served in repository.alive for pid in served.decoders.crew.pids]
        )
        export_figures(metrics, repository, service)
        export_device(metrics, self._device)
        export_versions(metrics)

    def __repr__(self) -> str:
        return f"Instruments({self._lag!r}, {self.changes!r}, {self._device!r})"

    def export(
        self,
        *,
        why_not_ready: Callable[[], str],
        security: Security,
        recording: RecordingWriter | None,
        traces: Traces | None,
    ) -> None:
        """Export what the parts of the server count that not every server has."""
        export_health(self._metrics, self._lag, why_not_ready)
        export_security(self._metrics, security)
        if recording is not None:
            export_recording(self._metrics, recording)
        if traces is not None:
            export_traces(self._metrics, traces.collector)

    def start(self) -> None:
        """Look from now on."""
        self._lag.start()
        self.changes.start(self._loop)

    def stop(self) -> None:
        """Look no more; what still has begun is told to have ended."""
        self.changes.stop()
        self._lag.stop()
        self._device.stop()
