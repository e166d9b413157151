"""framebatch.scheduling.telling: cameras whose rate does not fit are told so, in figures."""

from __future__ import annotations

import pytest

from framebatch.frame import Frame, Outcome
from framebatch.profile import LatencyTable
from framebatch.scheduling import Policy, ServiceEstimate, Tally
from framebatch.scheduling.telling import MOST_CAMERAS

MS = 1_000_000
SECOND = 1_000 * MS
TABLE = LatencyTable.linear(alpha_ns=6 * MS, beta_ns=3 * MS, buckets=range(1, 33))
"""Batches of 32 take 102 ms: 313.7 frames a second."""


def asked_for(load: float) -> Policy:
    """Answer a policy whose device is asked for so much of what it carries, until the end of the second second."""
    policy = Policy(ServiceEstimate(TABLE))
    policy._rate_per_ns = load * 32 / (102 * MS)
    policy._window_start_ns = 2 * SECOND
    return policy


def lived(tally: Tally, camera: str = "press", *, frames: int = 40, answered: int = 30) -> None:
    """Let a camera send 20 frames a second, of which so many are answered, first every one and then none."""
    for number in range(frames):
        tally.arrived(camera, SECOND + number * 50 * MS)
        end(tally, camera, Outcome.OK if number < answered else Outcome.EXPIRED)


def end(tally: Tally, camera: str, outcome: Outcome) -> None:
    """Let a frame of the camera have this outcome."""
    frame = Frame(
        camera=camera, sequence=0, live=False, picture=None, arrival_ns=0, deadline_ns=0, reply=lambda _: None
    )
    frame.outcome = outcome
    tally.answered(frame)


def test_a_camera_that_loses_frames_under_overload_is_told_why() -> None:
    """With what the device carries, what it is asked for, what the camera sends and what it got."""
    tally = Tally()
    lived(tally)
    assert tally.tell(asked_for(1.5), "press") == (
        "; the device carries 314 frames/s at these budgets and is asked for 471; "
        "this camera sends 20 a second and lately got 75% answered"
    )


def test_what_other_models_ask_for_is_told_too() -> None:
    """Where a device is shared, its owner must know whose load it is."""
    tally, policy = Tally(), asked_for(0.5)
    policy.other_load = 0.7
    lived(tally)
    assert "is asked for 157 (other models ask for 70% of it); this camera" in tally.tell(policy, "press")


@pytest.mark.parametrize(
    ("load", "frames", "answered"),
    [
        pytest.param(0.5, 40, 20, id="the device is not the reason"),
        pytest.param(1.5, 40, 38, id="nearly all were answered"),
        pytest.param(1.5, 9, 0, id="too few frames to tell"),
    ],
)
def test_nothing_is_said_without_reason(load: float, frames: int, answered: int) -> None:
    """Neither in the answer nor in the count."""
    tally = Tally()
    lived(tally, frames=frames, answered=answered)
    assert (tally.tell(asked_for(load), "press"), tally.not_fitting(asked_for(load), 2 * SECOND)) == ("", 0)


def test_cameras_that_do_not_fit_are_counted_while_they_send() -> None:
    """Two of three; nobody any more when they have been silent for long."""
    tally, policy = Tally(), asked_for(3.0)
    for camera, answered in (("a", 20), ("b", 10), ("c", 40)):
        lived(tally, camera, answered=answered)
    assert tally.not_fitting(policy, 3 * SECOND) == 2
    policy._window_start_ns = 60 * SECOND
    assert tally.not_fitting(policy, 60 * SECOND) == 0


def test_frames_that_are_at_fault_themselves_say_nothing_of_rates() -> None:
    """Broken pictures and failures do not count; those superseded by newer ones were lost."""
    for outcome, told in ((Outcome.INVALID, False), (Outcome.FAILED, False), (Outcome.SUPERSEDED, True)):
        tally = Tally()
        lived(tally, answered=40)
        for _ in range(40):
            end(tally, "press", outcome)
        assert bool(tally.tell(asked_for(1.5), "press")) is told


def test_unknown_cameras_are_told_nothing() -> None:
    """Nothing is known of them."""
    assert Tally().tell(asked_for(1.5), "press") == ""


def test_no_number_of_names_fills_the_memory() -> None:
    """The oldest are forgotten."""
    tally = Tally()
    for number in range(MOST_CAMERAS + 9):
        tally.arrived(str(number), number)
    assert repr(tally) == f"Tally({MOST_CAMERAS} cameras)"
