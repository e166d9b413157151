"""framebatch.cli.profile.plot: pictures of block characters."""

from __future__ import annotations

import pytest

from framebatch.cli.profile.plot import bar, columns


@pytest.mark.parametrize(
    ("share", "expected"), [(0, ""), (1, "████"), (0.5, "██"), (0.25 + 1 / 32, "█▏"), (1 / 32, "▏"), (0.999, "████")]
)
def test_a_bar_is_drawn_to_an_eighth_of_a_character(share: float, expected: str) -> None:
    """Never longer than its width."""
    assert bar(share, 4) == expected


def test_columns_stand_over_their_labels() -> None:
    """The tallest reaches the top, the others their share; every line is equally wide."""
    text = columns("ms", [10, 40, 25], ["1", "4", "128"], marked=1, style="cyan", height=2)
    assert text.plain.splitlines() == [
        "ms            ",
        "40 ┤    ██ ▂▂▂",
        "   │ ▄▄ ██ ███",
        " 0 └──────────",
        "     1  4  128",
    ]


def test_a_value_of_none_draws_nothing() -> None:
    """Zero is an empty column."""
    assert columns("x", [0, 1], ["1", "2"], marked=0, style="", height=1).plain.splitlines()[1] == "1 ┤    ██"
