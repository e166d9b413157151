"""One version of one model, from its file to the memory it gives back: detector, decoders, policy and batcher together.

Which version is loaded and when it takes over is decided in `repository`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.app.recalibration import Recalibration
from framebatch.app.recorder import Recorder
from framebatch.batching import Batcher
from framebatch.clock import SECOND_NS, ms_to_ns, now_ns
from framebatch.decoding import DecoderPool
from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.loading import warm_up
from framebatch.errors import ModelError
from framebatch.frame import Frame, Header, Model, Outcome, RawPicture
from framebatch.recording import ModelRecord
from framebatch.scheduling import CurveWatch, Policy, PolicyOptions, ServiceEstimate, Why
from framebatch.threads import in_thread

if TYPE_CHECKING:
    from framebatch.app.basis import Basis
    from framebatch.app.shelf import Candidate
    from framebatch.batching import DeviceQueue
    from framebatch.batching.interfaces import Observer
    from framebatch.config import Config
    from framebatch.detection.detector import Detector
    from framebatch.metrics import ModelMetrics
    from framebatch.recording import RecordingWriter

__all__ = ["Served"]

PROOF_NS: Final = 30 * SECOND_NS
PROOF_SIDE: Final = 64


class Served:
    """A loaded version. Made on any thread; the rest happens on the event loop."""

    def __init__(
        self, candidate: Candidate, config: Config, *, detector: Detector, basis: Basis, decoders: int
    ) -> None:
        """Join what is loaded, and start its decoders; blocks for a moment.

        Args:
            candidate: which.
            config: settings of the server.
            detector: of the candidate, warm; owned from now on, also when this raises.
            basis: what its batches cost.
            decoders: how many processes decode its pictures.

        Raises:
            UsageError: a setting does not fit.
        """
        self.candidate: Final = candidate
        self.detector: Final = detector
        self.basis: Final = basis
        self.recalibration: Final = Recalibration(candidate.name, CurveWatch(basis.table), basis.command)
        spec = self.detector.spec
        version = str(candidate.version) if candidate.numbered else spec.version or "1"
        self.model: Final = Model(candidate.name, version, tuple(spec.labels))
        try:
            estimate = ServiceEstimate(basis.table, spread=basis.spread)
            self.policy: Final = Policy(estimate, options=PolicyOptions(fair=True))
            self.decoders: Final = DecoderPool(decoders, resize=spec.fit, color=spec.color, tiles=spec.tiles)
        except BaseException:
            self.detector.close()
            raise
        self._config = config
        self._batcher: Batcher | None = None
        self._recording: RecordingWriter | None = None
        self._tracer: Observer | None = None
        self._proven = False
        self._device_fault = ""
        self.detector.pin(self.decoders.slots.pictures)

    def __repr__(self) -> str:
        return f"Served({self.candidate}, {self.detector!r}, {self._batcher!r})"

    @property
    def down(self) -> str:
        """Why no frame can be answered with detections at present; empty when they can."""
        return self._device_fault or self.decoders.broken

    @property
    def batcher(self) -> Batcher:
        """Takes the frames; there after `start`."""
        if self._batcher is None:
            raise RuntimeError(f"{self.candidate} was not started")
        return self._batcher

    def start(
        self,
        device: DeviceQueue,
        metrics: ModelMetrics,
        recording: RecordingWriter | None = None,
        tracer: Observer | None = None,
    ) -> None:
        """Be able to take frames.

        Args:
            device: of all models on it.
            metrics: of the model.
            recording: what happens once it is proven is written down there; None: nowhere.
            tracer: watches it once it is proven; None: nobody does.
        """
        self._recording = recording
        self._tracer = tracer
        config, detector, tiles = self._config, self.detector, self.detector.spec.tiles

        metrics.expect(reasons=(why.value for why in Why), buckets=self.basis.table.buckets)

        def health(*, healthy: bool, reason: str) -> None:
            self._device_fault = "" if healthy else reason

        def on_release(why: Why) -> None:
            if self._proven:
                metrics.release(why.value)

        def on_batch(*, frames: int, bucket: int, device_ns: int) -> None:
            if self._proven:
                metrics.batch(frames=frames, bucket=bucket, device_ns=device_ns)
                self.recalibration.observe(frames, device_ns, now_ns())

        self._batcher = Batcher(
            policy=self.policy,
            decoders=self.decoders,
            detect=detector.detect,
            name=self.model.name,
            device=device,
            count_rows=None if tiles is None else lambda header, region: len(detector.parts(header, region)),
            merge=None if tiles is None else detector.merge,
            reopen=self._reopen,
            warm=self._warm,
            answer_margin_ns=ms_to_ns(config.answer_margin_ms),
            max_waiting=config.max_waiting,
            max_waiting_bytes=config.max_waiting_bytes,
            on_release=on_release,
            on_batch=on_batch,
            on_health=health,
        )

    async def prove(self) -> None:
        """Send pictures all the way, through the decoders and the device, before the first camera depends on it.

        Raises:
            ModelError: one was not answered with detections.
        """
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Frame]] = []
        for sequence in range(2 * self.decoders.count):
            answered: asyncio.Future[Frame] = loop.create_future()
            answers.append(answered)
            now = now_ns()
            frame = Frame(
                camera="",
                sequence=sequence,
                live=False,
                picture=RawPicture(bytes([127]) * PROOF_SIDE**2, PROOF_SIDE, PROOF_SIDE, "gray"),
                arrival_ns=now,
                deadline_ns=now + PROOF_NS,
                reply=answered.set_result,
            )
            frame.header = Header(PROOF_SIDE, PROOF_SIDE, "raw")
            frame.model = self.model
            self.batcher.submit(frame)
        for frame in await asyncio.gather(*answers):
            if frame.outcome is not Outcome.OK:
                raise ModelError(f"{self.candidate} is loaded, but a first picture was {frame.outcome}: {frame.reason}")
        self.batcher.forget_decoding()
        self._proven = True
        if self._tracer is not None:
            self.batcher.observe(self._tracer)
        if self._recording is not None:
            self._recording.add(self._record)
            self.batcher.observe(Recorder(self.model.name, self._recording.add))

    @property
    def report(self) -> tuple[str, ...]:
        """What was found out at load, line by line, for people."""
        return (*self.detector.report.sentences(), self.basis.sentence)

    @property
    def _record(self) -> ModelRecord:
        """What is written down of it."""
        table, (low, high) = self.basis.table, self.basis.spread
        return ModelRecord(
            name=self.model.name,
            version=self.model.version,
            device=self.detector.device,
            buckets=table.buckets,
            service_ns=table.service_ns,
            low_ratio=low,
            high_ratio=high,
            max_batch=table.max_batch,
            decoders=self.decoders.count,
            answer_margin_ns=ms_to_ns(self._config.answer_margin_ms),
        )

    def discard(self) -> None:
        """Give everything back instead of `start`; blocks for a moment."""
        self.decoders.close()
        self.detector.close()

    async def close(self) -> None:
        """Give everything back, without holding up the loop. Frames that are unanswered are not answered by this."""
        self.decoders.hang_up()
        await in_thread(self.discard)
        if self._batcher is not None:
            self._batcher.close()

    def _reopen(self) -> None:
        """Load the session anew and run every batch size, so that none is slow when frames are in it."""
        self.detector.reopen()
        warm_up(self.detector, budget_ns=0)

    def _warm(self) -> None:
        """Run the smallest batch for nobody."""
        fit = self.detector.spec.fit
        picture = np.full((fit.height, fit.width, 3), 127, np.uint8)
        self.detector.detect([Prepared(picture, plan_resize(fit, fit.width, fit.height))])
