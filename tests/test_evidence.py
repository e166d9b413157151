"""framebatch.planning.evidence: figures from several stretches, and how many of these it takes."""

from __future__ import annotations

from collections import Counter

import pytest

from framebatch.planning.evidence import Evidence, draws_for, gather
from framebatch.planning.figures import Figures
from framebatch.planning.stretch import Played


def played(missed: int, *, sent: int = 1_000, worst: float = 1.0, latency_ns: int = 10_000_000) -> Played:
    """A stretch of ten seconds in which so many frames were missed, and the others answered after the same time."""
    good = sent - missed
    return Played(
        figures=Figures(
            seconds=10.0,
            sent=sent,
            good=good,
            outcomes={"OK": good, "EXPIRED": missed},
            p50_ms=0.0,
            p99_ms=0.0,
            mean_batch=0.0,
            device_busy=0.5,
            worst_camera=worst,
        ),
        latencies_ns=[latency_ns] * good,
        sizes=Counter({4: good}),
        batches=good // 2,
    )


@pytest.mark.parametrize(
    ("missed", "stretches", "fits"),
    [
        ([0, 0, 0, 0], 4, True),
        ([0, 40, 0, 0], 4, True),
        ([0, 41, 0, 0], 2, False),
        ([60, 0, 0, 0], 1, False),
        ([20, 20, 5, 0], 3, False),
        ([9, 9, 9, 9], 4, True),
    ],
)
def test_it_plays_until_nothing_can_change_the_answer(missed: list[int], stretches: int, *, fits: bool) -> None:
    """All of four draws; fewer where so much is missed that the others could be perfect."""
    evidence = gather(lambda seed: played(missed[seed]), 4)
    assert (evidence.stretches, evidence.fits) == (stretches, fits)


def test_few_cameras_take_more_draws() -> None:
    """Three hundred phases in all, within bounds."""
    assert [draws_for(cameras) for cameras in (1, 25, 30, 99, 100, 101, 5_000)] == [12, 12, 10, 4, 3, 3, 3]


def test_stretches_are_added_up() -> None:
    """Frames, times and batches are of all of them; the worst camera and the worst stretch are named beside."""
    evidence = Evidence([played(0), played(20, worst=0.4, latency_ns=30_000_000)])
    figures = evidence.figures
    assert (figures.sent, figures.good, figures.seconds) == (2_000, 1_980, 20.0)
    assert figures.outcomes == {"OK": 1_980, "EXPIRED": 20}
    assert (figures.p50_ms, figures.p99_ms) == (10.0, 30.0)
    assert figures.mean_batch == 2.0
    assert figures.device_busy == 0.5
    assert (figures.worst_camera, evidence.worst) == (0.4, 0.02)
    assert evidence.sizes == {4: 1_980}
    assert repr(evidence) == "Evidence(1.00% of 2000 frames missed)"


def test_one_in_a_hundred_is_not_too_many() -> None:
    """The line itself is on the good side."""
    assert Evidence([played(10)]).fits
    assert not Evidence([played(11)]).fits
