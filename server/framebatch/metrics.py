"""What the server counts, and how Prometheus sees it. Recording is plain arithmetic; the library works at scrape time.

A frame costs a few additions here: counters and histograms are plain numbers, and one collector turns them into
Prometheus families when somebody asks. Nothing outside this module knows prometheus_client.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from framebatch.clock import ns_to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

    from framebatch.frame import Frame, Outcome

__all__ = ["CONTENT_TYPE", "Distribution", "Metrics"]

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
LATENCY_BOUNDS: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.033, 0.05, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0),
)
BATCH_BOUNDS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
MAX_CAMERAS: Final = 500
OTHER_CAMERAS: Final = "other"


class Gauge(Protocol):
    """A figure read at scrape time."""

    def __call__(self) -> float:
        """The figure now."""


class Distribution:
    """A histogram of plain numbers. Invariant: count = sum of `counts`, which are per interval, not cumulated."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def __repr__(self) -> str:
        return f"Distribution(count={sum(self.counts)}, total={self.total:g})"

    def observe(self, value: float) -> None:
        """Count one value. O(log bounds)."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Prometheus' form: upper bound and how many values are at most that."""
        below = 0
        rows = []
        for bound, number in zip((*map(str, map(float, self.bounds)), "+Inf"), self.counts, strict=True):
            below += number
            rows.append((bound, float(below)))
        return rows


class Metrics(Collector):
    """All series of one server. Recording happens on the event loop only."""

    def __init__(self, *, info: Mapping[str, str]) -> None:
        """Start from zero.

        Args:
            info: labels of `framebatch_info`: version, model, device, provider and so on.
        """
        self._info = dict(info)
        self._model = self._info.get("model", "")
        self._answered: dict[tuple[str, Outcome], int] = {}
        self._cameras: dict[str, str] = {}
        self._latency = Distribution(LATENCY_BOUNDS)
        self._stages = {stage: Distribution(LATENCY_BOUNDS) for stage in ("decode", "queue", "device", "post")}
        self._batches = Distribution(BATCH_BOUNDS)
        self._padding = 0
        self._device_ns = 0
        self._undelivered = 0
        self._gauges: list[tuple[str, str, Gauge]] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def __repr__(self) -> str:
        return f"Metrics(answered={sum(self._answered.values())}, cameras={len(self._cameras)})"

    def answered(self, frame: Frame) -> None:
        """Count one answered frame and where its time went."""
        camera = self._cameras.get(frame.camera)
        if camera is None:
            camera = self._admit_camera(frame.camera)
        outcome = frame.outcome
        if outcome is None:
            raise ValueError(f"{frame!r} has no outcome yet")
        key = (camera, outcome)
        self._answered[key] = self._answered.get(key, 0) + 1
        if frame.parsed_ns:
            stages = self._stages
            self._latency.observe(ns_to_seconds(frame.answered_ns - frame.arrival_ns))
            stages["decode"].observe(ns_to_seconds(frame.ready_ns - frame.arrival_ns))
            stages["queue"].observe(ns_to_seconds(frame.started_ns - frame.ready_ns))
            stages["device"].observe(ns_to_seconds(frame.finished_ns - frame.started_ns))
            stages["post"].observe(ns_to_seconds(frame.parsed_ns - frame.finished_ns))

    def batch(self, *, frames: int, bucket: int, device_ns: int) -> None:
        """Count one device run."""
        self._batches.observe(frames)
        self._padding += bucket - frames
        self._device_ns += device_ns

    def undelivered(self, answers: int) -> None:
        """Count answers whose client had gone."""
        self._undelivered += answers

    def gauge(self, name: str, text: str, read: Gauge) -> None:
        """Export a figure that is read at scrape time."""
        self._gauges.append((name, text, read))

    def totals(self) -> dict[str, int]:
        """Answered frames by outcome."""
        totals: dict[str, int] = {}
        for (_, outcome), number in self._answered.items():
            totals[outcome.value] = totals.get(outcome.value, 0) + number
        return totals

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the library at scrape time."""
        info = GaugeMetricFamily("framebatch_info", "What is served, on what; always 1.", labels=list(self._info))
        info.add_metric(list(self._info.values()), 1)
        yield info
        frames = CounterMetricFamily(
            "framebatch_frames", "Frames answered, by camera and outcome.", labels=["model", "camera", "outcome"]
        )
        for (camera, outcome), number in self._answered.items():
            frames.add_metric([self._model, camera, outcome.value], number)
        yield frames
        yield self._histogram(
            "framebatch_latency_seconds",
            "From reading a frame to its detections, for frames answered OK.",
            self._latency,
        )
        stages = HistogramMetricFamily(
            "framebatch_stage_seconds", "The same by stage: decode, queue, device, post.", labels=["stage"]
        )
        for stage, distribution in self._stages.items():
            stages.add_metric([stage], distribution.cumulative(), distribution.total)
        yield stages
        yield self._histogram("framebatch_batch_frames", "Frames in a device run, without padding.", self._batches)
        yield self._counter("framebatch_padding_frames", "Empty places in device runs.", self._padding)
        yield self._counter(
            "framebatch_device_busy_seconds", "Time that the device ran.", ns_to_seconds(self._device_ns)
        )
        yield self._counter("framebatch_undelivered_answers", "Answers whose client had gone.", self._undelivered)
        for name, text, read in self._gauges:
            yield GaugeMetricFamily(name, text, value=read())

    @staticmethod
    def _histogram(name: str, text: str, distribution: Distribution) -> HistogramMetricFamily:
        return HistogramMetricFamily(name, text, buckets=distribution.cumulative(), sum_value=distribution.total)

    @staticmethod
    def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
        return CounterMetricFamily(name, text, value=value)

    def _admit_camera(self, camera: str) -> str:
        """The label for a camera: its name for the first ones, a common one for the rest."""
        if len(self._cameras) >= MAX_CAMERAS:
            return OTHER_CAMERAS
        self._cameras[camera] = camera
        return camera
