"""A recording played again by the simulator: the same frames, against what really became of them.

Where both agree, what `framebatch plan` promises for this machine can be believed; where they do not, `departures` says
what reality did that the simulation does not know.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS
from framebatch.frame import Outcome
from framebatch.planning.departures import departures
from framebatch.planning.figures import Figures, figures
from framebatch.planning.recorded import Recorded, choose
from framebatch.planning.simulation import Simulation
from framebatch.scheduling import Policy, PolicyOptions, ServiceEstimate

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from framebatch.planning.fleet import SimulatedFrame
    from framebatch.planning.host import Host
    from framebatch.planning.service import DeviceModel
    from framebatch.recording import Recording

__all__ = ["Apart", "Replay", "replay"]

SEED: Final = 1


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Where the two differ most.

    Attributes:
        name: a second since the first frame, or a camera.
        sent: frames.
        live_good: those answered in time by the server.
        simulated_good: and in the simulation.
    """

    name: str
    sent: int
    live_good: int
    simulated_good: int


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What came of playing a recording again.

    Attributes:
        recorded: what was played.
        device: as it was taken to be.
        host: likewise.
        live: what became of the frames on the server.
        simulated: what became of them in the simulation.
        live_frames: the frames that are counted, as they ended on the server.
        simulated_frames: and in the simulation, in the same order.
        pairs: frames by how they ended, live and simulated.
        departures: what reality did beside what the simulation knows, sentences.
        second: in which the two differ most, by frames answered in time; None: in none.
        camera: likewise.
    """

    recorded: Recorded
    device: DeviceModel
    host: Host
    live: Figures
    simulated: Figures
    live_frames: tuple[SimulatedFrame, ...]
    simulated_frames: tuple[SimulatedFrame, ...]
    pairs: dict[tuple[Outcome, Outcome], int]
    departures: tuple[str, ...]
    second: Apart | None
    camera: Apart | None

    @property
    def points_apart(self) -> float:
        """Simulated goodput less live goodput, in percent of the frames sent."""
        return 100 * (self.live.miss_rate - self.simulated.miss_rate)


def replay(recording: Recording, *, model: str = "", from_ns: int = 0) -> Replay:
    """Play a model's frames again, as they arrived.

    Args:
        recording: as it was read.
        model: whose; by default that with most frames.
        from_ns: frames that arrived earlier, after the first one, are played and not counted.

    Raises:
        UsageError: there is no such model, or no frame.
    """
    recorded = choose(recording, model)
    device, host = recorded.device(), recorded.host()
    live = recorded.played()
    played = _play(recorded, device, host)
    from_ns += recorded.from_ns
    counted = [pair for pair in zip(live, played.frames, strict=True) if pair[0].arrival_ns >= from_ns]
    return Replay(
        recorded=recorded,
        device=device,
        host=host,
        live=figures(live, recorded.ran(), from_ns=from_ns, until_ns=recorded.until_ns),
        simulated=figures(played.frames, played.batches, from_ns=from_ns, until_ns=recorded.until_ns),
        live_frames=tuple(was for was, _ in counted),
        simulated_frames=tuple(again for _, again in counted),
        pairs=dict(Counter((a.outcome, b.outcome) for a, b in counted if a.outcome and b.outcome).most_common()),
        departures=tuple(departures(recorded)),
        second=_apart(counted, lambda frame: (frame.arrival_ns - recorded.from_ns) // SECOND_NS),
        camera=_apart(counted, lambda frame: frame.camera),
    )


def _play(recorded: Recorded, device: DeviceModel, host: Host) -> Simulation:
    """With the policy as the server sets it up."""
    told = device.told or device.table
    policy = Policy(ServiceEstimate(told, spread=device.spread), options=PolicyOptions(fair=True))
    simulation = Simulation(recorded.frames_to_play(), policy=policy, device=device, host=host, seed=SEED)
    simulation.play()
    return simulation


def _apart(
    pairs: list[tuple[SimulatedFrame, SimulatedFrame]], key: Callable[[SimulatedFrame], Hashable]
) -> Apart | None:
    """The group of frames in which most were answered in time by one of the two only, on balance."""
    sent: Counter[Hashable] = Counter()
    live: Counter[Hashable] = Counter()
    simulated: Counter[Hashable] = Counter()
    for was, played in pairs:
        group = key(was)
        sent[group] += 1
        live[group] += was.outcome is Outcome.OK
        simulated[group] += played.outcome is Outcome.OK
    worst = max(sent, key=lambda group: abs(live[group] - simulated[group]), default=None)
    if worst is None or live[worst] == simulated[worst]:
        return None
    return Apart(name=str(worst), sent=sent[worst], live_good=live[worst], simulated_good=simulated[worst])
