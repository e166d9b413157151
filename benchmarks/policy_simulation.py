"""The policy alone: `framebatch.planning`'s simulation on traces of the suite, with an ideal machine around the device.

One batch in flight, no padding, nothing to decode: what is left is the policy, or another that it is compared with.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import log, sqrt
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, Protocol, cast

from framebatch.frame import Outcome
from framebatch.planning import simulation
from framebatch.planning.fleet import SimulatedFrame
from framebatch.planning.host import IDEAL
from framebatch.planning.service import DeviceModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces import Trace

    from framebatch.scheduling import Decision, Pending, Policy

__all__ = ["Decider", "Item", "Result", "Simulation", "simulate"]


class Item(SimulatedFrame):
    """A frame."""

    __slots__ = ()

    def __init__(self, arrival_ns: int, camera: str, deadline_ns: int) -> None:
        super().__init__(camera, arrival_ns, deadline_ns)


class Observer(Protocol):
    """Learns how long batches take."""

    def observe(self, frames: int, service_ns: int) -> None:
        """A batch has finished."""


class Decider(Protocol):
    """What is played: this project's policy, or one that it is compared with. The order of calls is that of a host."""

    @property
    def estimate(self) -> Observer:
        """Is told of finished batches."""

    def arrived(self, now_ns: int) -> None:
        """A frame has arrived."""

    def ready(self, camera: str, now_ns: int, deadline_ns: int) -> None:
        """It can be run."""

    def decide(self, pending: Pending[SimulatedFrame], start_ns: int) -> Decision:
        """What to do with the device, which is free."""

    def taken(self, cameras: Iterable[str]) -> None:
        """Frames of these cameras go into a batch."""


class _Timed:
    """Passes on what an ideal host asks of a policy, and notes what each decision takes by the wall clock."""

    def __init__(self, policy: Decider) -> None:
        self.after_ns = 0
        self.estimate: Final = policy.estimate
        self.taken: Final = policy.taken
        self.decisions_ns: list[int] = []
        self._policy: Final = policy

    def arrived(self, now_ns: int, _rows: int) -> None:
        """Every frame has one row."""
        self._policy.arrived(now_ns)

    def ready(self, camera: str, now_ns: int, deadline_ns: int, _rows: int, _next_ns: int) -> None:
        """Likewise, and nobody says when its next one comes."""
        self._policy.ready(camera, now_ns, deadline_ns)

    def decide(self, pending: Pending[SimulatedFrame], start_ns: int) -> Decision:
        """With a look at the clock."""
        before = perf_counter_ns()
        decision = self._policy.decide(pending, start_ns)
        self.decisions_ns.append(perf_counter_ns() - before)
        return decision


@dataclass(kw_only=True)
class Result:
    """What became of the frames of a trace.

    Attributes:
        good: frames in time.
        late: frames that were run and came too late.
        shed: frames that were dropped.
        batches: how many were run.
        sent: frames by camera.
        served: those in time, by camera.
        latencies_ns: of the frames that were run.
        decisions_ns: what each decision took, by the wall clock.
    """

    good: int = 0
    late: int = 0
    shed: int = 0
    batches: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    latencies_ns: list[int] = field(default_factory=list)
    decisions_ns: list[int] = field(default_factory=list)

    def latency_ms(self, share: float) -> float:
        """A quantile of the latencies of the frames that were run; 0 when there is none."""
        ordered = sorted(self.latencies_ns)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6 if ordered else 0.0

    def fairness(self) -> float:
        """The least that a camera was served, over the mean."""
        served = [self.served[camera] for camera in self.sent]
        return min(served) * len(served) / max(1, sum(served))


class Simulation:
    """One run of a trace; `play` to its end."""

    def __init__(self, trace: Trace, policy: Decider, *, seed: int = 0) -> None:
        self._timed = _Timed(policy)
        self._run = simulation.Simulation(
            [Item(time_ns, camera, time_ns + trace.deadline_ns) for time_ns, camera in trace.arrivals],
            policy=cast("Policy", self._timed),
            device=device_of(trace),
            host=IDEAL,
            seed=seed,
        )

    def __repr__(self) -> str:
        return repr(self._run)

    def play(self) -> Result:
        """All events in order."""
        self._run.play()
        ran = [frame for frame in self._run.frames if frame.batch_size]
        good = [frame for frame in ran if frame.outcome is Outcome.OK]
        return Result(
            good=len(good),
            late=len(ran) - len(good),
            shed=len(self._run.frames) - len(ran),
            batches=len(self._run.batches),
            sent=Counter(frame.camera for frame in self._run.frames),
            served=Counter(frame.camera for frame in good),
            latencies_ns=[frame.finished_ns - frame.arrival_ns for frame in ran],
            decisions_ns=self._timed.decisions_ns,
        )


def device_of(trace: Trace) -> DeviceModel:
    """With the noise and the slowdown of which the policy is not told."""
    slow = trace.slowdown
    return DeviceModel(
        name=trace.name,
        table=trace.table(),
        sigma=sqrt(log(1 + trace.noise**2)),
        median_is_one=False,
        slow_from_ns=slow.from_ns if slow is not None else 0,
        slow_factor=slow.factor if slow is not None else 1.0,
    )


def simulate(trace: Trace, policy: Decider, *, seed: int = 0) -> Result:
    """Play a trace to its end; the seed is that of the service times' noise."""
    return Simulation(trace, policy, seed=seed).play()
