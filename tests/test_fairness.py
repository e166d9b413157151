"""framebatch.scheduling.fairness: who is served when not all can be."""

from __future__ import annotations

import pytest

from framebatch.scheduling import Priority
from framebatch.scheduling.fairness import MOST_CAMERAS, Shares


def after(frames: dict[str, tuple[int, int]]) -> Shares:
    """Answer shares after so many frames of each camera, and so many served of them."""
    shares = Shares()
    for camera, (came, served) in frames.items():
        for frame in range(came):
            shares.came(camera)
            if frame < served:
                shares.served(camera)
    return shares


def test_who_was_served_least_is_served_first() -> None:
    """Of equals the first."""
    shares = after({"a": (50, 40), "b": (50, 10), "c": (50, 25)})
    assert shares.choose(["a", "b", "c", "b"], 2) == (1, 3)
    assert shares.choose(["x", "y", "z"], 2) == (0, 1)


def test_classes_come_before_shares() -> None:
    """A critical camera is served before any other, best effort after all others."""
    shares = after({"a": (50, 50), "b": (50, 0), "c": (50, 25)})
    shares.classify("a", Priority.CRITICAL)
    shares.classify("b", Priority.BEST_EFFORT)
    assert [shares.choose(["a", "b", "c"], count) for count in (1, 2)] == [(0,), (0, 2)]
    assert shares.critical == {"a"}
    shares.classify("a", Priority.NORMAL)
    assert shares.critical == set()
    assert shares.choose(["a", "c"], 1) == (1,)


def test_frames_of_those_served_less_are_worth_more() -> None:
    """A camera with the mean or more weighs 1, one that is never served 17."""
    shares = after({"a": (2500, 2500), "b": (2500, 0)})
    assert shares.weight("a") == 1.0
    assert shares.weight("b") == pytest.approx(17.0, abs=0.01)
    assert Shares().weight("a") == 1.0


def test_a_share_follows_what_happened_lately() -> None:
    """After a thousand frames the past is forgotten."""
    shares = after({"a": (1000, 0)})
    assert shares.share("a") == pytest.approx(0, abs=0.02)
    for _ in range(1000):
        shares.came("a")
        shares.served("a")
    assert shares.share("a") == pytest.approx(1, abs=0.02)


def test_no_number_of_names_fills_the_memory() -> None:
    """Of very many cameras the ones heard last are remembered, and their mean is right."""
    shares = Shares()
    for number in range(2 * MOST_CAMERAS):
        shares.came(str(number))
    assert len(shares._shares) == MOST_CAMERAS
    assert shares._total == pytest.approx(sum(shares.share(camera) for camera in shares._shares))


def test_classes_of_very_many_names_are_forgotten() -> None:
    """They fill the memory as little as shares do, whether or not a frame of them ever became ready."""
    shares = Shares()
    for number in range(2 * MOST_CAMERAS):
        shares.classify(str(number), Priority.CRITICAL)
    assert (len(shares._classes), len(shares._critical)) == (MOST_CAMERAS, MOST_CAMERAS)


@pytest.mark.parametrize(
    ("critical", "load", "special"),
    [
        pytest.param(1, 3.0, True, id="one of ten"),
        pytest.param(5, 0.5, True, id="half of them, on an idle device"),
        pytest.param(5, 2.0, False, id="half of them, and more than the device could do"),
        pytest.param(6, 0.5, False, id="most"),
        pytest.param(10, 0.5, False, id="all"),
    ],
)
def test_critical_is_for_few(critical: int, load: float, *, special: bool) -> None:
    """Where most frames are, or more than the device could answer, they are normal until that has changed."""
    shares = Shares()
    shares.load = load
    for round_ in range(100):
        for number in range(10):
            if not round_:
                shares.classify(str(number), Priority.CRITICAL if number < critical else Priority.NORMAL)
            shares.came(str(number))
    assert bool(shares.critical) is special
    assert shares.priority("0") is (Priority.CRITICAL if special else Priority.NORMAL)


def test_one_camera_that_floods_is_not_critical() -> None:
    """Nine frames of ten are its own, so it takes its share like the others, and is critical again when it is slower."""
    shares = Shares()
    shares.classify("flood", Priority.CRITICAL)
    for _ in range(100):
        for camera in ("flood",) * 9 + ("a",):
            shares.came(camera)
    assert shares.critical == set()
    for _ in range(300):
        for camera in ("flood", "a", "b", "c", "d"):
            shares.came(camera)
    assert shares.critical == {"flood"}


def test_it_shows_its_state() -> None:
    """The repr counts cameras and critical ones."""
    shares = after({"a": (1, 0)})
    shares.classify("a", Priority.CRITICAL)
    assert repr(shares) == "Shares(1 cameras, 1 critical)"
