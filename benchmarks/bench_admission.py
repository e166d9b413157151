"""What admission, classes and hints are worth, under a virtual clock: frames arrive, are refused or decoded, wait, run.

bench_admission.py                 refused, dropped and answered frames at several loads, without admission and with it
bench_admission.py --classes       the same by class, with some cameras critical and some of best effort
bench_admission.py --hints DIR     runs of a suite with few frames to a deadline, without hints and with what a sender knows
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter, defaultdict
from heapq import heapify, heappop, heappush
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from policy_simulation import Item, Simulation
from rich.console import Console
from rich.table import Table
from traces import Trace, read_suite

from framebatch.profile import LatencyTable
from framebatch.scheduling import Pending, Policy, PolicyOptions, Priority, Run, ServiceEstimate, Shed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
WARM_SECONDS: Final = 4
DECODE_MS: Final = (2, 4)
JITTER_MS: Final = 2
AFTER_NS: Final = MS


class Case(NamedTuple):
    """Cameras that run free, and a device on which a batch of b takes alpha + beta b milliseconds."""

    cameras: int
    fps: int
    deadline_ms: int
    alpha_ms: float
    beta_ms: float
    max_batch: int

    def __str__(self) -> str:
        return f"{self.alpha_ms:g} + {self.beta_ms:g} b, {self.cameras} x {self.fps} fps, {self.deadline_ms} ms"

    def table(self) -> LatencyTable:
        """Every size is a bucket."""
        sizes = range(1, self.max_batch + 1)
        return LatencyTable.linear(alpha_ns=self.alpha_ms * MS, beta_ns=self.beta_ms * MS, buckets=sizes)


CASES: Final = (
    Case(31, 10, 150, 6, 3, 32),
    Case(47, 10, 150, 6, 3, 32),
    Case(94, 10, 150, 6, 3, 32),
    Case(80, 10, 66, 6, 3, 32),
    Case(80, 10, 33, 6, 3, 32),
    Case(300, 30, 100, 1.5, 0.12, 64),
    Case(600, 30, 100, 1.5, 0.12, 64),
)


class Outcomes(NamedTuple):
    """Frames by what became of them, after the first seconds; counted by camera."""

    sent: Counter[str]
    good: Counter[str]
    refused: Counter[str]
    shed: Counter[str]

    def share(self, what: Counter[str], cameras: Sequence[str] | None = None) -> float:
        """Of the frames that these cameras sent, in percent."""
        chosen = list(self.sent) if cameras is None else cameras
        return 100 * sum(what[each] for each in chosen) / max(1, sum(self.sent[each] for each in chosen))

    def fairness(self) -> float:
        """The least that a camera got answered, over the mean."""
        shares = [self.good[each] / self.sent[each] for each in self.sent]
        return min(shares) / fmean(shares)


class Host:
    """The server without its threads: one batch in flight, decoding that takes a moment, nothing else."""

    def __init__(self, case: Case, *, seconds: int, admit: bool, classes: Mapping[str, Priority]) -> None:
        self._case, self._admit, self._classes = case, admit, classes
        self._table = case.table()
        self._policy = Policy(ServiceEstimate(self._table), after_ns=AFTER_NS, options=PolicyOptions(fair=True))
        self._pending: Pending[Item] = Pending()
        self._random = random.Random(0)  # noqa: S311 - traces need no secrecy
        self._running: list[Item] = []
        self._finish_ns = 0
        self._outcomes = Outcomes(Counter(), Counter(), Counter(), Counter())
        self._tie = 0
        self._events: list[tuple[int, int, Callable[[int, Any], None], Any]] = list(self._arrivals(seconds))
        heapify(self._events)

    def _arrivals(self, seconds: int) -> Iterator[tuple[int, int, Callable[[int, Any], None], Any]]:
        for camera in range(self._case.cameras):
            phase = self._random.random()
            for frame in range(seconds * self._case.fps):
                jitter_ns = self._random.uniform(0, JITTER_MS * MS)
                time_ns = SECOND + round((phase + frame) * SECOND / self._case.fps + jitter_ns)
                self._tie += 1
                yield time_ns, self._tie, self._arrive, str(camera)

    def play(self) -> Outcomes:
        """All events in order."""
        while self._events:
            now, _, act, what = heappop(self._events)
            act(now, what)
        return self._outcomes

    def _plan(self, time_ns: int, act: Callable[[int, Any], None], what: object = None) -> None:
        self._tie += 1
        heappush(self._events, (time_ns, self._tie, act, what))

    def _count(self, counter: Counter[str], item: Item) -> None:
        if item.arrival_ns > (1 + WARM_SECONDS) * SECOND:
            counter[item.camera] += 1

    def _arrive(self, now: int, camera: str) -> None:
        item = Item(now, camera, now + self._case.deadline_ms * MS)
        self._count(self._outcomes.sent, item)
        policy = self._policy
        policy.arrived(now)
        policy.shares.classify(camera, self._classes.get(camera, Priority.NORMAL))
        if self._admit and policy.refusal(
            self._pending,
            item.deadline_ns,
            ready_ns=now + DECODE_MS[1] * MS,
            start_ns=self._finish_ns if self._running else now,
            now_ns=now,
            camera=camera,
        ):
            policy.shares.came(camera)
            self._count(self._outcomes.refused, item)
            return
        self._pending.accept(item)
        self._plan(now + round(self._random.uniform(*DECODE_MS) * MS), self._ready, item)

    def _ready(self, now: int, item: Item) -> None:
        if self._pending.make_ready(item):
            self._policy.ready(item.camera, now, item.deadline_ns)
        self._decide(now)

    def _decide(self, now: int, _: object = None) -> None:
        while not self._running:
            decision = self._policy.decide(self._pending, now)
            if isinstance(decision, Shed):
                for item in self._pending.take(decision.count):
                    self._count(self._outcomes.shed, item)
            elif isinstance(decision, Run):
                self._running = self._pending.take(decision.count, decision.chosen)
                self._policy.taken(item.camera for item in self._running)
                self._finish_ns = now + self._table.by_size_ns[decision.count]
                self._plan(self._finish_ns, self._finish, now)
            else:
                if decision.time_ns is not None:
                    self._plan(decision.time_ns, self._decide)
                return

    def _finish(self, now: int, started_ns: int) -> None:
        for item in self._running:
            if now + AFTER_NS <= item.deadline_ns:
                self._count(self._outcomes.good, item)
        self._policy.estimate.observe(len(self._running), now - started_ns)
        self._running = []
        self._decide(now)


def print_admission(console: Console, seconds: int) -> None:
    """Without admission, and with it."""
    table = Table("", "answered %", "refused %", "dropped later %", "least/mean")
    for case in CASES:
        for name, admit in (("none", False), ("admission", True)):
            found = Host(case, seconds=seconds, admit=admit, classes={}).play()
            figures = [found.share(each) for each in (found.good, found.refused, found.shed)]
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
            found = Host(case, seconds=seconds, admit=True, classes=classes).play()
            normal = [name for name in names if name not in classes]
            groups = [found.share(found.good, sorted(group)) for group in (critical, normal, low)]
            row = [f"{each:.1f}" for each in (*groups, found.share(found.good))]
            table.add_row(f"{case}: {len(critical)} critical, {len(low)} best effort", *row)
    console.print(table)


class Hinted(Simulation):
    """A run in which senders say when their next frame comes: `next_ns` of each frame in order, 0 where they do not."""

    next_ns: Sequence[int] = ()
    early = 0

    def _arrive(self, now: int, camera: str) -> None:
        item = Item(now, camera, now + self._trace.deadline_ns)
        self._policy.arrived(now)
        self._pending.accept(item)
        self._pending.make_ready(item)
        hint_ns = self.next_ns[sum(self.result.sent.values())] if self.next_ns else 0
        self.result.sent[camera] += 1
        self._policy.ready(camera, now, item.deadline_ns, 1, hint_ns)

    def _finish(self, now: int) -> None:
        first_ns = self._trace.arrivals[0][0] + SECOND
        self.early += sum(now <= item.deadline_ns and item.arrival_ns < first_ns for item in self._running)
        super()._finish(now)


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


def print_hints(console: Console, suite: Path) -> None:
    """Where few frames fit into a deadline: elsewhere frames are not planned for."""
    table = Table("family", "runs", "first second: without", "with hints", "all: without", "with hints")
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for trace in read_suite(suite):
        if trace.curve.startswith("H200") or trace.family not in ("periodic", "sync", "bursty"):
            continue
        total = totals[trace.family]
        total["runs"] += 1
        for name, hints in (("without", ()), ("with", known(trace))):
            run = Hinted(trace, Policy(ServiceEstimate(trace.table())))
            run.next_ns = hints
            total[name] += run.play().good
            total[f"early {name}"] += run.early
    for family, total in totals.items():
        keys = ("runs", "early without", "early with", "without", "with")
        table.add_row(family, *(str(total[key]) for key in keys))
    console.print(table)


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=16, help="of traffic, the first 4 not counted")
    parser.add_argument("--classes", action="store_true")
    parser.add_argument("--hints", type=Path, metavar="DIR", help="folder of traces, *.json.gz")
    wanted = parser.parse_args(arguments)
    console = Console(width=140 if not sys.stdout.isatty() else None)
    if wanted.hints:
        print_hints(console, wanted.hints)
    elif wanted.classes:
        print_classes(console, wanted.seconds)
    else:
        print_admission(console, wanted.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
