"""Columns of block characters: a small picture of a curve for terminals. Knows nothing of profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bar", "columns"]

_EIGHTHS_UP: Final = " ▁▂▃▄▅▆▇█"
_EIGHTHS_RIGHT: Final = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int) -> str:
    """A bar that lies: `share` (0 to 1) of `width` characters, to an eighth of one."""
    eighths = round(share * width * 8)
    part = _EIGHTHS_RIGHT[eighths % 8] if eighths % 8 else ""
    return "█" * (eighths // 8) + part


def columns(
    title: str, values: Sequence[float], labels: Sequence[str], *, marked: int, style: str, height: int = 6
) -> Text:
    """Columns that stand side by side, over their labels.

    Args:
        title: what is shown, and its unit.
        values: not negative, and not all zero.
        labels: one for each value.
        marked: place of the column that stands out.
        style: colour of the others.
        height: in lines, without title and labels.

    Returns:
        `height` + 3 lines of the same width, the last without a line break.
    """
    widths = [max(2, len(label)) for label in labels]
    eighths = [round(value / max(values) * height * 8) for value in values]
    top = _short(max(values))
    margin = max(len(top), 1)
    inner = sum(widths) + len(widths)
    text = Text(no_wrap=True)
    text.append(f"{title:<{margin + 2 + inner}}\n", style="bold")
    for line in range(height):
        text.append(f"{top if line == 0 else '':>{margin}} {'┤' if line == 0 else '│'}", style="dim")
        for place, (width, filled) in enumerate(zip(widths, eighths, strict=True)):
            level = min(8, max(0, filled - (height - 1 - line) * 8))
            text.append(" ")
            text.append(_EIGHTHS_UP[level] * width, style="bold green" if place == marked else style)
        text.append("\n")
    text.append(f"{'0':>{margin}} └{'─' * inner}\n", style="dim")
    text.append(" " * (margin + 2))
    for place, (width, label) in enumerate(zip(widths, labels, strict=True)):
        text.append(" ")
        text.append(f"{label:^{width}}", style="bold green" if place == marked else "")
    return text


def _short(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits before the point
