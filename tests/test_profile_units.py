"""framebatch.cli.profile.units: figures as people read them."""

from __future__ import annotations

import pytest
from profiles import make_bucket, make_profile

from framebatch.cli.profile.units import bytes_text, digits_for, kind_of, made, ms_text, precision_of


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 MiB"),
        (640 << 20, "640 MiB"),
        (1556 << 20, "1.52 GiB"),
        (22.5 * 2**30, "22.5 GiB"),
        (139 << 30, "139 GiB"),
        (-200 << 20, "-200 MiB"),
    ],
)
def test_bytes_are_told_in_three_digits(count: float, expected: str) -> None:
    """In MiB below a GiB."""
    assert bytes_text(count) == expected


@pytest.mark.parametrize(("largest_ms", "expected"), [(0.5, "0.500"), (25, "0.50"), (250, "0.5"), (2500, "0")])
def test_a_column_of_times_has_the_digits_that_its_largest_needs(largest_ms: float, expected: str) -> None:
    """So that all of its numbers have the same."""
    assert ms_text(500_000, digits_for(largest_ms * 1e6)) == expected


def test_the_precision_of_a_median_is_half_its_interval() -> None:
    """As a share of the median."""
    measured = make_bucket(4, n=100, spread=0.1).measured
    assert measured is not None
    assert precision_of(measured) == pytest.approx(0.025)


def test_a_run_is_told_by_its_time_and_kind() -> None:
    """In UTC, to the minute."""
    run = make_profile().run
    assert (made(run), kind_of(run)) == ("2026-11-20 14:03", "full")
    later = run.model_copy(update={"created": "2026-11-21T00:10:00+05:30", "quick": True, "complete": False})
    assert (made(later), kind_of(later)) == ("2026-11-20 18:40", "quick, stopped")
