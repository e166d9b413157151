"""What do logs and traces cost? Servers of each kind in turn under the same open load on a simulated device.

Prints one JSON document: CPU time of the server a frame for each kind, and the median ratio to the plain one of the same round; and, in this process,
what one step costs: a frame that is not traced, one that is, a line of the log, a look for what begins and ends. These are the figures to compare: where
other work shares the machine, the servers of one round differ by more than what is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent import futures
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
import pictures
from bench_server import Load, measure
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc
from serving import Server

from framebatch.app.changes import Changes
from framebatch.frame import Frame, Outcome
from framebatch.logs import event
from framebatch.logs.lines import Human, Json
from framebatch.logs.stderr import MOST_A_MINUTE, Stderr
from framebatch.metrics import Metrics
from framebatch.tracing import Tracer
from framebatch.tracing.otlp import MOST_SPANS, OtlpCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN: Final = "human"
CALLS: Final = 200_000
CAMERAS: Final = 500


class _Sink(otlp_grpc.TraceServiceServicer):
    def Export(self, _: Any, __: Any) -> otlp.ExportTraceServiceResponse:  # noqa: N802 - gRPC's name
        """Take everything, keep nothing."""
        return otlp.ExportTraceServiceResponse()


def collect() -> None:
    """Be a collector until standard input ends; tells the address."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    otlp_grpc.add_TraceServiceServicer_to_server(_Sink(), server)  # type: ignore[no-untyped-call]
    print(f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)


@contextlib.contextmanager
def collector() -> Iterator[str]:
    """A collector in a process of its own."""
    command = [sys.executable, __file__, "--collector"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("a pipe was asked for")
        yield process.stdout.readline().strip()


def each_us(call: Callable[[], object], times: int) -> float:
    """CPU time of one call: of this thread, the best of five."""
    best = float("inf")
    for _ in range(5):
        begin = time.thread_time()
        for _ in range(times):
            call()
        best = min(best, time.thread_time() - begin)
    return round(1e6 * best / times, 3)


def answered_frame() -> Frame:
    """A frame that came through all stages."""
    frame = Frame(
        camera="camera-7", sequence=1, live=True, picture=None, arrival_ns=1, deadline_ns=99, reply=lambda _: None
    )
    frame.ready_ns, frame.started_ns, frame.finished_ns, frame.parsed_ns, frame.answered_ns = 2, 3, 4, 5, 6
    frame.outcome = Outcome.OK
    return frame


def of_steps(address: str) -> dict[str, float]:
    """What single steps cost."""
    frame, spans = answered_frame(), 5
    target = OtlpCollector(address, version="benchmark", period_seconds=600)
    never, always = Tracer(target, 0.0), Tracer(target, 1.0)
    found = {"frame_not_traced_us": each_us(lambda: never.answered(frame), CALLS)}
    begin = time.process_time()
    found["frame_traced_us"] = each_us(lambda: always.answered(frame), MOST_SPANS // spans // 5)
    if target.lost:
        raise RuntimeError(f"not every frame was traced: {target!r}")
    target.close(10.0)
    found["frame_traced_and_sent_us"] = round(1e6 * (time.process_time() - begin) * spans / target.exported, 3)
    for formatter in (Human(), Json()):
        handler = Stderr(formatter, stream=io.StringIO(), clock=time.monotonic_ns)
        record = logging.LogRecord(
            "framebatch.app.changes", logging.INFO, __file__, 1, "camera %s began", ("press-3",), None
        )
        vars(record).update(event("camera.began", camera="press-3"))
        kind = type(formatter).__name__.lower()
        found[f"line_{kind}_us"] = each_us(partial(handler.format, record), 10_000)
        for _ in range(MOST_A_MINUTE):
            handler.handle(record)
        found[f"line_{kind}_withheld_us"] = each_us(partial(handler.handle, record), 10_000)
        handler.close()
    metrics = Metrics(info={})
    cameras = [f"camera-{number}" for number in range(CAMERAS)]
    metrics.model("conveyor").answers.update({camera: dict.fromkeys(Outcome, 9) for camera in cameras})
    logging.getLogger("framebatch").setLevel(logging.ERROR)
    watch = Changes(streams=lambda: {camera: camera for camera in cameras}, counts=metrics.by_camera, serving=dict)
    watch.look(0)
    found[f"look_at_{CAMERAS}_cameras_us"] = each_us(partial(watch.look, 1), 50)
    return found


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=40)
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--deadline-ms", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run, after three that do not count")
    parser.add_argument("--device", default="sim:1.5,0.12")
    parser.add_argument("--rounds", type=int, default=6, help="of all kinds; 0: only the single steps")
    parser.add_argument("--collector", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.collector:
        collect()
        return
    with collector() as address:
        result = of_servers(arguments, address) if arguments.rounds else {}
        result["steps"] = of_steps(address)
    print(json.dumps(result, indent=2))


def of_servers(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """What servers of each kind take, in turn."""
    load = Load(
        fps=arguments.fps,
        deadline_ms=arguments.deadline_ms,
        seconds=arguments.seconds,
        frames=pictures.padded(8, side=32, total_bytes=10_000),
    )
    kinds = {
        PLAIN: 'log_format = "human"',
        "json": 'log_format = "json"',
        "traces, share 0": f'traces = "{address}"\ntraces_share = 0',
        "traces, share 0.01": f'traces = "{address}"\ntraces_share = 0.01',
    }
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {}
        for number, (kind, settings) in enumerate(kinds.items()):
            config = folder / f"{number}.toml"
            config.write_text(settings, encoding="utf-8")
            options = ("--model", "conveyor", "--device", arguments.device, "--profile", "off", "--config", str(config))
            servers[kind] = stack.enter_context(Server(*options))
        for _ in range(arguments.rounds):
            for kind, server in servers.items():
                rows[kind].append(measure(server, load, arguments.cameras)[1])
    cpu = {kind: [row["cpu_us_per_frame"]["server"] for row in found] for kind, found in rows.items()}
    return {
        "offered_fps": arguments.cameras * arguments.fps,
        "invalid_runs": sum(row["invalid"] is not None for found in rows.values() for row in found),
        "server_cpu_us_per_frame": cpu,
        "median_ratio": {
            kind: round(statistics.median(more / less for more, less in zip(found, cpu[PLAIN], strict=True)), 3)
            for kind, found in cpu.items()
            if kind != PLAIN
        },
    }


if __name__ == "__main__":
    main()
