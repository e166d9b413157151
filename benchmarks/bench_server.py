"""How much does the server add, and how many cameras fit? Open loop; an invalid run is refused, not reported.

    bench_server.py                 served throughput against an in-process loop over the same frames (the roofline)
    bench_server.py --capacity      on a simulated device: the largest fleet that misses at most 1 % (median of three
                                    runs a size), then 1.5 times the device's limit

Frames count as good when their detections arrive within the deadline, counted from when the frame was due. Where a run
is invalid because this generator fell behind, it is repeated, and after three times reported as invalid.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import openloop
import pictures
from serving import Server

from framebatch.detection.loading import load_detector
from framebatch.device.devices import parse_device
from framebatch.frame import EncodedPicture
from framebatch_models import find

TRIES: Final = 3
RUNS: Final = 3
MISS_SHARE: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class Load:
    """What every camera sends."""

    fps: float
    deadline_ms: float
    seconds: float
    frames: list[bytes]


def measure(server: Server, load: Load, cameras: int) -> tuple[openloop.Result, dict[str, Any]]:
    """One valid run, or the last of three invalid ones; prints a line."""
    for _ in range(TRIES):
        before = server.cpu()
        result = openloop.run(
            server.address,
            cameras=cameras,
            fps=load.fps,
            deadline_ms=load.deadline_ms,
            seconds=load.seconds,
            pictures=load.frames,
        )
        after = server.cpu()
        if result.problem is None:
            break
    carried = result.sent * (load.seconds + openloop.WARM_SECONDS) / load.seconds
    row = {
        "cameras": cameras,
        "offered_fps": round(cameras * load.fps),
        "goodput_fps": round(result.goodput_fps, 1),
        "misses": round(result.miss_share, 4),
        "p50_ms": round(result.latency(0.5) * 1e3, 1),
        "p99_ms": round(result.latency(0.99) * 1e3, 1),
        "mean_batch": round(len(result.batch_sizes) / sum(1 / b for b in result.batch_sizes), 1)
        if result.batch_sizes
        else 0,
        "unanswered": result.unanswered,
        "outcomes": dict(result.outcomes),
        "cpu_us_per_frame": {
            "server": round(1e6 * (after[0] - before[0]) / carried),
            "decoders": round(1e6 * (after[1] - before[1]) / carried),
            "generator": round(1e6 * result.cpu_seconds / result.sent),
        },
        "invalid": result.problem,
    }
    print(json.dumps(row), file=sys.stderr, flush=True)
    return result, row


def median_run(server: Server, load: Load, cameras: int) -> dict[str, Any]:
    """The run with the median share of misses out of three; an invalid run counts as one that missed everything."""
    rows = [measure(server, load, cameras)[1] for _ in range(RUNS)]
    return sorted(rows, key=lambda row: (row["invalid"] is not None, row["misses"]))[RUNS // 2]


def server_options(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Of the server under test, which measures briefly: the batch is chosen here, and no run of a profile's own."""
    model, device, most = arguments.model, arguments.device, str(arguments.max_batch)
    return ("--model", model, "--device", device, "--profile", "off", "--max-batch", most)


def capacity(arguments: argparse.Namespace) -> dict[str, Any]:
    """Bisect the number of cameras, to 2 % of the device's limit."""
    device = parse_device(arguments.device)
    load = Load(
        fps=arguments.fps,
        deadline_ms=arguments.deadline_ms,
        seconds=arguments.seconds,
        frames=pictures.padded(8, side=arguments.side, total_bytes=arguments.bytes),
    )
    limit_fps = max(b / (device.alpha_ns + device.beta_ns * b) for b in range(1, arguments.max_batch + 1)) * 1e9
    limit = int(limit_fps / load.fps)
    rows: dict[int, dict[str, Any]] = {}
    options = server_options(arguments)
    with Server(*options) as server:
        low, high = 0, limit + 1
        while high - low > max(1, limit // 50):
            middle = (low + high) // 2
            rows[middle] = median_run(server, load, middle)
            if rows[middle]["invalid"] is None and rows[middle]["misses"] <= MISS_SHARE:
                low = middle
            else:
                high = middle
        overload = median_run(server, load, round(1.5 * limit))
    return {
        "device": server.facts["device"],
        "device_limit": {"cameras": limit, "fps": round(limit_fps)},
        "capacity_cameras": low,
        "at_capacity": rows.get(low),
        "overload_1.5x": overload,
    }


def roofline(arguments: argparse.Namespace) -> dict[str, Any]:
    """Served goodput against the same frames in a plain loop: decode, batch, run, post; ratio of medians."""
    frames = pictures.scenes(32)
    path = find(arguments.model) if not Path(arguments.model).exists() else Path(arguments.model)
    detector = load_detector(path, device=parse_device(arguments.device), max_batch=arguments.max_batch)
    loops = [plain_loop(detector, frames, arguments.max_batch, arguments.seconds) for _ in range(TRIES)]
    detector.close()
    plain_fps = statistics.median(loops)
    options = server_options(arguments)
    rows = []
    with Server(*options) as server:
        for share in (0.5, 0.7, 0.8, 0.9, 1.0, 1.2):
            cameras = max(1, round(share * plain_fps / arguments.fps))
            load = Load(fps=arguments.fps, deadline_ms=arguments.deadline_ms, seconds=arguments.seconds, frames=frames)
            _, row = measure(server, load, cameras)
            rows.append(row)
    valid = [row["goodput_fps"] for row in rows if row["invalid"] is None]
    best = max(valid, default=None)
    return {
        "device": server.facts["device"],
        "plain_loop_fps": round(plain_fps, 1),
        "served_goodput_fps": best,
        "share_of_roofline": round(best / plain_fps, 3) if best else None,
        "runs": rows,
    }


def plain_loop(detector: Any, frames: list[bytes], batch: int, seconds: float) -> float:
    """Frames a second of one thread that decodes a batch, runs it, and starts over."""
    count = 0
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        chunk = [EncodedPicture(frames[(count + place) % len(frames)]) for place in range(batch)]
        detector.detect([detector.prepare(picture, None) for picture in chunk])
        count += batch
    return count / (time.monotonic() - begin)


def main() -> None:
    """Parse, run, print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--capacity", action="store_true", help="find the largest fleet instead of the roofline")
    parser.add_argument("--model", default="conveyor")
    parser.add_argument("--device", help="default: sim:1.5,0.12 with --capacity, else cpu")
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--deadline-ms", type=float, help="default: 50 with --capacity, else 500")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run, after three that do not count")
    parser.add_argument("--max-batch", type=int, help="default: 64 with --capacity, else 8")
    parser.add_argument("--bytes", type=int, default=60_000, help="of a message with --capacity")
    parser.add_argument("--side", type=int, default=32, help="of the picture in it, in pixels")
    arguments = parser.parse_args()
    defaults = ("sim:1.5,0.12", 50.0, 64) if arguments.capacity else ("cpu", 500.0, 8)
    arguments.device = arguments.device or defaults[0]
    arguments.deadline_ms = arguments.deadline_ms or defaults[1]
    arguments.max_batch = arguments.max_batch or defaults[2]
    print(json.dumps(capacity(arguments) if arguments.capacity else roofline(arguments), indent=2))


if __name__ == "__main__":
    main()
