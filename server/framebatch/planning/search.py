"""The largest number that still holds, when asking is costly: galloping from a guess, then halving. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["largest"]

FASTER: Final = 4
"""Times as long as the one before is each step: most guesses are right or next to it, the others far off."""


def largest(holds: Callable[[int], bool], *, guess: int, limit: int) -> int:
    """The largest number from 1 to `limit` for which `holds`; 0 where there is none.

    Exact where `holds` is true up to some number and false beyond it. Where it changes sides several times, as noise makes
    it do, one of those places: the answer holds, and the next number does not.

    Takes O(log(distance of the guess)) questions: steps from the guess grow until the side changes (after Bentley and Yao
    1976), then the gap is halved. No number is asked for twice.

    Args:
        holds: asked about numbers from 1 to `limit` only.
        guess: where to begin; any number.
        limit: the answer is not larger.
    """
    if limit < 1:
        return 0
    low, high = 0, limit + 1
    at, step = min(max(guess, 1), limit), 1
    rises = holds(at)
    while low < at < high:
        if rises:
            low = at
        else:
            high = at
        at = at + step if rises else at - step
        step *= FASTER
        if low < at < high and holds(at) != rises:
            low, high = (low, at) if rises else (at, high)
            break
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
