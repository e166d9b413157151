"""What admission, classes, two batches in flight and hints are worth: the simulated server, and traces with hints.

bench_admission.py                 refused, dropped and answered frames at several loads, without admission and with it
bench_admission.py --classes       the same by class, with some cameras critical and some of best effort
bench_admission.py --lanes         two batches in flight against one at a time
bench_admission.py --hints DIR     runs of a suite with few frames to a deadline, without hints and with what a sender knows
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Final, NamedTuple

from policy_simulation import device_of
from rich.console import Console
from rich.table import Table
from traces import Trace, read_suite

from framebatch.clock import MILLISECOND_NS, SECOND_NS, ms_to_ns
from framebatch.device.devices import parse_device
from framebatch.frame import Outcome, Priority
from framebatch.planning.durations import Lognormal
from framebatch.planning.fleet import Fleet, SimulatedFrame
from framebatch.planning.host import IDEAL, Host
from framebatch.planning.service import DeviceModel
from framebatch.planning.simulation import Simulation
from framebatch.scheduling import Policy, PolicyOptions, ServiceEstimate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

WARM_SECONDS: Final = 4
HOST: Final = Host(decode=Lognormal(3 * MILLISECOND_NS, 0.2))
"""Decoding takes 3 ms, and there are decoders enough."""


class Case(NamedTuple):
    """Cameras that run free, and a device."""

    cameras: int
    fps: int
    deadline_ms: int
    device: str

    def __str__(self) -> str:
        return f"{self.device}, {self.cameras} x {self.fps} fps, {self.deadline_ms} ms"


CASES: Final = (
    Case(31, 10, 150, "sim:6,3"),
    Case(47, 10, 150, "sim:6,3"),
    Case(94, 10, 150, "sim:6,3"),
    Case(80, 10, 66, "sim:6,3"),
    Case(80, 10, 33, "sim:6,3"),
    Case(300, 30, 100, "sim:1.5,0.12"),
    Case(600, 30, 100, "sim:1.5,0.12"),
)


class Outcomes:
    """What became of the frames that came after the first seconds."""

    def __init__(self, frames: Iterable[SimulatedFrame]) -> None:
        self._frames = [frame for frame in frames if frame.captured_ns >= WARM_SECONDS * SECOND_NS]

    def percent(self, outcome: Outcome, cameras: Collection[str] | None = None) -> float:
        """Of the frames that these cameras sent."""
        sent = [frame for frame in self._frames if cameras is None or frame.camera in cameras]
        return 100 * sum(frame.outcome is outcome for frame in sent) / max(1, len(sent))

    def fairness(self) -> float:
        """The least that a camera got answered, over the mean."""
        sent = Counter(frame.camera for frame in self._frames)
        good = Counter(frame.camera for frame in self._frames if frame.outcome is Outcome.OK)
        shares = [good[camera] / number for camera, number in sent.items()]
        return min(shares) / fmean(shares)


def play(case: Case, *, seconds: int, classes: Mapping[str, Priority], host: Host = HOST) -> Outcomes:
    """The server as it is, or with another host around the device."""
    device = DeviceModel.of_simulated(parse_device(case.device))
    fleet = Fleet(cameras=case.cameras, fps=case.fps, deadline_ns=ms_to_ns(case.deadline_ms))
    frames = fleet.frames(seconds * SECOND_NS, seed=0)
    policy = Policy(ServiceEstimate(device.table), options=PolicyOptions(fair=True))
    for frame in frames:
        frame.priority = classes.get(frame.camera, Priority.NORMAL)
        policy.shares.classify(frame.camera, frame.priority)
    Simulation(frames, policy=policy, device=device, host=host).play()
    return Outcomes(frames)


def print_admission(console: Console, seconds: int) -> None:
    """Without admission, and with it."""
    table = Table("", "answered %", "refused %", "dropped later %", "least/mean")
    for case in CASES:
        for name, admits in (("none", False), ("admission", True)):
            found = play(case, seconds=seconds, classes={}, host=replace(HOST, admits=admits))
            figures = [found.percent(each) for each in (Outcome.OK, Outcome.REJECTED, Outcome.EXPIRED)]
            table.add_row(f"{case}: {name}", *(f"{each:.1f}" for each in figures), f"{found.fairness():.2f}")
    console.print(table)


def print_classes(console: Console, seconds: int) -> None:
    """Every tenth camera critical, or more; every fourth of best effort."""
    table = Table("", "critical %", "normal %", "best effort %", "all %", title="answered in time")
    for case in CASES[1:4]:
        names = [str(camera) for camera in range(case.cameras)]
        for every in (0, 10, 4, 2, 1):
            critical = set(names[::every]) if every else set()
            low = {name for name in names[1::4] if name not in critical}
            classes = dict.fromkeys(critical, Priority.CRITICAL) | dict.fromkeys(low, Priority.BEST_EFFORT)
            found = play(case, seconds=seconds, classes=classes)
            normal = {name for name in names if name not in classes}
            groups = [found.percent(Outcome.OK, group) for group in (critical, normal, low)]
            row = [f"{each:.1f}" for each in (*groups, found.percent(Outcome.OK))]
            table.add_row(f"{case}: {len(critical)} critical, {len(low)} best effort", *row)
    console.print(table)


def print_lanes(console: Console, seconds: int) -> None:
    """A batch handed over while the one before it runs, and each after the other has come back."""
    table = Table("", "two in flight %", "one at a time %", title="answered in time")
    for case in CASES:
        found = [play(case, seconds=seconds, classes={}, host=replace(HOST, lanes=lanes)) for lanes in (2, 1)]
        table.add_row(str(case), *(f"{each.percent(Outcome.OK):.1f}" for each in found))
    console.print(table)


def known(trace: Trace) -> list[int]:
    """What senders know: the period of a camera that runs free; of one that is triggered, the rest of its burst."""
    by_camera: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, (time_ns, camera) in enumerate(trace.arrivals):
        by_camera[camera].append((time_ns, at))
    hints = [0] * len(trace.arrivals)
    for frames in by_camera.values():
        gaps_ns = [later[0] - earlier[0] for earlier, later in pairwise(frames)]
        if not gaps_ns:
            continue
        gap_ns = round(median(each for each in gaps_ns if trace.family != "bursty" or each <= 2 * min(gaps_ns)))
        for (time_ns, at), gap in zip(frames, [*gaps_ns, 0], strict=True):
            hints[at] = time_ns + gap_ns if trace.family != "bursty" or 0 < gap <= 2 * gap_ns else 0
    return hints


def play_hinted(trace: Trace, hints: Sequence[int]) -> tuple[int, int]:
    """Frames in time: those of the first second, and all."""
    frames = [
        SimulatedFrame(camera, time_ns, time_ns + trace.deadline_ns, next_ns=next_ns)
        for (time_ns, camera), next_ns in zip(trace.arrivals, hints, strict=True)
    ]
    Simulation(frames, policy=Policy(ServiceEstimate(trace.table())), device=device_of(trace), host=IDEAL).play()
    good = [frame for frame in frames if frame.outcome is Outcome.OK]
    return sum(frame.arrival_ns < frames[0].arrival_ns + SECOND_NS for frame in good), len(good)


def print_hints(console: Console, suite: Path) -> None:
    """Where few frames fit into a deadline: elsewhere frames are not planned for."""
    table = Table("family", "runs", "first second: without", "with hints", "all: without", "with hints")
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for trace in read_suite(suite):
        if trace.curve.startswith("H200") or trace.family not in ("periodic", "sync", "bursty"):
            continue
        total = totals[trace.family]
        total["runs"] += 1
        for name, hints in (("without", [0] * len(trace.arrivals)), ("with", known(trace))):
            early, good = play_hinted(trace, hints)
            total[name] += good
            total[f"early {name}"] += early
    for family, total in totals.items():
        keys = ("runs", "early without", "early with", "without", "with")
        table.add_row(family, *(str(total[key]) for key in keys))
    console.print(table)


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=16, help="of traffic, the first 4 not counted")
    parser.add_argument("--classes", action="store_true")
    parser.add_argument("--lanes", action="store_true")
    parser.add_argument("--hints", type=Path, metavar="DIR", help="folder of traces, *.json.gz")
    wanted = parser.parse_args(arguments)
    console = Console(width=140 if not sys.stdout.isatty() else None)
    if wanted.hints:
        print_hints(console, wanted.hints)
    elif wanted.lanes:
        print_lanes(console, wanted.seconds)
    elif wanted.classes:
        print_classes(console, wanted.seconds)
    else:
        print_admission(console, wanted.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
