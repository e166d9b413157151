"""What the server counts, and how Prometheus sees it. Recording is plain arithmetic; the library works at scrape time.

A frame costs a few additions here: counters and histograms are plain numbers, and one collector turns them into
Prometheus families when somebody asks. Nothing outside this module knows prometheus_client.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from framebatch.clock import ns_to_seconds
from framebatch.frame import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from framebatch.frame import Frame, Priority

    Rows: TypeAlias = Callable[[], Iterable[tuple[Sequence[str], float]]]

__all__ = ["CONTENT_TYPE", "Distribution", "Metrics", "ModelMetrics"]

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
LATENCY_BOUNDS: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.033, 0.05, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0),
)
BATCH_BOUNDS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
MISSED: Final = (Outcome.EXPIRED, Outcome.REJECTED)
"""Told of every camera from its first frame on, if only as 0: what appears with its first value has no rate."""
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


class ModelMetrics:
    """What is counted of one model, whatever its version. Recording happens on the event loop only."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, Outcome], int] = {}
        self.by_priority: dict[tuple[Priority, Outcome], int] = {}
        self.latency = Distribution(LATENCY_BOUNDS)
        self.slack = Distribution(LATENCY_BOUNDS)
        self.stages = {stage: Distribution(LATENCY_BOUNDS) for stage in ("decode", "queue", "device", "post")}
        self.batches = Distribution(BATCH_BOUNDS)
        self.padding = 0
        self.device_ns = 0

    def __repr__(self) -> str:
        return f"ModelMetrics(answered={sum(self.answers.values())}, batches={sum(self.batches.counts)})"

    def batch(self, *, frames: int, bucket: int, device_ns: int) -> None:
        """Count one device run."""
        self.batches.observe(frames)
        self.padding += bucket - frames
        self.device_ns += device_ns

    def answered(self, frame: Frame, camera: str) -> None:
        """Count one answered frame under that name of its camera, and where its time went."""
        outcome = frame.outcome
        if outcome is None:
            raise ValueError(f"{frame!r} has no outcome yet")
        key = (camera, outcome)
        self.answers[key] = self.answers.get(key, 0) + 1
        kind = (frame.priority, outcome)
        self.by_priority[kind] = self.by_priority.get(kind, 0) + 1
        if frame.parsed_ns:
            stages = self.stages
            self.latency.observe(ns_to_seconds(frame.answered_ns - frame.arrival_ns))
            self.slack.observe(ns_to_seconds(frame.deadline_ns - frame.answered_ns))
            stages["decode"].observe(ns_to_seconds(frame.ready_ns - frame.arrival_ns))
            stages["queue"].observe(ns_to_seconds(frame.started_ns - frame.ready_ns))
            stages["device"].observe(ns_to_seconds(frame.finished_ns - frame.started_ns))
            stages["post"].observe(ns_to_seconds(frame.parsed_ns - frame.finished_ns))

    def by_camera(self) -> dict[tuple[str, Outcome], int]:
        """Answered frames by camera and outcome, those of `MISSED` also where there were none."""
        return {(camera, outcome): 0 for camera, _ in self.answers for outcome in MISSED} | self.answers

    def by_class(self) -> dict[tuple[Priority, Outcome], int]:
        """Answered frames by class and outcome, all outcomes of every class that was seen."""
        return {(priority, outcome): 0 for priority, _ in self.by_priority for outcome in Outcome} | self.by_priority


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
        self._distributions: list[tuple[str, str, Distribution]] = []
        self._undelivered = 0
        self._families: list[tuple[type[GaugeMetricFamily | CounterMetricFamily], str, str, tuple[str, ...], Rows]] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def __repr__(self) -> str:
        answered = sum(sum(model.answers.values()) for model in self._models.values())
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
        models = {camera: name for name, model in self._models.items() for camera, _ in model.answers}
        return {camera: (models[camera], self._last_frame_ns[camera]) for camera in self._cameras if camera in models}

    def totals(self) -> dict[str, int]:
        """Answered frames by outcome."""
        totals: dict[str, int] = {}
        for model in self._models.values():
            for (_, outcome), number in model.answers.items():
                totals[outcome.value] = totals.get(outcome.value, 0) + number
        return totals

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the library at scrape time."""
        info = GaugeMetricFamily("framebatch_info", "What serves, on what; always 1.", labels=list(self._info))
        info.add_metric(list(self._info.values()), 1)
        yield info
        yield from self._of_models()
        yield CounterMetricFamily(
            "framebatch_undelivered_answers", "Answers whose client had gone.", value=self._undelivered
        )
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
        stages = HistogramMetricFamily(
            "framebatch_stage_seconds", "The same by stage: decode, queue, device, post.", labels=["model", "stage"]
        )
        batches = HistogramMetricFamily(
            "framebatch_batch_frames", "Frames in a device run, without padding.", labels=["model"]
        )
        padding = CounterMetricFamily("framebatch_padding_frames", "Empty places in device runs.", labels=["model"])
        busy = CounterMetricFamily("framebatch_device_busy_seconds", "Time that the device ran.", labels=["model"])
        for name, model in self._models.items():
            for (camera, outcome), number in model.by_camera().items():
                frames.add_metric([name, camera, outcome.value], number)
            for (priority, outcome), number in model.by_class().items():
                by_priority.add_metric([name, priority.word, outcome.value], number)
            if not name:  # never reaches the device
                continue
            latency.add_metric([name], model.latency.cumulative(), model.latency.total)
            slack.add_metric([name], model.slack.cumulative(), model.slack.total)
            for stage, distribution in model.stages.items():
                stages.add_metric([name, stage], distribution.cumulative(), distribution.total)
            batches.add_metric([name], model.batches.cumulative(), model.batches.total)
            padding.add_metric([name], model.padding)
            busy.add_metric([name], ns_to_seconds(model.device_ns))
        yield from (frames, by_priority, latency, slack, stages, batches, padding, busy)

    def _admit_camera(self, camera: str) -> str:
        """The label for a camera: its name for the first ones, a common one for the rest."""
        if len(self._cameras) >= MAX_CAMERAS:
            return OTHER_CAMERAS
        self._cameras[camera] = camera
        return camera
