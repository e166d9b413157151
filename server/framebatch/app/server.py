"""One server from its Config to its end: what is built, in which order it starts, drains and stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from framebatch import __version__
from framebatch.app.doors import Doors, check_ports
from framebatch.app.instruments import Instruments
from framebatch.app.interpreter import tune_interpreter
from framebatch.app.lag import LoopLag
from framebatch.app.live import Live, Sources
from framebatch.app.profiles import Profiles
from framebatch.app.readiness import Readiness
from framebatch.app.recorder import Recorder
from framebatch.app.rehearsal import rehearse
from framebatch.app.repository import Repository
from framebatch.app.router import Router
from framebatch.app.security import open_security
from framebatch.app.served import Served
from framebatch.app.shelf import read_folder, single_model
from framebatch.app.traces import traces_of
from framebatch.batching import DeviceQueue
from framebatch.clock import ms_to_ns, now_ns
from framebatch.detection.imaging import use_one_thread_per_picture
from framebatch.device.devices import parse_device
from framebatch.device.turns import as_guest, taken_by_guest
from framebatch.device.vitals import vitals_of
from framebatch.errors import UsageError
from framebatch.logs import event
from framebatch.metrics import Metrics
from framebatch.recording import RecordingWriter
from framebatch.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from framebatch.app.calibrating import Shown
    from framebatch.app.shelf import Candidate
    from framebatch.config import Config

__all__ = ["App", "run"]

log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.3
LOOK_SECONDS: Final = 0.5
FLUSH_SECONDS: Final = 0.5
"""How long the last answers of a hung server have to leave."""
HUNG_EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h: internal failure; start the server anew."""


