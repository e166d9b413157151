"""framebatch.planning.replay: a recording played again; recordings here are made by the simulator itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from played import MS, TABLE, frame, play, recording_of, traffic

from framebatch.clock import SECOND_NS
from framebatch.frame import Outcome
from framebatch.planning import replay as module
from framebatch.planning.durations import Fixed
from framebatch.planning.fleet import Fleet, SimulatedFrame
from framebatch.planning.host import Host
from framebatch.planning.replay import Apart, replay
from framebatch.planning.service import DeviceModel

if TYPE_CHECKING:
    from framebatch.recording import Recording

HOST = Host(before=Fixed(MS // 2), after=Fixed(MS), margin_ns=MS)


def recorded(cameras: int = 12, *, seconds: int = 4, device: DeviceModel | None = None) -> Recording:
    """Answer what a server writes down on the test's device, whose limit is 800 frames a second."""
    frames = Fleet(cameras=cameras, fps=50, deadline_ns=40 * MS).frames(seconds * SECOND_NS, seed=2)
    device = device or DeviceModel(name="plain", table=TABLE)
    return recording_of(play(frames, host=HOST, device=device, fair=True, seed=module.SEED), margin_ns=HOST.margin_ns)


@pytest.mark.parametrize("cameras", [4, 12, 15, 24])
def test_what_the_simulator_did_it_does_again(cameras: int) -> None:
    """Every frame of its own recording ends in the same way, at half and at one and a half of the device's limit."""
    found = replay(recorded(cameras))
    assert found.live == found.simulated
    assert all(live is simulated for live, simulated in found.pairs)
    assert sum(found.pairs.values()) == found.live.sent == cameras * 200
    assert (found.points_apart, found.second, found.camera, found.departures) == (0.0, None, None, ())


@given(traffic())
@settings(max_examples=30, deadline=None)
def test_any_recording_can_be_played(frames: list[SimulatedFrame]) -> None:
    """Of odd traffic too; every frame is accounted for."""
    found = replay(recording_of(play(frames, host=HOST, fair=True), margin_ns=HOST.margin_ns))
    assert sum(found.pairs.values()) == len(frames)
    assert sum(found.live.outcomes.values()) in {len(frames), found.live.sent}


def test_a_server_that_does_worse_is_found_out() -> None:
    """Frames that it lost in the third second, of one camera, and the simulation does not."""
    written = recorded(4)
    begin_ns = min(each.arrival_ns for each in written.frames)
    lost = tuple(
        each._replace(outcome=Outcome.EXPIRED)
        if each.camera == "2" and 2 <= (each.arrival_ns - begin_ns) // SECOND_NS < 3
        else each
        for each in written.frames
    )
    found = replay(written._replace(frames=lost))
    assert found.pairs == {(Outcome.OK, Outcome.OK): 750, (Outcome.EXPIRED, Outcome.OK): 50}
    assert found.points_apart == pytest.approx(100 * 50 / 800)
    assert found.second == Apart(name="2", sent=200, live_good=150, simulated_good=200)
    assert found.camera == Apart(name="2", sent=200, live_good=150, simulated_good=200)


def test_a_device_slower_than_told_is_played_as_it_was() -> None:
    """The policy is told what the server was told, and the device takes what it took."""
    slow = DeviceModel(
        name="slow", told=TABLE, table=type(TABLE)(TABLE.buckets, tuple(3 * each for each in TABLE.service_ns))
    )
    found = replay(recorded(8, device=slow))
    assert found.device.table == slow.table
    assert found.live.goodput_fps == pytest.approx(found.simulated.goodput_fps, rel=0.02)
    assert found.departures == ("batches took 200.0% more than the server's table says (median)",)


def test_slow_stretches_are_played_where_they_were() -> None:
    """A device that throttles after two of four seconds loses frames then, live and simulated, and not before."""
    hot = DeviceModel(name="hot", table=TABLE, slow_from_ns=2 * SECOND_NS, slow_factor=2.0)
    found = replay(recorded(14, device=hot))
    good = [
        [frame.outcome is Outcome.OK for frame in frames if (frame.arrival_ns >= 2 * SECOND_NS) is late]
        for late in (False, True)
        for frames in (found.live_frames, found.simulated_frames)
    ]
    before, simulated_before, after, simulated_after = (sum(each) / len(each) for each in good)
    assert before == simulated_before == 1.0
    assert after < 0.8
    assert simulated_after == pytest.approx(after, abs=0.02)


def test_the_beginning_may_be_left_out() -> None:
    """It is played, and not counted."""
    found = replay(recorded(4), from_ns=3 * SECOND_NS)
    assert 190 <= found.live.sent == sum(found.pairs.values()) <= 210
    assert found.live.seconds == pytest.approx(1.0, abs=0.03)


def test_critical_cameras_are_served_first_again() -> None:
    """Their class is in the recording: at three times the limit they lose nothing, and the others much."""
    written = recorded(48, seconds=2)
    critical = tuple(each._replace(priority=0 if each.camera in {"3", "7"} else 1) for each in written.frames)
    found = replay(written._replace(frames=critical))
    lost = Counter(frame.camera for frame in found.simulated_frames if frame.outcome is not Outcome.OK)
    assert lost["3"] == lost["7"] == 0
    assert lost["8"] + lost["9"] > 10


def test_live_frames_and_rows_are_played_as_such() -> None:
    """A newer one takes the place of an older; tiles take places of a batch."""
    frames = [frame(1 + at / 2, 60, str(at % 2), live=True, rows=3) for at in range(40)]
    written = recording_of(play(frames, host=HOST, fair=True, seed=module.SEED), margin_ns=HOST.margin_ns)
    found = replay(written)
    assert found.simulated.outcomes == found.live.outcomes
    assert found.simulated.outcomes["SUPERSEDED"] > 10
    assert found.simulated.mean_batch == found.live.mean_batch
