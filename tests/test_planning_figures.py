"""framebatch.planning.figures: what became of frames, in a few figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import MS, frame, play

from framebatch.frame import Outcome
from framebatch.planning.figures import Figures, figures, quantile
from framebatch.planning.fleet import SimulatedFrame
from framebatch.planning.recorded import Ran


def ended(at_ms: float, outcome: Outcome, after_ms: float = 0, camera: str = "a") -> SimulatedFrame:
    """Answer a frame that was captured then and answered so much later."""
    made = frame(at_ms, 1000, camera)
    made.outcome, made.answered_ns = outcome, made.captured_ns + round(after_ms * MS)
    return made


def test_figures_of_a_hand_made_second() -> None:
    """Four frames of two cameras, one of each lost; two batches that take 100 ms each; a frame before and one after."""
    frames = [
        ended(0, Outcome.OK, 10),
        ended(1000, Outcome.OK, 10),
        ended(1100, Outcome.OK, 30, "b"),
        ended(1200, Outcome.EXPIRED, 50),
        ended(1999, Outcome.REJECTED, 0, "c"),
        ended(2000, Outcome.OK, 10),
    ]
    batches = [
        Ran(range(8), 900 * MS, 1000 * MS),
        Ran(range(1), 1000 * MS, 1100 * MS),
        Ran(range(4), 1950 * MS, 2050 * MS),
    ]
    found = figures(frames, batches, from_ns=1000 * MS, until_ns=2000 * MS)
    assert found == Figures(
        seconds=1.0,
        sent=4,
        good=2,
        outcomes={"OK": 2, "EXPIRED": 1, "REJECTED": 1},
        p50_ms=30.0,
        p99_ms=30.0,
        mean_batch=2.5,
        device_busy=0.15,
        worst_camera=0.0,
    )
    assert found.goodput_fps == 2.0
    assert found.miss_rate == 0.5


def test_latency_counts_from_the_picture() -> None:
    """Not from its arrival at the server."""
    late = SimulatedFrame("a", 0, 100 * MS, arrival_ns=40 * MS)
    late.outcome, late.answered_ns = Outcome.OK, 55 * MS
    assert figures([late], [], from_ns=0, until_ns=MS).p50_ms == 55.0


def test_nothing_is_no_miss() -> None:
    """A stretch without a frame or a batch."""
    nothing = figures([], [], from_ns=0, until_ns=1000 * MS)
    assert (nothing.miss_rate, nothing.goodput_fps, nothing.mean_batch, nothing.worst_camera) == (0.0, 0.0, 0.0, 1.0)


def test_figures_of_a_simulation() -> None:
    """Three frames, each alone for 3 ms: the device is busy for 9 of 30 ms."""
    played = play([frame(0), frame(10), frame(20)])
    found = figures(played.frames, played.batches, from_ns=0, until_ns=30 * MS)
    assert (found.good, found.mean_batch, found.p99_ms, found.worst_camera) == (3, 1.0, 3.0, 1.0)
    assert found.device_busy == pytest.approx(0.3)


@given(st.lists(st.integers(0, 99)), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values(values: list[int], share: float) -> None:
    """At least the share of them is no larger; 0 where there are none."""
    ordered = sorted(values)
    found = quantile(ordered, share)
    if not ordered:
        assert found == 0
        return
    assert sum(value <= found for value in ordered) >= share * len(ordered)
    assert found in ordered
