"""framebatch.tracing.otlp and .app.traces: a real server's spans in a real receiver of OTLP."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Self

import grpc.aio
import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc

from framebatch.app import App
from framebatch.app.traces import traces_of
from framebatch.config import Config
from framebatch.errors import UsageError
from framebatch.tracing.otlp import MOST_SPANS, OtlpCollector
from framebatch.tracing.spans import FrameSpan, Stage
from framebatch_client import AsyncClient
from framebatch_models import find
from framebatch_proto.v1 import detector_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

PICTURE = np.zeros((24, 32, 3), np.uint8)
TRACE, PARENT = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
HEADER = f"00-{TRACE:032x}-{PARENT:016x}-01"
NOWHERE = "http://127.0.0.1:1"


class Receiver(otlp_grpc.TraceServiceServicer):
    """The collector's end: a real gRPC server that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resource: dict[str, str] = {}
        self._server = grpc.aio.server()
        otlp_grpc.add_TraceServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        self.address = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    async def Export(self, request: otlp.ExportTraceServiceRequest, _: Any) -> otlp.ExportTraceServiceResponse:  # noqa: N802
        """Keep them."""
        for resource in request.resource_spans:
            self.resource = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return otlp.ExportTraceServiceResponse()

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(0)

    def frames(self) -> list[tuple[Span, dict[str, Span]]]:
        """Answer the frames' spans, each with those of its stages by name."""
        wholes = [span for span in self.spans if span.name == "framebatch.frame"]
        return [
            (whole, {span.name: span for span in self.spans if span.parent_span_id == whole.span_id})
            for whole in wholes
        ]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Answer a collector."""
    async with Receiver() as receiver:
        yield receiver


def attributes(span: Span) -> dict[str, object]:
    """Answer plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in span.attributes}


def make(**settings: Any) -> App:
    """Answer a server on a simulated device."""
    free = {"port": 0, "http_port": 0, "decoders": 1, "drain_seconds": 1.0, "traces_share": 1.0}
    return App(Config(model="conveyor", device="sim:1,0.1", **{**free, **settings}), find("conveyor"))


def address_of(app: App) -> str:
    """Answer where frames go."""
    return app.ready_line.split()[1].partition("=")[2]


async def exported(app: App, *, spans: int) -> None:
    """Wait until the collector has taken so many."""
    assert app._traces is not None
    while app._traces.collector.exported < spans:  # noqa: ASYNC110 - a thread counts
        await asyncio.sleep(0.02)


# A real run -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("restored_interpreter")
async def test_a_collector_receives_what_the_answers_tell(receiver: Receiver) -> None:
    """The frame and its four stages, with the names, parents and times of the answer's own timing; also of frames refused."""
    app = make(traces=receiver.address)
    await app.start()
    async with AsyncClient(address_of(app)) as client:
        answer = await client.detect(PICTURE, deadline_ms=20_000, camera="press-3", sequence=8)
        await client.detect(PICTURE, deadline_ms=20_000, camera="press-4", model="other")
    await exported(app, spans=6)
    await app.stop()
    assert app._traces is not None
    assert (app._traces.collector.exported, app._traces.collector.lost) == (6, 0)
    assert receiver.resource["service.name"] == "framebatch"
    (whole, stages), (refused, none) = sorted(receiver.frames(), key=lambda each: each[0].start_time_unix_nano)
    told = attributes(whole)
    assert (told["framebatch.camera"], told["framebatch.outcome"], told["framebatch.batch_size"]) == (
        "press-3",
        "OK",
        1,
    )
    assert (whole.parent_span_id, len(whole.trace_id), {span.trace_id for span in stages.values()}) == (
        b"",
        16,
        {whole.trace_id},
    )
    timing = answer.timing  # float32 on the wire
    for name in ("decode", "queue", "device", "post"):
        span = stages[f"framebatch.{name}"]
        assert span.end_time_unix_nano - span.start_time_unix_nano == pytest.approx(
            getattr(timing, name) * 1e9, rel=1e-6
        )
    assert whole.end_time_unix_nano - whole.start_time_unix_nano == pytest.approx(timing.total * 1e9, rel=1e-6)
    spans = sorted(stages.values(), key=lambda span: span.start_time_unix_nano)
    assert spans[0].start_time_unix_nano == whole.start_time_unix_nano
    assert spans[-1].end_time_unix_nano <= whole.end_time_unix_nano
    assert [span.start_time_unix_nano for span in spans[1:]] == [span.end_time_unix_nano for span in spans[:-1]]
    assert (attributes(refused)["framebatch.outcome"], none) == ("INVALID", {})


