"""The same work for many values, in several processes where there are processors for it. Knows nothing of plans."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["processors", "work_through"]

A = TypeVar("A")
B = TypeVar("B")


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def work_through(
    work: Callable[[A], B], values: Sequence[A], *, workers: int = 1, done: Callable[[], None] = lambda: None
) -> list[B]:
    """Answer `work` of each value, in their order.

    Args:
        work: a function of a module, as it is started anew in other processes; so are the values sent there.
        values: any number.
        workers: how many processes; 1: none but this one.
        done: called after each, in no particular order of values.
    """
    if workers <= 1 or len(values) <= 1:
        answers = []
        for value in values:
            answers.append(work(value))
            done()
        return answers
    context = get_context("spawn")  # a fork would copy threads of whoever plans from within a program
    with ProcessPoolExecutor(min(workers, len(values)), mp_context=context, initializer=_end_with_the_terminal) as pool:
        futures = [pool.submit(work, value) for value in values]
        for future in as_completed(futures):
            future.result()
            done()
        return [future.result() for future in futures]


def _end_with_the_terminal() -> None:
    """Ctrl-C reaches all processes; those that only work end without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
