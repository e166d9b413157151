"""Figures that are kept elsewhere and read when /metrics is asked. Names them; little is computed."""

from __future__ import annotations

import contextlib
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from framebatch import __version__
from framebatch.clock import SECOND_NS, now_ns, ns_to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from framebatch.app.basis import Basis
    from framebatch.app.lag import LoopLag
    from framebatch.app.repository import Repository
    from framebatch.app.served import Served
    from framebatch.edge.service import DetectorService
    from framebatch.metrics import Metrics
    from framebatch.recording import RecordingWriter
    from framebatch.scheduling import Policy
    from framebatch.tracing.otlp import OtlpCollector

__all__ = [
    "capacity_of",
    "curve_of",
    "derate_of",
    "export_figures",
    "export_health",
    "export_recording",
    "export_traces",
    "export_versions",
]

LIBRARIES: Final = {
    "onnxruntime": ("onnxruntime-gpu", "onnxruntime"),
    "grpcio": ("grpcio",),
    "numpy": ("numpy",),
    "opencv": ("opencv-python-headless", "opencv-python"),
    "prometheus_client": ("prometheus-client",),
}
"""Labels, and the distributions that may bring what they name."""


def export_figures(metrics: Metrics, repository: Repository, service: DetectorService) -> None:
    """Export the gauges of the server and of every model that serves, whichever these are when somebody asks."""

    def per_model(name: str, text: str, read: Callable[[Served], float]) -> None:
        metrics.gauges(
            name, text, ("model",), lambda: [((model,), read(each)) for model, each in repository.serving.items()]
        )

    def where_known(name: str, text: str, read: Callable[[Served], float | None]) -> None:
        metrics.gauges(
            name,
            text,
            ("model",),
            lambda: [
                ((model,), value) for model, each in repository.serving.items() if (value := read(each)) is not None
            ],
        )

    metrics.gauge("framebatch_streams", "Open camera streams.", lambda: service.streams)
    metrics.gauges(
        "framebatch_camera_last_frame_age_seconds",
        "Since the arrival of the camera's last answered frame.",
        ("camera",),
        lambda: metrics.ages(now_ns()),
    )
    per_model(
        "framebatch_unanswered_bytes",
        "Pictures of frames accepted and not yet answered, as received.",
        lambda each: each.batcher.unanswered_bytes,
    )
    per_model(
        "framebatch_unanswered_limit_bytes",
        "Above this many bytes of unanswered pictures frames are refused.",
        lambda each: each.batcher.max_waiting_bytes,
    )
    per_model(
        "framebatch_waiting_frames", "Frames accepted and not yet on the device.", lambda each: each.batcher.waiting
    )
    per_model(
        "framebatch_decode_backlog_frames", "Frames no decoder has begun.", lambda each: each.batcher.decode_backlog
    )
    per_model("framebatch_decoders", "Processes that decode the model's pictures.", lambda each: each.decoders.count)
    per_model("framebatch_decoders_busy", "Those at work now.", lambda each: each.decoders.crew.busy)
    metrics.counters(
        "framebatch_decode_seconds",
        "Time that the decoders worked on pictures; begins anew with another version.",
        ("model",),
        lambda: [((name,), ns_to_seconds(each.decoders.crew.worked_ns)) for name, each in repository.serving.items()],
    )
    per_model(
        "framebatch_load_ratio",
        "Arrival rate over the device's full-batch rate, as if it had no other model.",
        lambda each: each.policy.load_at(now_ns()),
    )
    per_model(
        "framebatch_cameras_not_fitting",
        "Cameras that got less than nine tenths of their frames answered lately, while the model is overloaded.",
        lambda each: each.batcher.cameras_not_fitting,
    )
    per_model(
        "framebatch_drift_ratio",
        "Recent service times over the measured table; 1 when nothing changed.",
        lambda each: each.policy.estimate.factor,
    )
    per_model(
        "framebatch_derate_ratio",
        "Frames a second in the largest batches that are run now, over what the measured table promises.",
        lambda each: derate_of(each.policy),
    )
    per_model(
        "framebatch_recalibration_due",
        "1 while batches have long taken other times than were measured; else 0.",
        lambda each: bool(each.recalibration.due),
    )
    per_model(
        "framebatch_capacity_frames_per_second",
        "What the device would carry now in the largest batches that are run, as if it had no other model.",
        lambda each: capacity_of(each.policy),
    )
    metrics.gauges(
        "framebatch_curve_seconds",
        "How long a batch takes by the measured table; the quantile 0.95 only of sizes that were measured fully.",
        ("model", "batch", "quantile"),
        lambda: [
            ((name, *labels), value)
            for name, each in repository.serving.items()
            for labels, value in curve_of(each.basis)
        ],
    )
    metrics.gauges(
        "framebatch_profile_info",
        "Where the measured table comes from, and what bounds its largest batch; always 1.",
        ("model", "source", "created", "max_batch", "bound_by"),
        lambda: [((name, *_profile(each)), 1) for name, each in repository.serving.items()],
    )
    where_known(
        "framebatch_profile_age_seconds",
        "Since the calibration; only of models with a profile.",
        lambda each: each.basis.age_seconds(time.time()),
    )
    where_known(
        "framebatch_memory_predicted_bytes",
        "What the profile foretells that the largest batch takes; of the device's memory, on a processor of the host's.",
        lambda each: each.basis.predicted_bytes,
    )
    where_known(
        "framebatch_memory_limit_bytes",
        "How much of that memory the calibration allowed, other processes included.",
        lambda each: each.basis.limit_bytes,
    )
    metrics.gauge(
        "framebatch_unanswered_frames",
        "Frames accepted and not yet answered.",
        lambda: sum(each.batcher.unanswered for each in repository.alive),
    )
    metrics.gauges(
        "framebatch_model_info",
        "The version of each model that serves; always 1.",
        ("model", "model_version", "family", "max_batch"),
        lambda: [
            ((name, each.model.version, each.detector.spec.family, str(each.detector.buckets[-1])), 1)
            for name, each in repository.serving.items()
        ],
    )
    per_model("framebatch_model_up", "1, or 0 while the model cannot be run.", lambda each: not each.down)
    per_model(
        "framebatch_model_one_by_one",
        "1 where frames are run one at a time, because batches would answer otherwise; else 0.",
        lambda each: bool(each.detector.report.why_not_batched),
    )
    per_model(
        "framebatch_batch_limit_frames",
        "The largest batch that is run; lowered for a while when the device's memory does not suffice.",
        lambda each: each.batcher.recovery.cap,
    )
    metrics.counters(
        "framebatch_recovery",
        "What failed on the device, and what was done about it.",
        ("model", "event"),
        lambda: [
            ((name, event), count)
            for name, entry in sorted(repository.entries.items())
            for event, count in entry.mishaps.items()
        ],
    )
    metrics.counters(
        "framebatch_model_loads",
        "Versions that were loaded and took over, and versions that could not be loaded.",
        ("model", "result"),
        lambda: [
            ((name, result), count)
            for name, entry in sorted(repository.entries.items())
            for result, count in (("loaded", entry.loads), ("failed", entry.failures))
        ],
    )


