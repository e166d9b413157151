"""Durations, memory and shares as people write them. No figure is decided here."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Final

from framebatch.clock import MILLISECOND_NS, SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["amount", "apart", "counted", "duration", "inside", "listed", "percent"]

FIGURES: Final = 3
MOST_FIGURES: Final = 9
MIB: Final = 1024**2
GIB: Final = 1024**3


def duration(nanoseconds: float, figures: int = FIGURES) -> str:
    """Milliseconds below one second, else seconds: `4.2 ms`, `131 ms`, `1.31 s`."""
    in_ms = _number(nanoseconds / MILLISECOND_NS, figures)
    return (
        f"{in_ms} ms" if float(in_ms) < SECOND_NS / MILLISECOND_NS else f"{_number(nanoseconds / SECOND_NS, figures)} s"
    )


def amount(size_bytes: float, figures: int = FIGURES) -> str:
    """MiB below one GiB, else GiB: `512 MiB`, `1.5 GiB`."""
    in_mib = _number(size_bytes / MIB, figures)
    return f"{in_mib} MiB" if float(in_mib) < GIB / MIB else f"{_number(size_bytes / GIB, figures)} GiB"


def percent(share: float, figures: int = 2) -> str:
    """A share of 1 as a percentage: `12 %`, `2.4 %`, `150 %`."""
    return f"{_number(share * 100, figures)} %"


def apart(first: float, second: float, write: Callable[[float, int], str], figures: int = FIGURES) -> tuple[str, str]:
    """Two figures with at least so many digits, and as many as it takes to see which is larger."""
    enough = (n for n in range(figures, MOST_FIGURES) if write(first, n) != write(second, n))
    digits = next(enough, MOST_FIGURES)
    return write(first, digits), write(second, digits)


def counted(number: int, one: str, many: str) -> str:
    """A number with what it counts: `1 process`, `3 processes`."""
    return f"{number} {one if number == 1 else many}"


def listed(words: Sequence[str]) -> str:
    """Words as one phrase: `a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def inside(sentence: str) -> str:
    """A sentence as it stands after a colon: its first letter small."""
    return sentence[:1].lower() + sentence[1:]


def _number(value: float, figures: int) -> str:
    """So many significant figures, without an exponent, trailing zeros, or rounding before the point."""
    before = floor(log10(abs(value))) + 1 if value else 1
    text = f"{value:.{min(MOST_FIGURES, max(0, figures - before))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
