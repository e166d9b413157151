"""Figures of tables: three significant digits each, so that columns compare. Sentences use `calibration.wording`."""

from __future__ import annotations

from typing import Final

__all__ = ["rate", "three_digits"]

_SIGNIFICANT: Final = 3


def three_digits(value: float) -> str:
    """Write a number with three significant digits and no exponent: `0.0123`, `24.1`, `1,930`."""
    if value == 0:
        return "0"
    digits = 0
    magnitude = abs(value)
    while magnitude < 10 ** (_SIGNIFICANT - 1) and digits < _SIGNIFICANT * 2:
        magnitude *= 10
        digits += 1
    return f"{value:,.{digits}f}"


def rate(frames_a_second: float) -> str:
    """Write a throughput."""
    return f"{three_digits(frames_a_second)} frames/s"
