"""framebatch.planning.evidence: figures from several stretches, and how many of these it takes."""

from __future__ import annotations

from collections import Counter

import pytest

from framebatch.planning.evidence import SEEDS, Evidence, gather
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
        ([0] * 9, 3, True),
        ([60, 0, 0], 1, False),
        ([30, 32, 31], 3, False),
        ([5, 15, 8, 16, 4, 14, 6, 10], 8, True),
        ([0, 40, 0, 0, 0, 0, 0, 0], 8, True),
        ([9, 9, 9], 3, True),
    ],
)
def test_it_plays_until_the_side_is_clear(missed: list[int], stretches: int, *, fits: bool) -> None:
    """Three stretches that agree, one that is far beyond the line, else as many as there may be."""
    evidence = gather(lambda seed: played(missed[seed]))
    assert (evidence.stretches, evidence.fits) == (stretches, fits)
    assert stretches <= SEEDS[1]


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
