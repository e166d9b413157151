"""Carries spans to a collector by OTLP over gRPC. The only module that knows opentelemetry; imported where traces are on.

The SDK's thread batches, sends and retries. Its queue is bounded here, so that every span is either exported or counted
as lost.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan

    from framebatch.frame import TraceParent
    from framebatch.tracing.spans import FrameSpan

__all__ = ["OtlpCollector"]

log = logging.getLogger(__name__)

MOST_SPANS: Final = 4096
"""That wait or are on their way; further ones are lost."""
BATCH_SPANS: Final = 512
EXPORT_SECONDS: Final = 5.0
"""An export that takes longer, retries included, has failed."""


class OtlpCollector:
    """From the making to `close`. `send` belongs to one thread.

    Invariant: spans sent = exported + lost + on their way, and at most `MOST_SPANS` are on their way.
    """

    def __init__(self, address: str, *, version: str, period_seconds: float = 2.0) -> None:
        """Connect when there is something to send.

        Args:
            address: of the collector, `http://HOST:PORT` or `https://HOST:PORT`.
            version: of the server.
            period_seconds: how often to send what there is.
        """
        self._exporter = _Counting(OTLPSpanExporter(endpoint=address, timeout=EXPORT_SECONDS), address)
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=MOST_SPANS,
            schedule_delay_millis=1000 * period_seconds,
            max_export_batch_size=BATCH_SPANS,
        )
        resource = Resource.create({"service.name": "framebatch", "service.version": version})
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("framebatch", version)
        self._taken = 0
        self._refused = 0

    def __repr__(self) -> str:
        return f"OtlpCollector({self._exporter.address}, exported={self.exported}, lost={self.lost})"

    @property
    def exported(self) -> int:
        """Spans that the collector has taken."""
        return self._exporter.exported

    @property
    def lost(self) -> int:
        """Spans that it has not, and those for which there was no room."""
        return self._refused + self._exporter.failed

    def send(self, span: FrameSpan) -> None:
        """Take a frame's span and those of its stages, or count them as lost. Some 70 us."""
        spans = 1 + len(span.stages)
        on_their_way = self._taken - self._exporter.exported - self._exporter.failed
        if on_their_way + spans > MOST_SPANS:
            self._refused += spans
            return
        self._taken += spans
        start = self._tracer.start_span
        whole = start(
            "framebatch.frame",
            context=_context(span.parent),
            kind=SpanKind.SERVER,
            attributes=span.attributes,
            start_time=span.start_unix_ns,
        )
        inside = set_span_in_context(whole)
        for name, start_ns, end_ns in span.stages:
            start(f"framebatch.{name}", context=inside, start_time=start_ns).end(end_ns)
        if span.error:
            whole.set_status(Status(StatusCode.ERROR, span.error))
        whole.end(span.end_unix_ns)

    def close(self, timeout_seconds: float = 1.0) -> None:
        """Send what there is; a collector that does not answer is waited for so long. Blocks."""
        flushing = threading.Thread(target=self._processor.force_flush, name="last spans", daemon=True)
        flushing.start()
        flushing.join(timeout_seconds)
        self._exporter.shutdown()  # first: it gives up waiting, and the processor ends at once
        self._provider.shutdown()


class _Counting(SpanExporter):
    """Counts what becomes of spans, and says when that changes. Runs on the SDK's thread."""

    def __init__(self, exporter: SpanExporter, address: str) -> None:
        self.address = address
        self.exported = 0
        self.failed = 0
        self._exporter = exporter
        self._failing = False
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch; blocks for `EXPORT_SECONDS` at most."""
        try:
            result = self._exporter.export(spans)
        except Exception:
            log.exception("traces: an export failed", extra=event("traces.raised", address=self.address))
            result = SpanExportResult.FAILURE
        failed = result is not SpanExportResult.SUCCESS
        if failed:
            self.failed += len(spans)
        else:
            self.exported += len(spans)
        if failed and not self._failing:
            log.warning(
                "traces: the collector at %s takes no spans; they are lost until it does",
                self.address,
                extra=event("traces.lost", address=self.address),
            )
        elif self._failing and not failed:
            log.info(
                "traces: the collector at %s takes spans again",
                self.address,
                extra=event("traces.resumed", address=self.address, lost=self.failed),
            )
        self._failing = failed
        return result

    def shutdown(self) -> None:
        """Once, whoever calls first."""
        if not self._closed:
            self._closed = True
            self._exporter.shutdown()


def _context(parent: TraceParent | None) -> Context:
    """Of the sender's trace, or of none."""
    if parent is None:
        return set_span_in_context(NonRecordingSpan(SpanContext(0, 0, is_remote=False)))
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    return set_span_in_context(
        NonRecordingSpan(SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags))
    )
