"""Figures of a profile as people read them. Text only; no tables, no colours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from framebatch.clock import ns_to_ms

if TYPE_CHECKING:
    from framebatch.profile import Measurement, Run

__all__ = ["bytes_text", "digits_for", "kind_of", "made", "ms_text", "precision_of"]

_KIB: Final = 1024
_DIGITS: Final = ((10.0, 3), (100.0, 2), (1000.0, 1))


def ms_text(nanoseconds: float, digits: int) -> str:
    """Nanoseconds as milliseconds, without the unit."""
    return f"{ns_to_ms(nanoseconds):.{digits}f}"


def digits_for(largest_ns: float) -> int:
    """How many digits after the point the milliseconds of a column need, by its largest value."""
    return next((digits for below, digits in _DIGITS if ns_to_ms(largest_ns) < below), 0)


def precision_of(measured: Measurement) -> float:
    """Half the width of the median's 95 % interval, over the median."""
    return (measured.median_high_ns - measured.median_low_ns) / 2 / measured.median_ns


def bytes_text(count: float) -> str:
    """Bytes in the unit that suits them: `640 MiB`, `1.52 GiB`, `141 GiB`."""
    mebi = count / _KIB**2
    if abs(mebi) < _KIB:
        return f"{mebi:.0f} MiB"
    gibi = mebi / _KIB
    return f"{gibi:.{2 if abs(gibi) < 10 else 1 if abs(gibi) < 100 else 0}f} GiB"  # noqa: PLR2004 - three digits in all


def made(run: Run) -> str:
    """When a profile was made, to the minute, in UTC."""
    return f"{datetime.fromisoformat(run.created).astimezone(UTC):%Y-%m-%d %H:%M}"


def kind_of(run: Run) -> str:
    """How a profile was made, in a word or two."""
    kind = "quick" if run.quick else "full"
    return kind if run.complete else f"{kind}, stopped"
