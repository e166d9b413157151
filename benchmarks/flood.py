"""Do cameras keep their answers while somebody floods both ports? A real server, real streams, and idle connections by the thousand.

    flood.py                                       10,000 connections at each port, settings as they are by default
    flood.py --http 0 --set max_connections=12000  all of the 10,000 are let in

Runs within a network namespace of its own where it may make one (`unshare --net`), else on the loopback. Cameras stream from
before the flood until after it; their share of frames answered OK within the deadline is told for each phase, with the
server's memory, descriptors and CPU. The flood opens again what the server closes, `--rate` a second for each port. Fails
where less than 99 % are answered in a phase; refuses to report when this generator could not keep its own schedule.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import multiprocessing
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import floods
import openloop
import pictures
from serving import Server

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PHASES: Final = ("before", "during", "after")
PLENTY: Final = 0.99
SIOCGIFFLAGS: Final = 0x8913
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 1
LOOK_SECONDS: Final = 0.5


def loopback_up() -> None:
    """In a new namespace even the loopback is down."""
    with socket.socket() as sock:
        name = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(sock, SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def enter_namespace() -> None:
    """Start this program anew in a network of its own, where that is allowed and was not done."""
    unshare = shutil.which("unshare")
    if "FLOOD_ALONE" in os.environ or unshare is None:
        return
    if subprocess.run([unshare, "--net", "true"], check=False, capture_output=True).returncode:
        return
    os.environ["FLOOD_ALONE"] = "1"
    os.execv(unshare, [unshare, "--net", sys.executable, *sys.argv])  # noqa: S606 - the same program


def stream(address: tuple[str, int], arguments: argparse.Namespace, pipe: Connection) -> None:
    """All cameras, in a process of their own."""
    seconds = sum(arguments.seconds)
    frames = pictures.scenes(8)
    pipe.send("ready")
    result = openloop.run(
        address,
        cameras=arguments.cameras,
        fps=arguments.fps,
        deadline_ms=arguments.deadline_ms,
        seconds=seconds,
        pictures=frames,
    )
    pipe.send(result)


def watch(server: Server, until: float) -> dict[str, float]:
    """The most that the server took until then, and its CPU as a share of one core."""
    pid = server.process.pid
    begun, cpu = time.monotonic(), server.cpu()[0]
    most = {"descriptors": 0.0, "memory_mb": 0.0}
    while time.monotonic() < until:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
        most["memory_mb"] = max(most["memory_mb"], round(resident))
        most["descriptors"] = max(most["descriptors"], len(os.listdir(f"/proc/{pid}/fd")))  # noqa: PTH208 - of many
        time.sleep(LOOK_SECONDS)
    most["cpu_cores"] = round((server.cpu()[0] - cpu) / (time.monotonic() - begun), 2)
    return most


def scrape(server: Server) -> str:
    """What somebody who asks for /healthz gets now: a status, or why none."""
    connection = http.client.HTTPConnection(server.facts["http"], timeout=5)
    try:
        connection.request("GET", "/healthz")
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """One flood from its quiet beginning to its quiet end."""
    options = ("--model", "conveyor", "--device", arguments.device, "--profile", "off")
    for setting in arguments.set:
        key, _, value = setting.partition("=")
        os.environ[f"FRAMEBATCH_{key.upper()}"] = value
    spawn = multiprocessing.get_context("spawn")
    with Server(*options) as server:
        there, here = spawn.Pipe()
        cameras = spawn.Process(target=stream, args=(server.address, arguments, there))
        cameras.start()
        assert here.recv() == "ready"
        begin = time.monotonic() + 0.2 + openloop.WARM_SECONDS
        bounds = [begin + sum(arguments.seconds[:index]) for index in range(len(PHASES) + 1)]
        time.sleep(max(0.0, begin - time.monotonic()))
        seen = {"before": watch(server, bounds[1])}
        host, _, port = server.facts["http"].rpartition(":")
        plans = {
            "grpc": floods.Flood(server.address, arguments.grpc, arguments.rate, arguments.sources, floods.GRPC),
            "http": floods.Flood((host, int(port)), arguments.http, arguments.rate, arguments.sources, floods.HTTP),
        }
        stop, flooding = spawn.Event(), []
        figures: dict[str, Any] = {}
        for name, plan in plans.items():
            if plan.connections:
                figures[name] = spawn.Array("q", 3)
                flooding.append(spawn.Process(target=floods.flood, args=(plan, stop, figures[name])))
                flooding[-1].start()
        seen["during"] = watch(server, bounds[2])
        health = scrape(server)
        flooded = {
            name: dict(zip(("opened", "closed_by_server", "open_at_end"), each, strict=True))
            for name, each in figures.items()
        }
        stop.set()
        for process in flooding:
            process.join()
        seen["after"] = watch(server, bounds[3])
        result: openloop.Result = here.recv()
        cameras.join()
    return report(arguments, result, bounds, seen) | {"flood": flooded, "healthz_during": health}


def report(
    arguments: argparse.Namespace, result: openloop.Result, bounds: list[float], seen: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """Frames and their good share by phase, by when they were due; and what the server took."""
    due, good = sorted(result.due), sorted(result.good_due)
    phases = {}
    for index, name in enumerate(PHASES):
        # What is due within the last deadline of a phase is answered in the next one.
        sent, well = (bisect_left(each, bounds[index + 1]) - bisect_left(each, bounds[index]) for each in (due, good))
        phases[name] = {"frames": sent, "ok_share": round(well / max(1, sent), 5), **seen[name]}
    return {
        "cameras": arguments.cameras,
        "fps": arguments.fps,
        "deadline_ms": arguments.deadline_ms,
        "device": arguments.device,
        "settings": arguments.set,
        "sources": arguments.sources,
        "own_network": "FLOOD_ALONE" in os.environ,
        "p50_ms": round(result.latency(0.5) * 1e3, 1),
        "p99_ms": round(result.latency(0.99) * 1e3, 1),
        "outcomes": dict(result.outcomes),
        "unanswered": result.unanswered,
        "phases": phases,
        "invalid": result.problem,
    }


def main() -> int:
    """Parse, flood, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--deadline-ms", type=float, default=100.0)
    parser.add_argument("--device", default="sim:2,0.5")
    parser.add_argument("--grpc", type=int, default=10_000, help="idle connections at the gRPC port")
    parser.add_argument("--http", type=int, default=10_000, help="idle connections at the HTTP port")
    parser.add_argument("--rate", type=int, default=1_000, help="connections opened a second at each port, at most")
    parser.add_argument("--sources", type=int, default=1, help="addresses that the flood comes from, 250 at most")
    parser.add_argument("--seconds", type=float, nargs=3, default=(10.0, 40.0, 15.0), help="of the three phases")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the server")
    arguments = parser.parse_args()
    enter_namespace()
    if "FLOOD_ALONE" in os.environ:
        loopback_up()
    found = run(arguments)
    print(json.dumps(found, indent=2))
    return int(found["invalid"] is not None or min(each["ok_share"] for each in found["phases"].values()) < PLENTY)


if __name__ == "__main__":
    sys.exit(main())
