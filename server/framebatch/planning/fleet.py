"""Who sends frames, and when: free-running, synchronised and triggered cameras, or frames that were seen. Seeded.

A frame of the simulation is made here and carries what became of it; nothing is decided here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from framebatch.clock import MILLISECOND_NS, SECOND_NS
from framebatch.frame import Priority
from framebatch.planning.durations import NOTHING, Durations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framebatch.frame import Outcome

__all__ = ["Fleet", "SimulatedFrame", "Trigger"]

STATION: Final = 4
"""Triggered cameras look at one part together, """
SHOTS: Final = 3
"""and take so many pictures of it each, """
SHOT_GAP_NS: Final = 10 * MILLISECOND_NS
"""so far apart."""
SPREAD_NS: Final = MILLISECOND_NS // 2
"""Cameras that are triggered together send within this."""


class SimulatedFrame:
    """One frame of a simulation, compared by identity; times in nanoseconds of the virtual clock.

    Attributes:
        camera: who sends it.
        captured_ns: when the picture was taken; its answer is wanted so long after that.
        arrival_ns: when the server has read it.
        deadline_ns: when its answer must have left.
        live: whether a newer frame of the camera takes its place while it waits.
        rows: places of a batch that it takes.
        rows_left: those that no batch has brought back yet.
        decode_by_ns: there is no use in decoding it later than this.
        priority: its class.
        next_ns: when the next frame of its camera will be ready, as its sender says; 0: it does not say.
        decoding_ns: from its arrival to its pixels being there, waiting included, where that is known; None: the
            simulated decoders do it.
        ready_ns: when its pixels were there; 0 before. Likewise the following.
        dispatched_ns: when it was handed over in a batch.
        started_ns: when the device began with that.
        finished_ns: when the device had finished.
        answered_ns: when it had its outcome.
        batch_size: frames in its batch.
        outcome: None while in flight.
    """

    __slots__ = (
        "answered_ns",
        "arrival_ns",
        "batch_size",
        "camera",
        "captured_ns",
        "deadline_ns",
        "decode_by_ns",
        "decoding_ns",
        "dispatched_ns",
        "finished_ns",
        "live",
        "next_ns",
        "outcome",
        "priority",
        "ready_ns",
        "rows",
        "rows_left",
        "started_ns",
    )

    def __init__(
        self,
        camera: str,
        captured_ns: int,
        deadline_ns: int,
        *,
        arrival_ns: int | None = None,
        live: bool = False,
        rows: int = 1,
        decoding_ns: int | None = None,
        priority: Priority = Priority.NORMAL,
        next_ns: int = 0,
    ) -> None:
        self.camera = camera
        self.captured_ns = captured_ns
        self.arrival_ns = captured_ns if arrival_ns is None else arrival_ns
        self.deadline_ns = deadline_ns
        self.live = live
        self.rows = rows
        self.rows_left = rows
        self.decoding_ns = decoding_ns
        self.priority = priority
        self.next_ns = next_ns
        self.decode_by_ns = deadline_ns
        self.ready_ns = 0
        self.dispatched_ns = 0
        self.started_ns = 0
        self.finished_ns = 0
        self.answered_ns = 0
        self.batch_size = 0
        self.outcome: Outcome | None = None

    def __repr__(self) -> str:
        return f"SimulatedFrame({self.camera} at {self.arrival_ns}, {self.outcome or 'in flight'})"


class Trigger(StrEnum):
    """What makes cameras take pictures."""

    FREE = "free"
    """Each by its own clock, at any phase."""
    SYNC = "sync"
    """All by one clock, at the same moment."""
    BURST = "burst"
    """A passing part triggers the four cameras of a station, which take three pictures each."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Cameras of one kind.

    Attributes:
        cameras: how many.
        fps: what each sends a second, on average.
        deadline_ns: after a picture was taken its answer is wanted so soon.
        trigger: what makes them take pictures.
        spacing_ns: None: phases are random (`FREE`) or equal (`SYNC`); else each camera is so much behind the one before.
        jitter: of each picture's time, as a share of the period; uniform, around 0.
        live: whether newer pictures take the place of older ones that wait.
        network: from taking a picture to the server having read it.
    """

    cameras: int
    fps: float
    deadline_ns: int
    trigger: Trigger = Trigger.FREE
    spacing_ns: int | None = None
    jitter: float = 0.02
    live: bool = False
    network: Durations = NOTHING

    def frames(self, length_ns: int, seed: int) -> list[SimulatedFrame]:
        """All frames of so long a time, in the order in which they arrive."""
        rng = random.Random(f"{seed} fleet")  # noqa: S311 - a simulation needs no secrecy
        bursts = self.trigger is Trigger.BURST
        times = self._bursts(rng, length_ns) if bursts else self._periodic(rng, length_ns)
        network = random.Random(f"{seed} network")  # noqa: S311 - as above
        frames = [
            SimulatedFrame(
                camera,
                time_ns,
                time_ns + self.deadline_ns,
                arrival_ns=time_ns + self.network.draw(network, time_ns),
                live=self.live,
            )
            for time_ns, camera in sorted(times)
        ]
        frames.sort(key=lambda frame: frame.arrival_ns)
        return frames

    def _periodic(self, rng: random.Random, length_ns: int) -> Iterator[tuple[int, str]]:
        period_ns = SECOND_NS / self.fps
        half_ns = self.jitter * period_ns / 2
        for number in range(self.cameras):
            if self.spacing_ns is not None:
                phase_ns = float(number * self.spacing_ns % round(period_ns))
            elif self.trigger is Trigger.SYNC:
                phase_ns = 0.0
            else:
                phase_ns = rng.uniform(0, period_ns)
            count = 0
            while (time_ns := phase_ns + count * period_ns) < length_ns:
                yield max(0, round(time_ns + rng.uniform(-half_ns, half_ns))), str(number)
                count += 1

    def _bursts(self, rng: random.Random, length_ns: int) -> Iterator[tuple[int, str]]:
        """Parts pass each station at random times, no closer than the pictures of one take."""
        shortest_ns = SHOTS * SHOT_GAP_NS
        mean_ns = SHOTS * SECOND_NS / self.fps
        for first in range(0, self.cameras, STATION):
            time_ns = rng.uniform(0, mean_ns)
            while time_ns < length_ns:
                for shot in range(SHOTS):
                    for number in range(first, min(first + STATION, self.cameras)):
                        yield round(time_ns + shot * SHOT_GAP_NS + rng.uniform(0, SPREAD_NS)), str(number)
                if mean_ns > shortest_ns:
                    time_ns += shortest_ns + rng.expovariate(1 / (mean_ns - shortest_ns))
                else:
                    time_ns += mean_ns
