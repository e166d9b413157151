"""What does recording cost? Two servers, with and without it, in turn under the same open load on a simulated device.

Prints one JSON document: CPU time of the server a frame, with and without, and the median ratio of neighbouring runs; bytes on disk a frame and for
an hour at this rate; and, of the last recording, CPU time a frame for recording it once more in this process and for reading it. The
former is the figure to compare: where other work shares the machine, neighbouring runs differ by more than that.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import tracemalloc
import zlib
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import pictures
from bench_server import Load, measure
from serving import Server

from framebatch.app.recorder import Recorder
from framebatch.frame import Frame
from framebatch.recording import (
    BatchRecord,
    Decided,
    DecisionRecord,
    FrameRecord,
    Recording,
    RecordingWriter,
    read_recording,
)
from framebatch.recording.codec import encode
from framebatch.recording.writer import BLOCK_RECORDS
from framebatch.scheduling import Decision, Run, Shed, WaitUntil

REPEATS: Final = 10
FEW: Final = 20


def cpu_us(rows: list[dict[str, Any]]) -> list[int]:
    """Of the server, a frame, in each run."""
    return [row["cpu_us_per_frame"]["server"] for row in rows]


def packed_otherwise(recording: Recording) -> dict[str, float]:
    """Bytes a frame in blocks of few records, as at some frames a second, and as compressed lines of JSON."""
    records: list[FrameRecord | BatchRecord | DecisionRecord]
    records = [*recording.frames, *recording.batches, *recording.decisions]
    records.sort(key=lambda each: each.time_ns if isinstance(each, DecisionRecord) else each.dispatched_ns)
    frames = len(recording.frames)
    small = sum(len(encode(records[at : at + FEW], first=at)) for at in range(0, len(records), FEW))
    begin = time.thread_time()
    lines = zlib.compress("\n".join(map(json.dumps, records)).encode(), 3)
    return {
        f"bytes_per_frame_in_blocks_of_{FEW}": round(small / frames, 1),
        "bytes_per_frame_as_json_lines": round(len(lines) / frames, 1),
        "cpu_us_per_frame_as_json_lines": round(1e6 * (time.thread_time() - begin) / frames, 2),
    }


def read_again_bytes(path: Path) -> int:
    """Memory that a recording takes once it is read, a frame."""
    tracemalloc.start()
    recording = read_recording(path)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size // len(recording.frames)


def recorded_again_us(recording: Recording, folder: Path) -> float:
    """CPU time for recording all of it once more, from the calls that batchers make to the files: a frame."""
    model = recording.models[0].name
    writer = RecordingWriter(folder, max_bytes=1 << 30, version="benchmark")
    writer.start()
    recorder = Recorder(model, writer.add)
    told = [*((frame.answered_ns, partial(recorder.answered, frame_of(frame))) for frame in recording.frames)]
    for batch in recording.batches:
        times = {field: getattr(batch, field) for field in ("dispatched_ns", "started_ns", "finished_ns")}
        told.append((batch.finished_ns, partial(recorder.ran, rows=batch.frames, bucket=batch.bucket, **times)))
    for each in recording.decisions:
        decision: Decision = WaitUntil(each.time_ns)
        if each.decided is not Decided.WAIT:
            decision = Run(each.frames, each.frames) if each.decided is Decided.RUN else Shed(each.frames)
        counts = {field: getattr(each, field) for field in ("time_ns", "start_ns", "waiting", "preparing")}
        told.append((each.time_ns, partial(recorder.decided, decision, **counts)))
    calls = [call for _, call in sorted(told, key=itemgetter(0))]
    begin = time.process_time()
    for _ in range(REPEATS):
        for at in range(0, len(calls), BLOCK_RECORDS):
            for call in calls[at : at + BLOCK_RECORDS]:
                call()
            writer.flush()
    seconds = time.process_time() - begin
    writer.close()
    if writer.lost:
        raise RuntimeError(f"not everything was written: {writer!r}")
    return 1e6 * seconds / REPEATS / len(recording.frames)


def frame_of(record: FrameRecord) -> Frame:
    """A frame that has this record."""
    given = {field: getattr(record, field) for field in ("camera", "sequence", "live", "arrival_ns", "deadline_ns")}
    frame = Frame(**given, picture=None, reply=lambda _: None)
    for field in ("rows", "ready_ns", "dispatched_ns", "started_ns", "finished_ns", "answered_ns", "batch_size"):
        setattr(frame, field, getattr(record, field))
    frame.outcome = record.outcome
    return frame


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=40)
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--deadline-ms", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run, after three that do not count")
    parser.add_argument("--device", default="sim:1.5,0.12")
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    load = Load(
        fps=arguments.fps,
        deadline_ms=arguments.deadline_ms,
        seconds=arguments.seconds,
        frames=pictures.padded(8, side=32, total_bytes=10_000),
    )
    options = ("--model", "conveyor", "--device", arguments.device, "--profile", "off")
    without: list[dict[str, Any]] = []
    recorded: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Server(*options) as plain, Server(*options, "--record", name) as recording_server:
            for _ in range(arguments.rounds):
                without.append(measure(plain, load, arguments.cameras)[1])
                recorded.append(measure(recording_server, load, arguments.cameras)[1])
        newest = max(path for path in folder.iterdir() if path.is_dir())
        size = sum(path.stat().st_size for path in newest.iterdir())
        begin = time.thread_time()
        recording = read_recording(newest)
        read_seconds = time.thread_time() - begin
        read_bytes = read_again_bytes(newest)
        again_us = recorded_again_us(recording, folder / "again")
    frames = len(recording.frames)
    ratios = [more / less for more, less in zip(cpu_us(recorded), cpu_us(without), strict=True)]
    result = {
        "offered_fps": arguments.cameras * arguments.fps,
        "invalid_runs": sum(row["invalid"] is not None for row in (*without, *recorded)),
        "server_cpu_us_per_frame": {"without": cpu_us(without), "recording": cpu_us(recorded)},
        "median_ratio": round(statistics.median(ratios), 3),
        "mean_batch": recorded[-1]["mean_batch"],
        "frames": frames,
        "records_per_frame": round((frames + len(recording.batches) + len(recording.decisions)) / frames, 2),
        "lost": recording.lost,
        "bytes_per_frame": round(size / frames, 1),
        "mb_per_hour": round(size / frames * arguments.cameras * arguments.fps * 3600 / 1e6, 1),
        "recording_cpu_us_per_frame": round(again_us, 2),
        "read_cpu_us_per_frame": round(1e6 * read_seconds / frames, 2),
        "read_memory_bytes_per_frame": read_bytes,
        **packed_otherwise(recording),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