class App:
    """One server. `start`, then `stop`, each once, on the same event loop."""

    def __init__(
        self,
        config: Config,
        model_path: Path | None = None,
        *,
        shown: Shown | None = None,
    ) -> None:
        """Load and warm the models; blocks for seconds, and for up to 20 s more for each that is calibrated.

        Args:
            config: the settings.
            model_path: of the ONNX file; None when the settings name a folder of models.
            shown: shows how far a calibration is; None: in the log.

        Raises:
            ModelError: no model can be served.
            UsageError: a setting does not fit, or a port is taken.
            DeviceError: the device cannot be used.
        """
        self.config = config
        self._security = open_security(config)
        check_ports(config)
        self._device = parse_device(config.device)
        self._profiles = Profiles(config, shown=shown)
        use_one_thread_per_picture()
        if config.models is not None:
            read = partial(read_folder, config.models)
        elif model_path is not None:
            read = partial(single_model, model_path)
        else:
            raise ValueError("settings name no folder of models, so model_path must be given")
        self._router: Router | None = None
        self.repository = Repository(read=read, load=self._load)
        self._readiness = Readiness(self.repository)
        self.repository.look()
        wanted, there = config.default_model, sorted(self.repository.shelf.models)
        if wanted is not None and wanted not in there:
            raise UsageError(f"setting 'default_model' is {wanted!r}; there are: {', '.join(there) or 'none'}")
        self._recording = (
            None
            if config.record is None
            else RecordingWriter(config.record, max_bytes=config.record_max_mb << 20, version=__version__)
        )
        self._traces = traces_of(config)
        tune_interpreter()
        self.repository.open()
        self.default = wanted or next(iter(self.repository.serving))
        first = next(iter(self.repository.serving.values())).detector
        self.device = self._readiness.device = first.device
        self.metrics = Metrics(info={"version": __version__, "device": first.device, "provider": first.provider})
        self._queue: DeviceQueue | None = None
        self._following: asyncio.Task[None] | None = None
        self._instruments: Instruments | None = None
        self._live: Live | None = None
        self._doors: Doors | None = None

    def __repr__(self) -> str:
        return f"App({self.repository!r}, {self._router!r})"

    @property
    def ready_line(self) -> str:
        """What `framebatch serve` prints once frames are answered."""
        if self._doors is None:
            raise RuntimeError("the server was not started")
        return f"ready {self._doors.addresses} model={','.join(self.repository.serving)} device={self.device}"

    async def start(self) -> None:
        """Open the ports; returns when frames are accepted.

        Raises:
            UsageError: a port is taken, or the folder for recordings.
            ModelError: no model answers a picture.
        """
        config = self.config
        loop = asyncio.get_running_loop()
        self._router = router = Router(loop, default=self.default)
        lag = LoopLag(loop)
        self._live = self._make_live(router, lag)
        self._doors = Doors(
            config,
            router=router,
            repository=self.repository,
            metrics=self.metrics,
            live=self._live,
            security=self._security,
        )
        if self._traces is not None:
            router.observe(self._traces.tracer)
        if self._recording is not None:
            self._recording.start()
            router.observe(Recorder("", self._recording.add))
        self._queue = DeviceQueue(
            self.device,
            keep_warm_ns=ms_to_ns(config.keep_warm_ms),
            on_hang=self._hung,
            taken=taken_by_guest,
        )
        reload_seconds = config.reload_seconds if config.models is not None else 0
        await self.repository.start(router, self._begin, reload_seconds=reload_seconds)
        first = next(iter(self.repository.serving.values())).detector
        self._instruments = Instruments(
            loop,
            lag=lag,
            metrics=self.metrics,
            repository=self.repository,
            service=self._doors.service,
            open_look=partial(vitals_of, self._device, first.provider, pid=os.getpid()),
        )
        self._instruments.export(
            why_not_ready=lambda: self._readiness.why_not,
            security=self._security,
            recording=self._recording,
            traces=self._traces,
        )
        await self._doors.open()
        self._readiness.started = True
        self._instruments.start()
        await self._set_ready()
        if url := self._doors.page_url:
            log.info("status page: %s", url, extra=event("page.opened", url=url))
        self._following = asyncio.create_task(self._follow_health())

    async def stop(self) -> None:
        """Drain and close: refuse new frames, finish or refuse the accepted ones, then end the streams."""
        self._readiness.stopping()
        await self._stop_serving()
        if self._recording is not None:
            await in_thread(self._recording.close)
        if self._traces is not None:
            await in_thread(self._traces.collector.close)

    async def _stop_serving(self) -> None:
        await self.repository.stop()
        if self._doors is None:
            for served in self.repository.alive:
                await served.close()
            return
        alive = self.repository.alive
        unanswered = sum(served.batcher.unanswered for served in alive)
        log.info(
            "draining: %d frames are unanswered, %d streams open",
            unanswered,
            self._doors.service.streams,
            extra=event("server.draining", unanswered=unanswered, streams=self._doors.service.streams),
        )
        self._readiness.ending = "draining"
        if self._following is not None:
            self._following.cancel()
        await self._set_ready()
        await asyncio.gather(
            *(served.batcher.drain(self.config.drain_seconds) for served in alive),
            asyncio.sleep(QUIET_SECONDS),  # frames on their way are still read, and refused
        )
        await self._doors.close()
        if self._instruments is not None:
            self._instruments.stop()
        for served in alive:
            await served.close()
        if self._queue is not None:
            self._queue.close()
        log.info(
            "stopped; answered: %s",
            self.metrics.totals(),
            extra=event("server.stopped", answered=self.metrics.totals()),
        )

    def _make_live(self, router: Router, lag: LoopLag) -> Live | None:
        """What the status page shows, unless there is to be none."""
        if self.config.page == "off":
            return None
        first = next(iter(self.repository.serving.values())).detector
        tls = self._security.tls
        sources = Sources(
            version=__version__,
            device=first.device,
            provider=first.provider,
            simulated=first.simulated,
            asks_who=self._security.guard is not None,
            started_ns=now_ns(),
            repository=self.repository,
            router=router,
            metrics=self.metrics,
            lag=lag,
            recording=self._recording,
            certificate_end=lambda: None if tls is None else tls.material.end,
            streams=lambda: 0 if self._doors is None else self._doors.service.streams,
            why_not_ready=lambda: self._readiness.why_not,
        )
        return Live(sources, pictures=self.config.page == "pictures", max_viewers=self.config.max_viewers)

    async def _set_ready(self) -> None:
        """Tell whoever wants to know whether frames are taken."""
        if self._doors is not None:
            await self._readiness.tell(self._doors, self.ready_line)

    async def _follow_health(self) -> None:
        """Models fail and recover by themselves."""
        while True:
            await self._set_ready()
            await asyncio.sleep(LOOK_SECONDS)

    def _hung(self, reason: str) -> None:
        """The device does not come back, and a thread with it: say so, let the answers leave, and end."""
        self._readiness.ending = reason
        self._ends = asyncio.create_task(self._give_up())

    async def _give_up(self) -> None:
        await self._set_ready()
        if self._doors is not None:
            self._doors.service.end_streams()
        await asyncio.sleep(FLUSH_SECONDS)
        if self._recording is not None:
            self._recording.close(FLUSH_SECONDS)
        log.critical(
            "%s; ending with exit code %d, to be started anew",
            self._readiness.ending,
            HUNG_EXIT_CODE,
            extra=event("server.gave_up", reason=self._readiness.ending, exit_code=HUNG_EXIT_CODE),
        )
        logging.shutdown()
        sys.stderr.flush()
        os._exit(HUNG_EXIT_CODE)  # nothing else ends a process one of whose threads is stuck in a driver

    def _load(self, candidate: Candidate, sharing: int) -> Served:
        """On any thread."""
        decoders = -(-self.config.decoders // sharing)
        path, name = candidate.path, candidate.name
        if self.config.models is not None and self._device.kind != "sim":
            rehearse(path, name, self._profiles.settings_for(path))
        with as_guest():
            detector, basis = self._profiles.open(path, name, may_calibrate=self._router is None)
            return Served(candidate, self.config, detector=detector, basis=basis, decoders=decoders)

    def _begin(self, served: Served) -> None:
        if self._queue is None:
            raise RuntimeError("the server was not started")
        tracer = None if self._traces is None else self._traces.tracer
        served.start(self._queue, self.metrics.model(served.model.name), self._recording, tracer)


async def run(app: App, *, on_ready: Callable[[str], None]) -> None:
    """Start, say so, serve until SIGTERM or SIGINT, drain, stop."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await app.start()
        on_ready(app.ready_line)
        await stopping.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await app.stop()
