"""Simulations for tests: a plain device, frames by milliseconds, random traffic, and their recordings."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from framebatch.frame import Outcome
from framebatch.planning.fleet import SimulatedFrame
from framebatch.planning.host import IDEAL
from framebatch.planning.service import DeviceModel
from framebatch.planning.simulation import Simulation
from framebatch.profile import LatencyTable
from framebatch.recording import BatchRecord, FrameRecord, ModelRecord, Recording
from framebatch.scheduling import Policy, PolicyOptions, ServiceEstimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.planning.host import Host

MS = 1_000_000
TABLE = LatencyTable.linear(alpha_ns=2 * MS, beta_ns=MS, buckets=(1, 2, 4, 8))
"""3, 4, 6 and 10 ms for 1, 2, 4 and 8 frames."""
DEVICE = DeviceModel(name="plain", table=TABLE)


def dice(seed: int = 1) -> random.Random:
    """Answer random numbers."""
    return random.Random(seed)  # noqa: S311 - a simulation needs no secrecy


def frame(
    at_ms: float, budget_ms: float = 50, camera: str = "a", *, live: bool = False, rows: int = 1
) -> SimulatedFrame:
    """Answer a frame that is captured and arrives then, with so long until its deadline."""
    at_ns = round(at_ms * MS)
    return SimulatedFrame(camera, at_ns, at_ns + round(budget_ms * MS), live=live, rows=rows)


def play(
    frames: Sequence[SimulatedFrame],
    *,
    device: DeviceModel = DEVICE,
    host: Host = IDEAL,
    fair: bool = False,
    seed: int = 0,
) -> Simulation:
    """Answer the simulation after it was played, by a policy that knows what it is told of the device."""
    estimate = ServiceEstimate(device.told or device.table, spread=device.spread)
    policy = Policy(estimate, options=PolicyOptions(fair=fair))
    simulation = Simulation(frames, policy=policy, device=device, host=host, seed=seed)
    simulation.play()
    return simulation


@st.composite
def traffic(draw: st.DrawFn, *, largest: int = 40) -> list[SimulatedFrame]:
    """Up to so many frames of a few cameras, some live, some of several rows, at any load."""
    now_ms = 0.0
    frames = []
    for _ in range(draw(st.integers(1, largest))):
        now_ms += draw(st.sampled_from((0, 0, 0.3, 1, 2.5, 20)))
        camera, rows = draw(st.sampled_from("abcd")), draw(st.sampled_from((1, 1, 1, 2, 5)))
        budget_ms = draw(st.sampled_from((1, 4, 9, 15, 60)))
        frames.append(frame(now_ms, budget_ms, camera, live=camera == "d", rows=rows))
    return frames


def recording_of(
    simulation: Simulation, *, model: str = "m", margin_ns: int = 0, service_ns: tuple[int, ...] = ()
) -> Recording:
    """Answer what a server would have written down that did what the simulation did.

    Args:
        simulation: that was played.
        model: its name.
        margin_ns: as the host had it.
        service_ns: what the server believed; default: `TABLE`.
    """
    written = ModelRecord(
        model, "1", "sim", TABLE.buckets, service_ns or TABLE.service_ns, 1.0, 1.0, TABLE.max_batch, 2, margin_ns
    )
    frames = [
        FrameRecord(
            *(model, f.camera, number, f.live, f.rows, 1, f.arrival_ns, f.deadline_ns, f.ready_ns, f.dispatched_ns),
            *(f.started_ns, f.finished_ns, f.answered_ns, f.batch_size, f.outcome or Outcome.FAILED),
        )
        for number, f in enumerate(simulation.frames)
    ]
    batches = [
        BatchRecord(model, len(b.frames), b.bucket, b.dispatched_ns, b.started_ns, b.finished_ns, b.submitted_ns)
        for b in simulation.batches
    ]
    frames.sort(key=lambda record: record.answered_ns)
    return Recording("2026-11-21T06:00:00+00:00", "0.1.0", (written,), tuple(frames), tuple(batches), (), 0)
