"""framebatch.calibration.keeping: sizes that a fit is not shown."""

from __future__ import annotations

from framebatch.calibration.keeping import is_power_of_two, kept_out
from framebatch.profile import KeptOut


def test_fits_for_the_comparison_are_shown_powers_of_two() -> None:
    """1, 2, 4 and so on; not 3 * 2^k."""
    assert [batch for batch in range(1, 33) if is_power_of_two(batch)] == [1, 2, 4, 8, 16, 32]


def test_the_error_is_that_of_the_prediction() -> None:
    """Above 0 when more was foretold than measured."""
    assert kept_out(3, 110, 100) == KeptOut(batch=3, predicted=110, measured=100, error=0.1)
