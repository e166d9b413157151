"""Colours by what they are for, one palette on white and one on a dark page. Nothing is drawn here.

The series are those of Okabe and Ito ("Color Universal Design", 2008), which people tell apart whatever colours they
see, darkened or lightened until they stand out from the ground; markers tell them apart in black and white too.
Every colour of a palette differs from the others, so that a drawing's colours can be exchanged for names.
"""

from __future__ import annotations

from typing import Final

__all__ = ["DARK", "LIGHT", "MARKERS", "SERIES", "as_css", "with_variables"]

SERIES: Final = ("series-1", "series-2", "series-3", "series-4", "series-5", "series-6")
"""One for each thing that is compared."""

MARKERS: Final = ("o", "s", "^", "D", "v", "P")
"""The series' points."""

LIGHT: Final = {
    "ground": "#ffffff",
    "raised": "#f4f6f7",
    "text": "#1d2327",
    "muted": "#5b6670",
    "grid": "#e3e7ea",
    "mark": "#c2410c",
    "series-1": "#0b65a8",
    "series-2": "#b8860b",
    "series-3": "#00795c",
    "series-4": "#a3407f",
    "series-5": "#4a3aa8",
    "series-6": "#6b4f2a",
}

DARK: Final = {
    "ground": "#15191c",
    "raised": "#1e2428",
    "text": "#e8ebed",
    "muted": "#a2adb5",
    "grid": "#2d343a",
    "mark": "#ff9a5c",
    "series-1": "#6db8f2",
    "series-2": "#f0c04a",
    "series-3": "#4cd0a5",
    "series-4": "#e79cc8",
    "series-5": "#b0a6ff",
    "series-6": "#d3b48c",
}


def as_css(palette: dict[str, str]) -> str:
    """Declare a palette as custom properties."""
    return " ".join(f"--{role}: {colour};" for role, colour in palette.items())


def with_variables(drawing: str) -> str:
    """Name the colours of a drawing that was made with the light palette, so that the page's theme decides."""
    for role, colour in LIGHT.items():
        drawing = drawing.replace(colour, f"var(--{role})")
    return drawing
