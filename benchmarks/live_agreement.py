"""Does a live server do what the simulator says? The same load live, replayed from its recording, and planned.

    live_agreement.py                        sim:6,3 at 10 frames a second a camera, 150 ms, three loads, three runs each
    live_agreement.py --device sim:1.5,0.12 --fps 20 --deadline-ms 50 --loads 0.1

Live: a real server on a simulated device, sent small pictures over real connections, counted from its own recording.
Replayed: the recorded frames through the simulator, with the times that this machine took around the device. Planned: a
fleet of so many cameras on the machine that `framebatch plan` assumes, nothing known of the run. Runs in which the load
generator fell behind are repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import openloop
import pictures
from serving import Server

from framebatch.clock import SECOND_NS, ms_to_ns
from framebatch.device.devices import parse_device
from framebatch.planning.figures import Figures, figures
from framebatch.planning.fleet import Fleet
from framebatch.planning.replay import replay
from framebatch.planning.service import DeviceModel
from framebatch.planning.simulation import Simulation
from framebatch.recording import read_recording
from framebatch.scheduling import Policy, PolicyOptions, ServiceEstimate

if TYPE_CHECKING:
    from framebatch.planning.replay import Replay

TRIES: Final = 3
WARM_NS: Final = round(openloop.WARM_SECONDS * SECOND_NS)
SIDE: Final = 32
PICTURE_BYTES: Final = 4000


def limit_fps(device: DeviceModel, deadline_ns: int) -> float:
    """What the device can do in batches that take less than a deadline."""
    sizes = device.table.by_size_ns
    return max(size / sizes[size] for size in device.table.buckets if sizes[size] < deadline_ns) * SECOND_NS


def live(arguments: argparse.Namespace, cameras: int) -> tuple[Replay, openloop.Result]:
    """One run against a fresh server, and its replay."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--device", arguments.device, "--profile", "off", "--record", folder)
        for _ in range(TRIES):
            with Server("--model", "conveyor", *options) as server:
                result = openloop.run(
                    server.address,
                    cameras=cameras,
                    fps=arguments.fps,
                    deadline_ms=arguments.deadline_ms,
                    seconds=arguments.seconds,
                    pictures=pictures.padded(8, side=SIDE, total_bytes=PICTURE_BYTES),
                )
            if result.problem is None:
                break
            print(f"repeated: {result.problem}", file=sys.stderr)
        return replay(read_recording(Path(folder)), from_ns=WARM_NS), result


def planned(arguments: argparse.Namespace, device: DeviceModel, cameras: int) -> Figures:
    """The same fleet, from its description alone."""
    fleet = Fleet(
        cameras=cameras,
        fps=arguments.fps,
        deadline_ns=ms_to_ns(arguments.deadline_ms),
        spacing_ns=round(SECOND_NS / arguments.fps / cameras),
        jitter=0.0,
    )
    until_ns = WARM_NS + round(arguments.seconds * SECOND_NS)
    frames = fleet.frames(until_ns, seed=1)
    policy = Policy(ServiceEstimate(device.table, spread=device.spread), options=PolicyOptions(fair=True))
    simulation = Simulation(frames, policy=policy, device=device, seed=1)
    simulation.play()
    return figures(frames, simulation.batches, from_ns=WARM_NS, until_ns=until_ns)


def compare(arguments: argparse.Namespace, device: DeviceModel, load: float) -> dict[str, Any]:
    """All runs at one load, and the medians of how far the simulator is off, in points of the frames sent."""
    cameras = max(1, round(load * limit_fps(device, ms_to_ns(arguments.deadline_ms)) / arguments.fps))
    plan = planned(arguments, device, cameras)
    runs: list[dict[str, Any]] = []
    for _ in range(arguments.runs):
        played, result = live(arguments, cameras)
        runs.append(
            {
                "live": asdict(played.live),
                "replayed": asdict(played.simulated),
                "replayed_apart": played.points_apart,
                "planned_apart": 100 * (played.live.miss_rate - plan.miss_rate),
                "seen_by_cameras_fps": result.goodput_fps,
                "before_ms": played.host.before.mean_ns / 1e6,
                "after_ms": played.host.after.mean_ns / 1e6,
                "decode_ms": played.host.decode.mean_ns / 1e6,
                "departures": played.departures,
                "processor_load": os.getloadavg()[0],
                "invalid": result.problem,
            }
        )
        print(row(f"{load:g}, {cameras} cameras", runs[-1], plan), flush=True)
    medians = {
        key: statistics.median(run[key] for run in runs)
        for key in ("replayed_apart", "planned_apart", "processor_load")
    }
    return {"load": load, "cameras": cameras, "planned": asdict(plan), "runs": runs, "median": medians}


def row(name: str, run: dict[str, Any], plan: Figures) -> str:
    """One run, in a line for people."""
    was, again = run["live"], run["replayed"]
    good = [figure["good"] / figure["seconds"] for figure in (was, again)]
    return (
        f"| {name} | {good[0]:.1f} | {good[1]:.1f} ({run['replayed_apart']:+.2f}) | {plan.goodput_fps:.1f} "
        f"({run['planned_apart']:+.2f}) | {was['p50_ms']:.0f} / {again['p50_ms']:.0f} / {plan.p50_ms:.0f} "
        f"| {was['p99_ms']:.0f} / {again['p99_ms']:.0f} / {plan.p99_ms:.0f} "
        f"| {was['mean_batch']:.1f} / {again['mean_batch']:.1f} / {plan.mean_batch:.1f} "
        f"| {run['before_ms']:.1f} | {run['after_ms']:.1f} | {run['processor_load']:.1f} |"
    )


def main() -> int:
    """Parse, run, print; 1 when a median is more than 2 points off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="sim:6,3")
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--deadline-ms", type=float, default=150.0)
    parser.add_argument("--loads", type=float, nargs="+", default=[0.6, 0.95, 1.5], help="of the device's limit")
    parser.add_argument("--runs", type=int, default=3, help="at each load")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run, after three that do not count")
    parser.add_argument("--json", type=Path, metavar="FILE", help="everything, also written there")
    arguments = parser.parse_args()
    device = DeviceModel.of_simulated(parse_device(arguments.device))
    print(
        "| load | live, frames/s | replayed (points) | planned (points) | p50 ms | p99 ms | batch | before ms | after ms |"
        " processor load |"
    )
    print("|" + " --- |" * 10)
    found = [compare(arguments, device, load) for load in arguments.loads]
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))
    for each in found:
        print(json.dumps({"load": each["load"], "cameras": each["cameras"], **each["median"]}))
    return int(any(abs(each["median"]["replayed_apart"]) > 2 for each in found))


if __name__ == "__main__":
    sys.exit(main())
