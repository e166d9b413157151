"""One seeded stretch of a fleet's time on a device, simulated, and what became of its frames. How long it is, is decided here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import SECOND_NS
from framebatch.frame import Outcome
from framebatch.planning.figures import Figures, figures
from framebatch.planning.fleet import Trigger
from framebatch.planning.simulation import Simulation
from framebatch.scheduling import Policy, PolicyOptions, ServiceEstimate

if TYPE_CHECKING:
    from framebatch.planning.setting import Setting

__all__ = ["Played", "Stretch", "play", "settles", "stretch_of"]

FRAMES: Final = 600
"""Of all cameras together are counted, """
FRAMES_OF_BURSTS: Final = 1_500
"""(parts come at random, and it takes more of them to see how often too many come at once)"""
PERIODS: Final = (30, 200)
"""but no fewer and no more periods of a camera than these."""
OVERFLOW_FRAMES: Final = 50_000
"""No more of all cameras together are simulated to see a queue overflow."""
SEEDS: Final = 1_000
"""Of one answer at most."""
WARM_PERIODS: Final = 15
"""First, so that rhythms are known, """
WARM_BATCHES: Final = 24
"""and the load, which is counted over full batches, """
WARM_DEADLINES: Final = 5
"""and queues are as long as they will be, """
WARM_DEADLINES_NS: Final = 30 * SECOND_NS
"""as far as this allows."""


class Stretch(NamedTuple):
    """Frames count that are captured from one moment up to another; both in nanoseconds from the start."""

    from_ns: int
    until_ns: int


@dataclass(frozen=True, kw_only=True)
class Played:
    """What one stretch gave.

    Attributes:
        figures: of its frames.
        latencies_ns: of those answered in time, from picture to answer.
        sizes: how many frames were run in batches of each bucket.
        batches: how many batches were run.
    """

    figures: Figures
    latencies_ns: list[int]
    sizes: Counter[int]
    batches: int


def stretch_of(setting: Setting, cameras: int) -> Stretch:
    """How long so many cameras are watched: the same number of frames for few and many, within bounds.

    Where they send more than the device does at its best, a queue grows until deadlines pass; that is waited for.
    """
    fleet = setting.fleet
    period_ns = SECOND_NS / fleet.fps
    warm_ns = max(
        WARM_PERIODS * period_ns,
        WARM_BATCHES * min(setting.device.table.by_size_ns[setting.largest], fleet.deadline_ns),
        min(WARM_DEADLINES * fleet.deadline_ns, WARM_DEADLINES_NS),
        min(_overflow_ns(setting, cameras), OVERFLOW_FRAMES * period_ns / cameras),
    )
    fewest, most = PERIODS
    wanted = FRAMES_OF_BURSTS if fleet.trigger is Trigger.BURST else FRAMES
    periods = min(max(wanted / cameras, fewest), most)
    return Stretch(round(warm_ns), round(warm_ns + periods * period_ns))


def settles(setting: Setting, cameras: int) -> bool:
    """Whether a stretch is long enough to see what becomes of so many in the long run."""
    return _overflow_ns(setting, cameras) <= stretch_of(setting, cameras).from_ns


def _overflow_ns(setting: Setting, cameras: int) -> float:
    """How long it takes until the queue of more frames than the device does at its best is a deadline long; else 0."""
    excess = cameras * setting.fleet.fps / setting.limit_fps - 1
    return setting.fleet.deadline_ns / excess if excess > 0 else 0.0


def play(setting: Setting, cameras: int, seed: int) -> Played:
    """Simulate so many cameras; the same arguments give the same answer."""
    stretch = stretch_of(setting, cameras)
    device = setting.device
    whole = setting.seed * SEEDS + seed
    frames = setting.crew(cameras).frames(stretch.until_ns + setting.fleet.deadline_ns, whole)
    policy = Policy(
        ServiceEstimate(device.told or device.table, spread=device.spread), options=PolicyOptions(fair=True)
    )
    policy.limit_batch(setting.largest)
    simulation = Simulation(frames, policy=policy, device=device, host=setting.host, seed=whole)
    simulation.play()
    counted = [frame for frame in frames if stretch.from_ns <= frame.captured_ns < stretch.until_ns]
    run = [each for each in simulation.batches if stretch.from_ns <= each.started_ns < stretch.until_ns]
    sizes: Counter[int] = Counter()
    for batch in run:
        sizes[batch.bucket] += len(batch.frames)
    return Played(
        figures=figures(counted, run, from_ns=stretch.from_ns, until_ns=stretch.until_ns),
        latencies_ns=[each.answered_ns - each.captured_ns for each in counted if each.outcome is Outcome.OK],
        sizes=sizes,
        batches=len(run),
    )