def export_recording(metrics: Metrics, recording: RecordingWriter) -> None:
    """Export what becomes of a recording."""
    metrics.counters(
        "framebatch_recording_records",
        "Frames, batches and decisions that were written to disk, and those that were lost.",
        ("result",),
        lambda: [(("written",), recording.written), (("lost",), recording.lost)],
    )
    metrics.gauge(
        "framebatch_recording_bytes",
        "Size of all recordings in the folder for them.",
        lambda: recording.bytes_on_disk,
    )


def export_traces(metrics: Metrics, collector: OtlpCollector) -> None:
    """Export what becomes of traces."""
    metrics.counters(
        "framebatch_trace_spans",
        "Spans that the collector took, and those that were lost.",
        ("result",),
        lambda: [(("exported",), collector.exported), (("lost",), collector.lost)],
    )


def export_health(metrics: Metrics, lag: LoopLag, why_not_ready: Callable[[], str]) -> None:
    """Export whether frames are taken, and how late the event loop is."""
    metrics.gauge("framebatch_ready", "1 while frames are taken, else 0.", lambda: not why_not_ready())
    metrics.distribution(
        "framebatch_event_loop_lag_seconds", "How late the event loop came to a timer, ten times a second.", lag.seen
    )


def export_versions(metrics: Metrics) -> None:
    """Export which versions of what it is made of the server runs with."""
    found = {label: _version(names) for label, names in LIBRARIES.items()}
    labels = {"version": __version__, "python": platform.python_version(), **found}
    metrics.gauges(
        "framebatch_build_info",
        "Versions of the server and of what it is made of; always 1.",
        tuple(labels),
        lambda: [(tuple(labels.values()), 1)],
    )


def _version(names: Sequence[str]) -> str:
    """Of the first of these distributions that is installed; empty: none is."""
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            return version(name)
    return ""


def derate_of(policy: Policy) -> float:
    """Throughput of the largest batch that is run now over that of the table's largest, by the measured time of it."""
    table, now = policy.estimate.table, policy.max_batch
    return now * table.service_ns[-1] / (table.max_batch * policy.estimate.mid_ns[now])


def capacity_of(policy: Policy) -> float:
    """Frames a second in the largest batches that are run now, by what batches take now."""
    return SECOND_NS * policy.max_batch / policy.estimate.mid_ns[policy.max_batch]


def curve_of(basis: Basis) -> Iterator[tuple[tuple[str, str], float]]:
    """Size and quantile, and how many seconds a batch of that size takes."""
    measured = {} if basis.profile is None else {each.batch: each.measured for each in basis.profile.buckets}
    for bucket, service_ns in zip(basis.table.buckets, basis.table.service_ns, strict=True):
        yield (str(bucket), "0.5"), ns_to_seconds(service_ns)
        found = measured.get(bucket)
        if found is not None:
            yield (str(bucket), "0.95"), ns_to_seconds(found.p95_ns)


def _profile(served: Served) -> tuple[str, str, str, str]:
    """Values of the labels that tell of the profile; empty ones where there is none."""
    basis, profile = served.basis, served.basis.profile
    created, bound_by = ("", "") if profile is None else (profile.run.created, profile.choice.bound_by)
    return basis.source, created, str(basis.table.max_batch), bound_by
