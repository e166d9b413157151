"""framebatch.planning.crowd: the same work for many values."""

from __future__ import annotations

import os

import pytest

from framebatch.planning.crowd import processors, work_through


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_are_in_the_order_of_values(workers: int) -> None:
    """Here or in other processes; each is told of."""
    done: list[None] = []
    assert work_through(divmod_seven, [30, 20, 10], workers=workers, done=lambda: done.append(None)) == [
        (4, 2),
        (2, 6),
        (1, 3),
    ]
    assert len(done) == 3


def test_other_processes_do_the_work() -> None:
    """None of it is done here."""
    assert os.getpid() not in work_through(own_process, [0, 1], workers=2)


def test_what_fails_elsewhere_fails_here() -> None:
    """With the same error."""
    with pytest.raises(ZeroDivisionError):
        work_through(inverse, [1, 0], workers=2)


def test_there_is_a_processor() -> None:
    """At least one may be used."""
    assert processors() >= 1


def divmod_seven(value: int) -> tuple[int, int]:
    """Some work."""
    return divmod(value, 7)


def own_process(_: int) -> int:
    """Where it is done."""
    return os.getpid()


def inverse(value: int) -> float:
    """Work that may fail."""
    return 1 / value
