"""framebatch.planning.advice: what binds, and what is advised; only what was simulated to be true."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from planned import make_setting
from test_evidence import played

from framebatch.planning.advice import advise, bound_by
from framebatch.planning.capacity import Capacity
from framebatch.planning.evidence import Evidence
from framebatch.planning.what_ifs import Answer, what_ifs

SETTING = make_setting()


def capacity(cameras: int, *, missed_beyond: int | None = None) -> Capacity:
    """A made-up one; the fleet with one more misses so many of a thousand frames."""
    beyond = None if missed_beyond is None else Evidence([played(missed_beyond)])
    return Capacity(cameras=cameras, evidence=Evidence([played(0)]), beyond=beyond)


def answers(**found: Capacity) -> list[Answer]:
    """To the questions of a free-running fleet; those not given change nothing."""
    same = capacity(10, missed_beyond=50)
    return [Answer(what_if=each, capacity=found.get(each.kind, same)) for each in what_ifs(SETTING, 10)]


@pytest.mark.parametrize(
    ("device", "deadline", "binds"),
    [
        (capacity(12), capacity(10), "device"),
        (capacity(11), capacity(13), "deadline"),
        (capacity(10, missed_beyond=40), capacity(10, missed_beyond=20), "deadline"),
        (capacity(10, missed_beyond=20), capacity(10, missed_beyond=40), "device"),
    ],
)
def test_that_binds_of_which_more_carries_most_more(device: Capacity, deadline: Capacity, binds: str) -> None:
    """Where none carries a whole camera more, that with which the next one misses less."""
    assert bound_by(10, answers(device=device, deadline=deadline)) == binds


def test_ways_that_carry_more_are_advised() -> None:
    """With their figure; resources are told elsewhere, and what carries no more is not told."""
    told = list(advise(SETTING, capacity(10), answers(staggered=capacity(13), device=capacity(20), live=capacity(9))))
    assert [(each.kind, each.max_cameras) for each in told] == [("staggered", 13), ("batches", None)]
    assert told[0].text.startswith("Phases spread evenly over the period (each camera 1 ms after the one before): 13")


def test_a_common_trigger_that_costs_cameras_is_warned_of() -> None:
    """And only then."""
    told = next(advise(SETTING, capacity(10), answers(sync=capacity(4))))
    assert told.text.endswith("triggered at the same moment, 4 would be carried, 6 fewer.")
    assert [each.kind for each in advise(SETTING, capacity(10), answers(sync=capacity(10)))] == ["batches"]


def test_a_compared_device_that_carries_more_is_named() -> None:
    """One that carries no more is not."""
    told = list(advise(SETTING, capacity(10), answers(), [("half precision", 14), ("slow", 3)]))
    assert told[0].text == "half precision: 14 would be carried, 4 more."
    assert len(told) == 2


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({1: 900}, "Frames are run one by one."),
        (
            {2: 5, 4: 990, 16: 5},
            "on average, in batches of up to 4, which take 4 ms; larger ones, up to 16, are not needed.",
        ),
        ({4: 500, 16: 500}, "on average, in batches of up to 16."),
    ],
)
def test_the_batches_that_are_run_are_told(sizes: dict[int, int], text: str) -> None:
    """Those that hold a hundredth of the frames or more."""
    evidence = Evidence([replace(played(0), sizes=Counter(sizes), batches=500)])
    told = list(advise(SETTING, replace(capacity(10), evidence=evidence), answers()))[-1]
    assert told.text.endswith(text)
