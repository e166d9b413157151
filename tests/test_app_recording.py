"""A recording of a running server holds what its clients saw: every frame once, with the outcome it was answered with."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import grpc.aio
import numpy as np
import pytest

from framebatch import __version__
from framebatch.app import App
from framebatch.config import Config
from framebatch.errors import UsageError
from framebatch.recording import Decided, Recording, read_recording
from framebatch.recording.files import files_of, recordings_in
from framebatch_client import AsyncClient
from framebatch_models import find
from framebatch_proto.v1 import detector_pb2 as pb
from framebatch_proto.v1 import detector_pb2_grpc

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),  # one loop: gRPC speaks to loops that are gone, otherwise
    pytest.mark.usefixtures("restored_interpreter"),
]
PICTURE = np.zeros((24, 32, 3), np.uint8)

Seen = Counter[tuple[str, int, str]]
"""Camera, sequence number and outcome."""


def make(**settings: Any) -> App:
    """Answer an app on a simulated device that is too slow for all that is sent here."""
    settings = {"port": 0, "http_port": 0, "decoders": 1, "drain_seconds": 1.0} | settings
    return App(Config(model="conveyor", device="sim:20,5", **settings), find("conveyor"))


def address(app: App) -> str:
    """Answer where gRPC is."""
    return app.ready_line.split()[1].removeprefix("grpc=")


async def play(client: AsyncClient, camera: str, **options: Any) -> Seen:
    """Send 40 frames as fast as the camera would, and answer what became of them."""
    seen: Seen = Counter()
    stream = client.stream(camera=camera, fps=100, **options)
    await stream.run([PICTURE] * 40, on_answer=lambda answer: seen.update([(camera, answer.sequence, answer.outcome)]))
    return seen


async def send_alone(app: App, *frames: pb.Frame) -> Seen:
    """Send frames in calls of their own, and answer what became of them."""
    seen: Seen = Counter()
    async with grpc.aio.insecure_channel(address(app)) as channel:
        stub = detector_pb2_grpc.DetectorStub(channel)
        for frame in frames:
            answer = await stub.Detect(frame)
            outcome = pb.Outcome.Name(answer.outcome).removeprefix("OUTCOME_")
            seen.update([(frame.camera, frame.sequence, outcome)])
    return seen


async def run(app: App) -> Seen:
    """Start the app, let cameras of all kinds send, stop it, and answer what they saw."""
    await app.start()
    async with AsyncClient(address(app)) as client:
        seen = await asyncio.gather(
            *(play(client, f"inspect-{number}", deadline_ms=80, mode="inspect") for number in range(3)),
            play(client, "live", deadline_ms=5_000, mode="live"),
            send_alone(
                app,
                pb.Frame(camera="broken", sequence=1, encoded=b"no picture"),
                pb.Frame(camera="broken", sequence=2, model="nowhere"),
                pb.Frame(camera="hasty", sequence=2**64 - 1, raw=raw(), deadline_ms=0.01),
            ),
        )
    queue, batcher = app._queue, app.repository.serving["conveyor"].batcher
    assert queue is not None
    await queue.finished_for(batcher._dispatch)  # batches whose frames have expired meanwhile
    await app.stop()
    return sum(seen, Counter())


def raw() -> pb.RawPicture:
    """Answer a small picture."""
    return pb.RawPicture(pixels=bytes(48), width=4, height=4, layout=pb.PIXEL_LAYOUT_BGR)


def check_batches(found: Recording) -> None:
    """Decisions, batches and frames tell the same story."""
    runs = [each.frames for each in found.decisions if each.decided is Decided.RUN]
    assert runs == [batch.frames for batch in found.batches]
    on_device = Counter(frame.dispatched_ns for frame in found.frames if frame.dispatched_ns)
    assert on_device == {batch.dispatched_ns: batch.frames for batch in found.batches}
    answered = {
        (frame.dispatched_ns, frame.started_ns, frame.finished_ns) for frame in found.frames if frame.started_ns
    }
    assert answered <= {(batch.dispatched_ns, batch.started_ns, batch.finished_ns) for batch in found.batches}
    shed = sum(each.frames for each in found.decisions if each.decided is Decided.SHED)
    assert shed <= sum(frame.outcome == "EXPIRED" for frame in found.frames)


async def test_a_recording_is_what_the_clients_saw(tmp_path: Path) -> None:
    """Every frame once, with its outcome; the server's own first pictures are not among them; nothing is lost."""
    app = make(record=tmp_path)
    seen = await run(app)
    found = read_recording(tmp_path)
    assert Counter((frame.camera, frame.sequence, str(frame.outcome)) for frame in found.frames) == seen
    assert Counter(str(frame.outcome) for frame in found.frames) == app.metrics.totals()
    assert {"OK", "INVALID", "REJECTED", "SUPERSEDED"} <= {outcome for _, _, outcome in seen}
    check_batches(found)
    assert (found.lost, found.framebatch) == (0, __version__)
    (model,) = found.models
    assert (model.name, model.device, model.decoders) == ("conveyor", "sim 20+5b ms (simulated)", 1)
    assert model.service_ns == tuple(1_000_000 * (20 + 5 * bucket) for bucket in model.buckets)
    exposed = app.metrics.exposition().decode()
    written = len(found.frames) + len(found.batches) + len(found.decisions)
    assert f'framebatch_recording_records_total{{result="written"}} {written:.1f}' in exposed
    assert 'framebatch_recording_records_total{result="lost"} 0.0' in exposed
    size = sum(path.stat().st_size for path in files_of(recordings_in(tmp_path)[0]))
    assert float(exposed.partition("\nframebatch_recording_bytes ")[2].split()[0]) == size


async def test_each_start_makes_a_recording_of_its_own(tmp_path: Path) -> None:
    """The newest is read; nothing that a folder holds stands in the way of another start."""
    for sequence in (1, 2):
        app = make(record=tmp_path)
        await app.start()
        await send_alone(app, pb.Frame(camera="press", sequence=sequence, raw=raw()))
        await app.stop()
    older, newer = recordings_in(tmp_path)
    assert [frame.sequence for frame in read_recording(older).frames] == [1]
    assert read_recording(tmp_path) == read_recording(newer)
    assert [frame.sequence for frame in read_recording(newer).frames] == [2]


async def test_nothing_is_recorded_unless_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, no series, nobody who watches."""
    monkeypatch.chdir(tmp_path)
    app = make()
    await app.start()
    batcher = app.repository.serving["conveyor"].batcher
    await app.stop()
    assert (batcher._answers.observer, batcher._dispatch.observer) == (None, None)
    assert "framebatch_recording" not in app.metrics.exposition().decode()
    assert recordings_in(tmp_path) == []


async def test_a_folder_that_cannot_be_written_ends_the_start(tmp_path: Path) -> None:
    """Before a model is loaded."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"setting 'record' is .*/file/here: cannot be written: Not a directory; name"):
        make(record=tmp_path / "file" / "here")
