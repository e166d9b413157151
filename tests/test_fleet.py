"""framebatch.planning.fleet: who sends frames, and when."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from played import MS

from framebatch.planning.durations import Fixed, Lognormal
from framebatch.planning.fleet import Fleet, SimulatedFrame, Trigger

SECOND = 1000 * MS

fleets = st.builds(
    Fleet,
    cameras=st.integers(1, 9),
    fps=st.sampled_from((0.5, 3.0, 10.0, 29.97, 120.0)),
    deadline_ns=st.integers(1, SECOND),
    trigger=st.sampled_from(Trigger),
    spacing_ns=st.one_of(st.none(), st.integers(0, SECOND)),
    jitter=st.floats(0, 0.5),
    live=st.booleans(),
    network=st.sampled_from((Fixed(0), Fixed(3 * MS), Lognormal(5 * MS, 2))),
)


def times_of(frames: list[SimulatedFrame]) -> dict[str, list[float]]:
    """Answer when each camera took its pictures, in ms."""
    found: dict[str, list[float]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame.captured_ns):
        found[frame.camera].append(frame.captured_ns / MS)
    return found


@given(fleets, st.integers(0, 99))
@settings(deadline=None)
def test_frames_come_in_order_with_the_deadline_counted_from_the_picture(fleet: Fleet, seed: int) -> None:
    """The network takes from it. The same seed gives the same frames."""
    frames, again = fleet.frames(2 * SECOND, seed), fleet.frames(2 * SECOND, seed)
    assert [frame.arrival_ns for frame in frames] == sorted(frame.arrival_ns for frame in frames)
    for frame in frames:
        assert frame.captured_ns >= 0
        assert frame.arrival_ns >= frame.captured_ns
        assert frame.deadline_ns == frame.captured_ns + fleet.deadline_ns
        assert frame.live is fleet.live
    assert [(f.camera, f.captured_ns, f.arrival_ns) for f in frames] == [
        (f.camera, f.captured_ns, f.arrival_ns) for f in again
    ]


@given(st.sampled_from((Trigger.FREE, Trigger.SYNC)), st.sampled_from((1.0, 12.5, 30.0)), st.integers(0, 9))
@settings(deadline=None)
def test_periodic_cameras_send_at_their_rate(trigger: Trigger, fps: float, seed: int) -> None:
    """Each as many in ten seconds as the rate says, one more or less."""
    fleet = Fleet(cameras=5, fps=fps, deadline_ns=MS, trigger=trigger)
    counts = Counter(frame.camera for frame in fleet.frames(10 * SECOND, seed))
    assert len(counts) == 5
    assert all(abs(count - 10 * fps) <= 1 for count in counts.values())


@given(st.floats(0, 0.9), st.integers(0, 9))
@settings(deadline=None)
def test_jitter_is_a_share_of_the_period_around_no_drift(jitter: float, seed: int) -> None:
    """No picture is further than half of it from where it would be without."""
    fleet = Fleet(cameras=3, fps=10, deadline_ns=MS, spacing_ns=7 * MS, jitter=jitter)
    for camera, times_ms in times_of(fleet.frames(5 * SECOND, seed)).items():
        for number, time_ms in enumerate(times_ms):
            assert abs(time_ms - (7 * int(camera) + 100 * number)) <= 100 * jitter / 2 + 1e-6


def test_free_cameras_have_phases_of_their_own() -> None:
    """Anywhere in the period, and others with another seed."""
    fleet = Fleet(cameras=200, fps=10, deadline_ns=MS, jitter=0)
    phases, others = (sorted(times[0] for times in times_of(fleet.frames(SECOND, seed)).values()) for seed in (1, 2))
    assert phases != others
    assert 0 <= phases[0] < 5
    assert 95 < phases[-1] < 100
    assert all(15 <= sum(low <= phase < low + 20 for phase in phases) <= 65 for low in range(0, 100, 20))


def test_synchronised_cameras_take_their_pictures_together() -> None:
    """All at the same moment without jitter, a spacing apart where that is wanted."""
    fleet = Fleet(cameras=3, fps=10, deadline_ns=MS, trigger=Trigger.SYNC, jitter=0)
    assert {tuple(times) for times in times_of(fleet.frames(SECOND, 1)).values()} == {tuple(range(0, 1000, 100))}
    spaced = Fleet(cameras=3, fps=10, deadline_ns=MS, trigger=Trigger.SYNC, spacing_ns=40 * MS, jitter=0)
    assert [times[0] for times in times_of(spaced.frames(SECOND, 1)).values()] == [0, 40, 80]


def test_a_spacing_beyond_the_period_wraps() -> None:
    """The third of three cameras 60 ms apart at 10 frames a second is 20 ms behind the first."""
    fleet = Fleet(cameras=3, fps=10, deadline_ns=MS, spacing_ns=60 * MS, jitter=0)
    assert sorted(times[0] for times in times_of(fleet.frames(SECOND, 1)).values()) == [0, 20, 60]


def test_a_part_triggers_a_station_of_four_that_takes_three_pictures_each() -> None:
    """Ten milliseconds apart, the four within half a millisecond of each other; parts keep their distance."""
    fleet = Fleet(cameras=4, fps=6, deadline_ns=MS, trigger=Trigger.BURST)
    times = sorted(frame.captured_ns / MS for frame in fleet.frames(30 * SECOND, 1))
    parts = [times[at : at + 12] for at in range(0, len(times) - 11, 12)]
    assert len(parts) > 30
    for part in parts:
        for shot in range(3):
            four = part[4 * shot : 4 * shot + 4]
            assert four[0] >= part[0] + 10 * shot - 0.5
            assert 0 < four[-1] - four[0] <= 0.5
    assert all(after[0] - before[0] >= 30 - 0.5 for before, after in pairwise(parts))


@pytest.mark.parametrize(("fps", "cameras"), [(0.5, 8), (6.0, 8), (30.0, 10), (100.0, 4), (200.0, 4)])
def test_bursts_have_the_rate_that_was_asked_for(fps: float, cameras: int) -> None:
    """On average over a long time, each camera; beyond 100 a second parts follow each other without a pause."""
    seconds = 400 if fps < 30 else 60
    frames = Fleet(cameras=cameras, fps=fps, deadline_ns=MS, trigger=Trigger.BURST).frames(seconds * SECOND, 3)
    counts = Counter(frame.camera for frame in frames)
    assert set(counts) == {str(number) for number in range(cameras)}
    assert sum(counts.values()) / seconds / cameras == pytest.approx(fps, rel=0.1)


def test_stations_are_triggered_independently() -> None:
    """The parts of one say nothing of those of the other."""
    fleet = Fleet(cameras=8, fps=6, deadline_ns=MS, trigger=Trigger.BURST)
    times = times_of(fleet.frames(60 * SECOND, 1))
    assert times["0"][0] == pytest.approx(times["3"][0], abs=0.5)
    assert abs(times["0"][0] - times["4"][0]) > 0.5
    assert len(times["0"]) != len(times["4"])


def test_the_network_comes_between_picture_and_server() -> None:
    """Of a slow one frames may overtake each other."""
    fleet = Fleet(cameras=20, fps=30, deadline_ns=MS, network=Lognormal(20 * MS, 1))
    frames = fleet.frames(SECOND, 1)
    delays_ms = [(frame.arrival_ns - frame.captured_ns) / MS for frame in frames]
    assert sum(delays_ms) / len(delays_ms) == pytest.approx(20, rel=0.15)
    captured = [frame.captured_ns for frame in frames]
    assert captured != sorted(captured)
