"""Figures that are kept elsewhere and read when /metrics is asked. Names them; computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.clock import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.app.repository import Repository
    from framebatch.app.served import Served
    from framebatch.edge.service import DetectorService
    from framebatch.metrics import Metrics

__all__ = ["export_figures"]


def export_figures(metrics: Metrics, repository: Repository, service: DetectorService) -> None:
    """Export the gauges of the server and of every model that serves, whichever these are when somebody asks."""

    def per_model(name: str, text: str, read: Callable[[Served], float]) -> None:
        metrics.gauges(
            name, text, ("model",), lambda: [((model,), read(each)) for model, each in repository.serving.items()]
        )

    metrics.gauge("framebatch_streams", "Open camera streams.", lambda: service.streams)
    per_model(
        "framebatch_waiting_frames", "Frames accepted and not yet on the device.", lambda each: each.batcher.waiting
    )
    per_model(
        "framebatch_decode_backlog_frames", "Frames no decoder has begun.", lambda each: each.batcher.decode_backlog
    )
    per_model(
        "framebatch_load_ratio",
        "Arrival rate over the device's full-batch rate, as if it had no other model.",
        lambda each: each.policy.load_at(now_ns()),
    )
    per_model(
        "framebatch_drift_ratio",
        "Recent service times over the measured table; 1 when nothing changed.",
        lambda each: each.policy.estimate.factor,
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
