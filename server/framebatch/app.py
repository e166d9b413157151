"""Builds the server from a Config, starts it, drains it, stops it. The only place that wires rooms together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

from framebatch import __version__
from framebatch.batching import Batcher
from framebatch.clock import ms_to_ns, ns_to_ms
from framebatch.decoding import DecoderPool
from framebatch.detection.headers import Limits
from framebatch.detection.imaging import use_one_thread_per_picture
from framebatch.detection.loading import load_detector, warm_up
from framebatch.device.devices import parse_device
from framebatch.edge.grpc_server import GrpcServer
from framebatch.edge.http import HttpServer, bind
from framebatch.edge.intake import Intake
from framebatch.edge.service import DetectorService
from framebatch.edge.wire import WireFormat
from framebatch.errors import UsageError
from framebatch.metrics import CONTENT_TYPE, Metrics
from framebatch.profile import LatencyTable
from framebatch.scheduling import Policy, ServiceEstimate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from framebatch.config import Config
    from framebatch.detection.detector import Detector
    from framebatch.device.devices import Device

__all__ = ["App", "run"]

log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.3
STOP_SECONDS: Final = 0.5
SWITCH_SECONDS: Final = 0.001


class App:
    """One server. `start`, then `stop`, each once, on the same event loop."""

    def __init__(self, config: Config, model_path: Path) -> None:
        """Load and warm the model; blocks for seconds.

        Raises:
            ModelError: the model cannot be served.
            UsageError: a setting does not fit.
            DeviceError: the device cannot be used.
        """
        self.config = config
        if config.profile not in {"auto", "off"}:
            raise UsageError(f"--profile {config.profile}: profiles cannot be read yet; use auto (measures at start)")
        device = parse_device(config.device)
        limits = Limits(max_bytes=config.max_picture_bytes, max_pixels=config.max_picture_pixels)
        use_one_thread_per_picture()
        self.detector = load_detector(
            model_path,
            device=device,
            max_batch=config.max_batch if config.max_batch > 0 else None,
            threads=config.threads,
            limits=limits,
        )
        spec = self.detector.spec
        self._decoders = DecoderPool(config.decoders, resize=spec.fit, color=spec.color)
        self.table = measure(self.detector, device)
        self.metrics = Metrics(
            info={
                "version": __version__,
                "model": self.detector.spec.name,
                "model_version": self.detector.spec.version,
                "device": self.detector.device,
                "provider": self.detector.provider,
                "max_batch": str(self.table.max_batch),
            }
        )
        self._batcher: Batcher | None = None
        self._service: DetectorService | None = None
        self._grpc: GrpcServer | None = None
        self._http: HttpServer | None = None

    def __repr__(self) -> str:
        return f"App({self.detector!r}, {self._batcher!r})"

    @property
    def ready_line(self) -> str:
        """What `framebatch serve` prints once frames are answered."""
        if self._grpc is None or self._http is None:
            raise RuntimeError("the server was not started")
        host = self.config.host
        return (
            f"ready grpc={host}:{self._grpc.port} http={host}:{self._http.port} "
            f"model={self.detector.spec.name} device={self.detector.device}"
        )

    async def start(self) -> None:
        """Open the ports; returns when frames are accepted.

        Raises:
            UsageError: a port is taken.
        """
        config, spec = self.config, self.detector.spec
        self._http = HttpServer(
            bind(config.host, config.http_port), metrics=self.metrics.exposition, content_type=CONTENT_TYPE
        )
        policy = Policy(ServiceEstimate(self.table))
        batcher = Batcher(
            policy=policy,
            decoders=self._decoders,
            detect=self.detector.detect,
            answer_margin_ns=ms_to_ns(config.answer_margin_ms),
            max_waiting=config.max_waiting,
            max_waiting_bytes=config.max_waiting_bytes,
            on_batch=self.metrics.batch,
        )
        self._batcher = batcher
        wire = WireFormat(
            read_header=self.detector.header,
            model=spec.name,
            model_version=spec.version,
            labels=spec.labels,
            deadline_ns=ms_to_ns(config.deadline_ms),
            wall_clock_ns=time.time_ns,
        )
        service = DetectorService(Intake(batcher, wire, self.metrics), max_stream_frames=config.max_stream_frames)
        self._service = service
        self._export_gauges(batcher, policy, service)
        self._grpc = GrpcServer(service, max_message_bytes=config.max_message_bytes)
        await self._http.start()
        await self._grpc.start(config.host, config.port)
        self._http.ready = True
        await self._grpc.set_serving(serving=True)
        tune_interpreter()

    async def stop(self) -> None:
        """Drain and close: refuse new frames, finish or refuse the accepted ones, then end the streams."""
        if self._batcher is None or self._service is None or self._grpc is None or self._http is None:
            self._decoders.close()
            self.detector.close()
            return
        log.info("draining: %d frames are unanswered, %d streams open", self._batcher.unanswered, self._service.streams)
        self._http.ready = False
        await self._grpc.set_serving(serving=False)
        await asyncio.gather(
            self._batcher.drain(self.config.drain_seconds),
            asyncio.sleep(QUIET_SECONDS),  # frames on their way are still read, and refused
        )
        self._service.end_streams()
        await self._grpc.stop(STOP_SECONDS)
        await self._http.stop()
        self._batcher.close()
        self.detector.close()
        log.info("stopped; answered: %s", self.metrics.totals())

    def _export_gauges(self, batcher: Batcher, policy: Policy, service: DetectorService) -> None:
        gauge = self.metrics.gauge
        gauge("framebatch_waiting_frames", "Frames accepted and not yet on the device.", lambda: batcher.waiting)
        gauge("framebatch_unanswered_frames", "Frames accepted and not yet answered.", lambda: batcher.unanswered)
        gauge("framebatch_decode_backlog_frames", "Frames no decoder has begun.", lambda: batcher.decode_backlog)
        gauge("framebatch_streams", "Open camera streams.", lambda: service.streams)
        gauge("framebatch_load_ratio", "Arrival rate over the device's full-batch rate.", lambda: policy.load)
        gauge(
            "framebatch_drift_ratio",
            "Recent service times over the measured table; 1 when nothing changed.",
            lambda: policy.estimate.factor,
        )


def measure(detector: Detector, device: Device) -> LatencyTable:
    """The latency table: measured briefly, or known where the device is simulated."""
    if device.kind == "sim":
        return LatencyTable.linear(alpha_ns=device.alpha_ns, beta_ns=device.beta_ns, buckets=detector.buckets)
    table = LatencyTable.from_samples(warm_up(detector))
    log.info(
        "measured: %s",
        ", ".join(f"{b}: {ns_to_ms(t):.1f} ms" for b, t in zip(table.buckets, table.service_ns, strict=True)),
    )
    return table


def tune_interpreter() -> None:
    """Settings of the whole process that the frame path wants; called once everything long-lived exists.

    A device lane that comes back from the device needs the interpreter lock for a moment only; by default it would wait
    up to 5 ms for a busy event loop. The collector is told to leave the long-lived objects alone and to run seldom:
    frames form no cycles.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


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
