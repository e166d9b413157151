"""How many threads one batch should use on a processor: which counts to try, and which to take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["next_count", "smallest_sufficient"]

_ENOUGH: Final = 0.95


def next_count(rates: Mapping[int, float]) -> int | None:
    """Answer which number of threads to measure next; None when enough is known.

    After all cores come the powers of two below, for as long as fewer threads cost no more than 5 %: what fewer threads
    leave is for decoding, and more of them than the processor really grants only wait for one another.

    Args:
        rates: What was measured so far, in frames per second by number of threads; with all cores at least.

    """
    fewest = min(rates)
    if fewest == 1 or rates[fewest] < _ENOUGH * max(rates.values()):
        return None
    return 1 << ((fewest - 1).bit_length() - 1)


def smallest_sufficient(rates: Mapping[int, float]) -> int:
    """Answer the smallest number of threads that reaches 95 % of the best rate; `rates` must not be empty."""
    return min(count for count, rate in rates.items() if rate >= _ENOUGH * max(rates.values()))