@pytest.mark.usefixtures("restored_interpreter")
async def test_the_senders_trace_goes_on_in_the_server(receiver: Receiver) -> None:
    """Given with a call, and with a stream for all of its frames; whatever the server's own share is."""
    app = make(traces=receiver.address, traces_share=0.0)
    await app.start()
    encoded = pb.Frame(
        camera="press", raw=pb.RawPicture(pixels=bytes(64), width=8, height=8, layout=pb.PIXEL_LAYOUT_GRAY)
    )
    request = encoded.SerializeToString()
    async with grpc.aio.insecure_channel(address_of(app)) as channel:
        detect: Any = channel.unary_unary("/framebatch.v1.Detector/Detect")
        await detect(request, metadata=(("traceparent", HEADER),), timeout=20)
        await detect(request, timeout=20)
        call: Any = channel.stream_stream("/framebatch.v1.Detector/DetectStream")(
            metadata=(("traceparent", HEADER),), timeout=20
        )
        for _ in range(2):
            await call.write(request)
            await call.read()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    await exported(app, spans=15)
    await app.stop()
    parents = [(whole.trace_id, whole.parent_span_id) for whole, _ in receiver.frames()]
    assert parents == [(TRACE.to_bytes(16, "big"), PARENT.to_bytes(8, "big"))] * 3


@pytest.mark.usefixtures("restored_interpreter")
async def test_a_collector_that_is_away_costs_spans_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """Frames are answered, the server stops in time, spans are counted as lost, and the log says so."""
    app = make(traces=NOWHERE)
    await app.start()
    assert app._traces is not None
    async with AsyncClient(address_of(app)) as client:
        answers = await asyncio.gather(*(client.detect(PICTURE, deadline_ms=20_000) for _ in range(20)))
    assert {str(answer.outcome) for answer in answers} == {"OK"}
    await app.stop()
    collector = app._traces.collector
    assert (collector.exported, collector.lost) == (0, 100)
    assert repr(app._traces).endswith(f"OtlpCollector({NOWHERE}, exported=0, lost=100)))")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("framebatch")]
    assert lines == [f"traces: the collector at {NOWHERE} takes no spans; they are lost until it does"]


async def test_the_queue_is_bounded() -> None:
    """What finds no room is counted, and so is what waits in vain."""
    collector = OtlpCollector(NOWHERE, version="1")
    span = FrameSpan(1, 9, {}, "", tuple(Stage(name, 1, 2) for name in "abcd"), None)
    for _ in range(MOST_SPANS // 5 + 10):
        collector.send(span)
    assert (collector.exported, collector.lost) == (0, 50)
    await asyncio.to_thread(collector.close, 0.0)
    assert (collector.exported, collector.lost) == (0, MOST_SPANS // 5 * 5 + 50)


async def test_what_went_wrong_is_an_error_to_the_collector(receiver: Receiver) -> None:
    """With the reason that the camera was told."""
    collector = OtlpCollector(receiver.address, version="1")
    collector.send(FrameSpan(1, 9, {}, "the deadline came", (), None))
    await asyncio.to_thread(collector.close, 20.0)
    ((whole, _),) = receiver.frames()
    assert (whole.status.code, whole.status.message) == (whole.status.STATUS_CODE_ERROR, "the deadline came")


# Settings ---------------------------------------------------------------------------------------------------------


def test_without_an_address_nothing_is_imported() -> None:
    """Whoever does not trace needs no library for it."""
    assert traces_of(Config(model="conveyor")) is None


def test_a_missing_library_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong usage, before anything is loaded."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    monkeypatch.delitem(sys.modules, "framebatch.tracing.otlp")
    with pytest.raises(
        UsageError, match=r"setting 'traces' is .* is not installed; pip install 'framebatch\[traces\]'"
    ):
        traces_of(Config(model="conveyor", traces=NOWHERE))


@pytest.mark.parametrize(
    "address", ["collector", "collector:4317", "http://user:word@host:4317", "http://host", "ftp://host:1"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """With an example, and where a password would be shown."""
    with pytest.raises(ValueError, match=r"such as http://127.0.0.1:4317"):
        Config(model="conveyor", traces=address)
