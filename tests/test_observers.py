"""framebatch.batching.observers: several are told in turn, one directly, none of nothing."""

from __future__ import annotations

from typing import Any

from framebatch.batching.observers import Several, joined, without
from framebatch.frame import Frame
from framebatch.scheduling import WaitUntil


class Noting:
    """Writes down what it is told."""

    def __init__(self, name: str, told: list[tuple[Any, ...]]) -> None:
        self._name = name
        self._told = told

    def __repr__(self) -> str:
        return self._name

    def received(self, frame: Frame) -> None:
        """Note it."""
        self._told.append((self._name, "received", frame.sequence))

    def answered(self, frame: Frame) -> None:
        """Note it."""
        self._told.append((self._name, "answered", frame.sequence))

    def ran(self, **facts: int) -> None:
        """Note it."""
        self._told.append((self._name, "ran", facts))

    def decided(self, decision: Any, **facts: int) -> None:
        """Note it."""
        self._told.append((self._name, "decided", decision, facts))


def test_a_single_observer_is_called_directly() -> None:
    """Nothing stands between, and when it goes there is nobody."""
    one = Noting("one", [])
    assert joined(None, one) is one
    assert without(one, one) is None
    assert without(None, one) is None
    assert without(one, Noting("other", [])) is one


def test_several_are_told_everything_in_their_order() -> None:
    """Every call reaches each with its values; the repr names them."""
    told: list[tuple[Any, ...]] = []
    both = joined(Noting("one", told), Noting("two", told))
    frame = Frame(camera="a", sequence=7, live=False, picture=None, arrival_ns=0, deadline_ns=1, reply=lambda _: None)
    ran = {"rows": 1, "bucket": 2, "dispatched_ns": 3, "started_ns": 4, "finished_ns": 5, "submitted_ns": 6}
    decided = {"time_ns": 1, "start_ns": 2, "waiting": 3, "preparing": 4}
    both.received(frame)
    both.answered(frame)
    both.ran(**ran)
    both.decided(WaitUntil(None), **decided)
    assert told == [
        (name, *rest)
        for rest in (("received", 7), ("answered", 7), ("ran", ran), ("decided", WaitUntil(None), decided))
        for name in ("one", "two")
    ]
    assert repr(both) == "Several(one, two)"


def test_who_goes_is_told_no_more() -> None:
    """Of three two stay together, of two the other one stays alone."""
    one, two, three = (Noting(name, []) for name in ("one", "two", "three"))
    all_three = joined(joined(joined(None, one), two), three)
    left = without(all_three, two)
    assert isinstance(left, Several)
    assert left.observers == (one, three)
    assert without(left, one) is three
