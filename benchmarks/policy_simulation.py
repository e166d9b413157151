"""A device under a virtual clock, driven by the policy that the server uses, or by another. No thread, no waiting.

One batch in flight, no padding, nothing to decode: what is left is the policy.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from math import exp, log, sqrt
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, Protocol

from framebatch.scheduling import Pending, Run, Shed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces import Trace

    from framebatch.scheduling import Decision

__all__ = ["Decider", "Item", "Result", "Simulation", "simulate"]

NEVER: Final = 1 << 62


class Item:
    """A frame."""

    __slots__ = ("arrival_ns", "camera", "deadline_ns", "live", "rows")

    def __init__(self, arrival_ns: int, camera: str, deadline_ns: int) -> None:
        self.arrival_ns = arrival_ns
        self.camera = camera
        self.deadline_ns = deadline_ns
        self.live = False
        self.rows = 1


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

    def decide(self, pending: Pending[Item], start_ns: int) -> Decision:
        """What to do with the device, which is free."""

    def taken(self, cameras: Iterable[str]) -> None:
        """Frames of these cameras go into a batch."""


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
        self.result: Final = Result()
        self._trace = trace
        self._policy = policy
        self._random = random.Random(seed)  # noqa: S311 - noise needs no secrecy
        self._sigma = sqrt(log(1 + trace.noise**2))
        self._pending: Pending[Item] = Pending()
        self._running: list[Item] = []
        self._started_ns = 0
        self._finish_ns = NEVER
        self._wake_ns = NEVER

    def __repr__(self) -> str:
        return f"Simulation({self._trace.name}, running={len(self._running)}, {self._pending!r})"

    def play(self) -> Result:
        """All events in order; of those at one moment, the end of a batch comes first, then all arrivals."""
        arrivals = iter(self._trace.arrivals)
        coming = next(arrivals, None)
        while True:
            now = min(coming[0] if coming else NEVER, self._finish_ns, self._wake_ns)
            if now == NEVER:
                return self.result
            if self._finish_ns == now:
                self._finish(now)
            while coming and coming[0] == now:
                self._arrive(now, coming[1])
                coming = next(arrivals, None)
            self._wake_ns = NEVER
            while not self._running and self._decide(now):
                pass

    def _arrive(self, now: int, camera: str) -> None:
        item = Item(now, camera, now + self._trace.deadline_ns)
        self.result.sent[camera] += 1
        self._policy.arrived(now)
        self._pending.accept(item)
        self._pending.make_ready(item)
        self._policy.ready(camera, now, item.deadline_ns)

    def _decide(self, now: int) -> bool:
        """Ask the policy once and do what it says; whether it may have more to say."""
        before = perf_counter_ns()
        decision = self._policy.decide(self._pending, now)
        self.result.decisions_ns.append(perf_counter_ns() - before)
        if isinstance(decision, Run):
            self._run(self._pending.take(decision.count, decision.chosen), now)
            return False
        if isinstance(decision, Shed):
            self.result.shed += len(self._pending.take(decision.count))
            return True
        if decision.time_ns is not None:
            if decision.time_ns <= now:
                raise RuntimeError(f"asked at {now} it wants to be asked again at {decision.time_ns}")
            self._wake_ns = decision.time_ns
        return False

    def _run(self, items: list[Item], now: int) -> None:
        trace = self._trace
        service_ns = float(trace.alpha_ns + trace.beta_ns * len(items))
        if trace.noise:
            service_ns *= exp(self._random.gauss(-(self._sigma**2) / 2, self._sigma))
        if trace.slowdown is not None and now >= trace.slowdown.from_ns:
            service_ns *= trace.slowdown.factor
        self._policy.taken(item.camera for item in items)
        self._running = items
        self._started_ns, self._finish_ns = now, now + round(service_ns)
        self.result.batches += 1

    def _finish(self, now: int) -> None:
        result = self.result
        for item in self._running:
            result.latencies_ns.append(now - item.arrival_ns)
            if now <= item.deadline_ns:
                result.good += 1
                result.served[item.camera] += 1
            else:
                result.late += 1
        self._policy.estimate.observe(len(self._running), now - self._started_ns)
        self._running = []
        self._finish_ns = NEVER


def simulate(trace: Trace, policy: Decider, *, seed: int = 0) -> Result:
    """Play a trace to its end; the seed is that of the service times' noise."""
    return Simulation(trace, policy, seed=seed).play()
