"""framebatch.calibration.outlook: what people are told of a run that takes ten seconds at most."""

from __future__ import annotations

from framebatch.calibration.outlook import Outlook
from framebatch.calibration.points import Point
from framebatch.calibration.wanted import Progress

SECOND = 1_000_000_000


def test_the_budget_is_what_is_left_at_first() -> None:
    """Then what was said to be left, and never more than the budget."""
    outlook = Outlook(0, 10 * SECOND)
    outlook.begin("climbing", batch=4)
    assert outlook.at(4 * SECOND) == Progress(stage="climbing", batch=4, share=0.4, left_seconds=6.0)
    outlook.begin("soaking", end_ns=8 * SECOND)
    assert outlook.at(6 * SECOND) == Progress(stage="soaking", share=0.75, left_seconds=2.0)
    outlook.begin("soaking", end_ns=80 * SECOND)
    assert outlook.at(6 * SECOND).left_seconds == 4.0


def test_the_share_never_falls() -> None:
    """Not even where more is left than was thought."""
    outlook = Outlook(0, 10 * SECOND)
    outlook.begin("soaking", end_ns=5 * SECOND)
    assert outlook.at(4 * SECOND).share == 0.8
    outlook.begin("soaking again")
    assert (outlook.at(5 * SECOND).share, outlook.at(12 * SECOND).share) == (0.8, 1.0)
    assert repr(outlook) == "<Outlook 'soaking again', batch 0, 100%>"


def test_the_latest_point_stays_until_the_next() -> None:
    """Also when all is over."""
    outlook, point = Outlook(0, SECOND), Point(batch=3)
    outlook.note(point)
    outlook.begin("idling")
    assert outlook.at(0).latest is point
    assert outlook.done() == Progress(stage="done", share=1.0, latest=point)
