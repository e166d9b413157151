"""benchmarks/policy_simulation.py: traces of the suite, played by the simulator with an ideal machine around the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from policy_simulation import Simulation, simulate
from traces import Slowdown, Trace

from framebatch.scheduling import Decision, Policy, Run, ServiceEstimate, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framebatch.planning.fleet import SimulatedFrame
    from framebatch.scheduling import Pending

MS = 1_000_000


def trace(*arrivals_ms: float, deadline_ms: float = 20, slowdown: Slowdown | None = None, noise: float = 0.0) -> Trace:
    """Answer a trace of two cameras in turn, on a device that takes 2 + b ms."""
    return Trace(
        name="made-up",
        family="periodic",
        alpha_ns=2 * MS,
        beta_ns=MS,
        max_batch=4,
        deadline_ns=round(deadline_ms * MS),
        arrivals=tuple((round(at * MS), "ab"[number % 2]) for number, at in enumerate(arrivals_ms)),
        slowdown=slowdown,
        noise=noise,
    )


class Greedy:
    """A policy that has nothing but what every host asks for: runs whatever waits.

    Attributes:
        estimate: itself; notes what it is told.
        seen: frames and times of finished batches.
        served: cameras whose frames were taken.
    """

    def __init__(self) -> None:
        self.estimate = self
        self.seen: list[tuple[int, int]] = []
        self.served: list[str] = []

    def observe(self, frames: int, service_ns: int) -> None:
        """Note it."""
        self.seen.append((frames, service_ns))

    def arrived(self, now_ns: int) -> None:
        """Nothing is learned."""

    def ready(self, camera: str, now_ns: int, deadline_ns: int) -> None:
        """Likewise."""

    def taken(self, cameras: Iterable[str]) -> None:
        """Note them."""
        self.served += cameras

    def decide(self, pending: Pending[SimulatedFrame], start_ns: int) -> Decision:
        """As many as there are."""
        del start_ns
        return Run(min(4, len(pending)), min(4, len(pending))) if len(pending) else WaitUntil(None)


def test_a_policy_needs_no_more_than_what_every_host_asks_for() -> None:
    """Published policies are played so; one that runs everything serves what is late too."""
    greedy = Greedy()
    result = simulate(trace(0, 1, 1, 1, 1, 1, deadline_ms=9), greedy)
    assert greedy.seen == [(1, 3 * MS), (4, 6 * MS), (1, 3 * MS)]
    assert sorted(greedy.served) == ["a", "a", "a", "b", "b", "b"]
    assert (result.good, result.late, result.shed, result.batches) == (5, 1, 0, 3)
    assert (result.sent, result.served) == ({"a": 3, "b": 3}, {"a": 3, "b": 2})
    assert result.latencies_ns == [3 * MS, 8 * MS, 8 * MS, 8 * MS, 8 * MS, 11 * MS]
    assert len(result.decisions_ns) >= 3
    assert result.fairness() == pytest.approx(2 / 2.5)
    assert result.latency_ms(0.5) == 8


def test_what_cannot_be_in_time_is_shed() -> None:
    """By this project's policy, and not run."""
    made = trace(0, 0, 0, 0, 0, 0, 0, 0, deadline_ms=6)
    result = simulate(made, Policy(ServiceEstimate(made.table())))
    assert (result.good, result.late, result.shed) == (4, 0, 4)


def test_the_policy_is_not_told_of_the_slowdown() -> None:
    """It finds out."""
    greedy = Greedy()
    simulate(trace(0, 50, slowdown=Slowdown(from_ns=50 * MS, factor=2.0)), greedy)
    assert greedy.seen == [(1, 3 * MS), (1, 6 * MS)]


def test_the_seed_is_that_of_the_noise() -> None:
    """The same again for the same; else not."""
    results = []
    for seed in (1, 1, 2):
        greedy = Greedy()
        simulate(trace(0, 50, 100, noise=0.2), greedy, seed=seed)
        results.append(greedy.seen)
    assert results[0] == results[1] != results[2]


def test_it_shows_its_state() -> None:
    """As the simulation does."""
    assert repr(Simulation(trace(0), Greedy())).startswith("Simulation(1 frames, ")
