"""framebatch.calibration.wording: figures as people write them."""

from __future__ import annotations

import pytest

from framebatch.calibration.wording import amount, apart, counted, duration, inside, listed, percent


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ms"),
        (45_600, "0.0456 ms"),
        (4_200_000, "4.2 ms"),
        (131_400_000, "131 ms"),
        (999_700_000, "1 s"),
        (1_312_000_000, "1.31 s"),
        (100_000_000_000, "100 s"),
        (1_234_000_000_000, "1234 s"),
    ],
)
def test_durations_have_three_figures(nanoseconds: int, text: str) -> None:
    """In milliseconds below a second, else in seconds."""
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("mib", "text"), [(0, "0 MiB"), (0.5, "0.5 MiB"), (512, "512 MiB"), (1023.9, "1 GiB"), (1536, "1.5 GiB")]
)
def test_amounts_have_three_figures(mib: float, text: str) -> None:
    """In MiB below a GiB, else in GiB."""
    assert amount(mib * 2**20) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.03, "3 %"), (0.0243, "2.4 %"), (0.125, "12 %"), (1.5, "150 %"), (0.996, "100 %")]
)
def test_shares_are_percentages_of_two_figures(share: float, text: str) -> None:
    """Without zeros that say nothing."""
    assert percent(share) == text


def test_figures_that_differ_are_written_differently() -> None:
    """With as many digits as it takes, and as few as usual where those suffice."""
    assert apart(1_000_400_000, 1_000_000_000, duration) == ("1.0004 s", "1 s")
    assert apart(1_310_000_000, 1_000_000_000, duration) == ("1.31 s", "1 s")
    assert apart(5_000_000, 5_000_000, duration) == ("5 ms", "5 ms")


def test_counts_agree_with_their_nouns() -> None:
    """One is singular, none and many are not."""
    assert [counted(number, "pass", "passes") for number in (0, 1, 2)] == ["0 passes", "1 pass", "2 passes"]


def test_words_are_listed_as_in_a_sentence() -> None:
    """With commas, and an and before the last."""
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_a_sentence_after_a_colon_begins_small() -> None:
    """Its other letters stay."""
    assert inside("Two GiB.") == "two GiB."
