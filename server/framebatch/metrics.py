"""What the server counts, and how Prometheus sees it. Recording is plain arithmetic; the library works at scrape time.

A frame costs a few additions here: counters and histograms are plain numbers, and one collector turns them into
Prometheus families when somebody asks. Nothing outside this module knows prometheus_client.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from framebatch.clock import ns_to_seconds
from framebatch.counts import Distribution, ModelMetrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from framebatch.frame import Frame, Outcome

    Rows: TypeAlias = Callable[[], Iterable[tuple[Sequence[str], float]]]

__all__ = ["CONTENT_TYPE", "Distribution", "Metrics", "ModelMetrics"]

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
MAX_CAMERAS: Final = 500
OTHER_CAMERAS: Final = "other"
PIECE_SAMPLES: Final = 200
"""Text for so many is made at a time, in about a millisecond."""
HEADER_LINES: Final = 2
"""Of a family: what it is about, and its type."""


class Gauge(Protocol):
    """A figure read at scrape time."""

    def __call__(self) -> float:
        """The figure now."""


class _One(CollectorRegistry):
    """A registry of one family, for the library to make text of."""

    def __init__(self, family: Metric) -> None:
        super().__init__()
        self._family = family

    def collect(self) -> Iterator[Metric]:
        """It alone."""
        yield self._family


class Metrics(Collector):
    """All series of one server. Recording happens on the event loop only."""

    def __init__(self, *, info: Mapping[str, str]) -> None:
        """Start from zero.

        Args:
            info: labels of `framebatch_info`: version, device, provider and so on.
        """
        self._info = dict(info)
        self._models: dict[str, ModelMetrics] = {}
        self._cameras: dict[str, str] = {}
        self._last_frame_ns: dict[str, int] = {}
        self._opened: dict[str, int] = {}
        self._distributions: list[tuple[str, str, Distribution]] = []
        self._undelivered = 0
        self._families: list[tuple[type[GaugeMetricFamily | CounterMetricFamily], str, str, tuple[str, ...], Rows]] = []
        self._before: list[Callable[[], Awaitable[None]]] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def __repr__(self) -> str:
        answered = sum(self.totals().values())
        return f"Metrics(answered={answered}, models={len(self._models)}, cameras={len(self._cameras)})"

    def model(self, name: str) -> ModelMetrics:
        """The figures of one model; they begin at zero with the first call, and stay when another version takes over."""
        return self._models.setdefault(name, ModelMetrics())

    def answered(self, frame: Frame) -> None:
        """Count one answered frame and where its time went; one whose model is not known under the model ""."""
        camera = self._cameras.get(frame.camera)
        if camera is None:
            camera = self._admit_camera(frame.camera)
        self._last_frame_ns[camera] = frame.arrival_ns
        model = self._models.get(frame.model.name)
        if model is None:
            model = self.model(frame.model.name)
        model.answered(frame, camera)

    def stream_opened(self, camera: str) -> None:
        """Count one stream that a camera began."""
        name = self._cameras.get(camera) or self._admit_camera(camera)
        self._opened[name] = self._opened.get(name, 0) + 1

    def undelivered(self, answers: int) -> None:
        """Count answers whose client had gone."""
        self._undelivered += answers

    def gauge(self, name: str, text: str, read: Gauge) -> None:
        """Export a figure that is read at scrape time."""
        self._families.append((GaugeMetricFamily, name, text, (), lambda: [((), read())]))

    def gauges(self, name: str, text: str, labels: tuple[str, ...], rows: Rows) -> None:
        """Export figures that are read at scrape time, one for each row of values of the labels."""
        self._families.append((GaugeMetricFamily, name, text, labels, rows))

    def counters(self, name: str, text: str, labels: tuple[str, ...], rows: Rows) -> None:
        """Export counts that are kept elsewhere and only ever grow; `_total` is added to the name."""
        self._families.append((CounterMetricFamily, name, text, labels, rows))

    def distribution(self, name: str, text: str, distribution: Distribution) -> None:
        """Export a distribution that is kept elsewhere."""
        self._distributions.append((name, text, distribution))

    def ages(self, now_ns: int) -> list[tuple[tuple[str], float]]:
        """Seconds since the arrival of each camera's last answered frame, by the name that its series have."""
        return [((camera,), ns_to_seconds(now_ns - last)) for camera, last in self._last_frame_ns.items()]

    def senders(self) -> dict[str, tuple[str, int]]:
        """Of each camera that is told by name: a model that it sent to, and when its last answered frame arrived, in ns."""
        models = {camera: name for name, model in self._models.items() for camera in model.answers}
        return {camera: (models[camera], self._last_frame_ns[camera]) for camera in self._cameras if camera in models}

    def totals(self) -> dict[str, int]:
        """Answered frames by outcome."""
        totals: dict[str, int] = {}
        for model in self._models.values():
            for row in model.by_priority.values():
                for outcome, number in row.items():
                    if number:
                        totals[outcome.value] = totals.get(outcome.value, 0) + number
        return totals

    def before_scrape(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Await it before somebody is told the series; it must not take long, nor raise."""
        self._before.append(prepare)

    def by_camera(self) -> dict[str, dict[Outcome, int]]:
        """Answered frames by outcome for each camera, over all models, by the name that its series have."""
        cameras: dict[str, dict[Outcome, int]] = {}
        for model in self._models.values():
            for camera, row in model.answers.items():
                counts = cameras.setdefault(camera, {})
                for outcome, number in row.items():
                    counts[outcome] = counts.get(outcome, 0) + number
        return cameras

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self._registry)

    async def scrape(self) -> bytes:
        """The same, after what is to be awaited before, and piece by piece: others run in between.

        For 500 cameras the text takes some 20 ms, of which the loop is held for 5 at a time.
        """
        for prepare in self._before:
            await prepare()
        text: list[bytes] = []
        made = 0
        for family in self._registry.collect():
            samples = family.samples
            for at in range(0, len(samples) or 1, PIECE_SAMPLES):
                family.samples = samples[at : at + PIECE_SAMPLES]
                lines = generate_latest(_One(family))
                text.append(lines.split(b"\n", HEADER_LINES)[-1] if at else lines)
                made += len(family.samples)
                if made >= PIECE_SAMPLES:
                    made = 0
                    await asyncio.sleep(0)
        return b"".join(text)

    def collect(self) -> Iterator[Metric]:
        """Called by the library at scrape time."""
        info = GaugeMetricFamily("framebatch_info", "What serves, on what; always 1.", labels=list(self._info))
        info.add_metric(list(self._info.values()), 1)
        yield info
        yield from self._of_models()
        yield CounterMetricFamily(
            "framebatch_undelivered_answers", "Answers whose client had gone.", value=self._undelivered
        )
        opened = CounterMetricFamily(
            "framebatch_camera_streams_opened", "Streams that the camera began.", labels=["camera"]
        )
        for camera, number in self._opened.items():
            opened.add_metric([camera], number)
        yield opened
        for name, text, distribution in self._distributions:
            yield HistogramMetricFamily(name, text, distribution.cumulative(), distribution.total)
        for kind, name, text, labels, rows in self._families:
            family = kind(name, text, labels=labels)
            for values, value in rows():
                family.add_metric(values, value)
            yield family

    def _of_models(self) -> Iterator[Metric]:
        frames = CounterMetricFamily(
            "framebatch_frames", "Frames answered, by camera and outcome.", labels=["model", "camera", "outcome"]
        )
        by_priority = CounterMetricFamily(
            "framebatch_priority_frames",
            "Frames answered, by class and outcome.",
            labels=["model", "priority", "outcome"],
        )
        latency = HistogramMetricFamily(
            "framebatch_latency_seconds",
            "From reading a frame to its detections, for frames answered OK.",
            labels=["model"],
        )
        slack = HistogramMetricFamily(
            "framebatch_slack_seconds", "What was left of the deadline, for frames answered OK.", labels=["model"]
        )
        budget_used = HistogramMetricFamily(
            "framebatch_budget_used_ratio",
            "Latency over the frame's own budget, for frames answered OK.",
            labels=["model"],
        )
        stages = HistogramMetricFamily(
            "framebatch_stage_seconds", "The same by stage: decode, queue, device, post.", labels=["model", "stage"]
        )
        batches = HistogramMetricFamily(
            "framebatch_batch_frames", "Frames in a device run, without padding.", labels=["model"]
        )
        padding = CounterMetricFamily("framebatch_padding_frames", "Empty places in device runs.", labels=["model"])
        busy = CounterMetricFamily("framebatch_device_busy_seconds", "Time that the device ran.", labels=["model"])
        released = CounterMetricFamily(
            "framebatch_batches_released", "Batches handed to the device, by why.", labels=["model", "reason"]
        )
        runs = CounterMetricFamily("framebatch_batches", "Device runs, by size.", labels=["model", "bucket"])
        run_seconds = CounterMetricFamily(
            "framebatch_batch_device_seconds", "Time that the device ran, by size.", labels=["model", "bucket"]
        )
        for name, model in self._models.items():
            for camera, row in model.answers.items():
                for outcome, number in row.items():
                    frames.add_metric([name, camera, outcome.value], number)
            for priority, row in model.by_priority.items():
                for outcome, number in row.items():
                    by_priority.add_metric([name, priority.word, outcome.value], number)
            if not name:  # never reaches the device
                continue
            latency.add_metric([name], model.latency.cumulative(), model.latency.total)
            slack.add_metric([name], model.slack.cumulative(), model.slack.total)
            budget_used.add_metric([name], model.budget_used.cumulative(), model.budget_used.total)
            for stage, distribution in model.stages._asdict().items():
                stages.add_metric([name, stage], distribution.cumulative(), distribution.total)
            batches.add_metric([name], model.batches.cumulative(), model.batches.total)
            padding.add_metric([name], model.padding)
            busy.add_metric([name], ns_to_seconds(model.device_ns))
            for reason, number in model.released.items():
                released.add_metric([name, reason], number)
            for bucket, (number, device_ns) in sorted(model.runs.items()):
                runs.add_metric([name, str(bucket)], number)
                run_seconds.add_metric([name, str(bucket)], ns_to_seconds(device_ns))
        yield from (frames, by_priority, latency, slack, budget_used, stages)
        yield from (batches, padding, busy, released, runs, run_seconds)

    def _admit_camera(self, camera: str) -> str:
        """The label for a camera: its name for the first ones, a common one for the rest."""
        if len(self._cameras) >= MAX_CAMERAS:
            return OTHER_CAMERAS
        self._cameras[camera] = camera
        return camera
