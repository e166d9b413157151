"""Colours, thresholds and words. Colours are Grafana's named ones, which it draws for light and for dark themes."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["DUE", "OUTCOMES", "STATES", "VERDICTS", "above", "below", "coloured", "neutral", "words"]

OUTCOMES: Final = {
    "OK": "green",
    "EXPIRED": "red",
    "REJECTED": "orange",
    "SUPERSEDED": "blue",
    "INVALID": "purple",
    "FAILED": "dark-red",
}


def neutral() -> dict[str, Any]:
    """No judgement: one colour for all values."""
    return _steps(("blue", None))


def above(*limits: float) -> dict[str, Any]:
    """More is worse: red from the last limit on, orange from the one before."""
    colours = ("orange", "red")[-len(limits) :]
    return _steps(("green", None), *zip(colours, limits, strict=True))


def below(bad: float, warn: float) -> dict[str, Any]:
    """Less is worse: red up to `bad`, orange up to `warn`."""
    return _steps(("red", None), ("orange", bad), ("green", warn))


def words(said: dict[int, tuple[str, str]]) -> list[dict[str, Any]]:
    """Words and colours in place of numbers."""
    options = {
        str(value): {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(said.items())
    }
    return [{"type": "value", "options": options}]


def coloured(colours: dict[str, str]) -> list[dict[str, Any]]:
    """Fixed colours of series, by what the legend calls them."""
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in colours.items()
    ]


def _steps(*steps: tuple[str, float | None]) -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for colour, value in steps]}


STATES: Final = words({0: ("no", "red"), 1: ("yes", "green")})
DUE: Final = words({0: ("no", "green"), 1: ("yes", "orange")})
VERDICTS: Final = [
    {"type": "range", "options": {"from": low, "to": high, "result": {"text": text, "color": colour, "index": index}}}
    for index, (low, high, text, colour) in enumerate(
        ((0.99, None, "in time", "green"), (0.9, 0.99, "misses", "orange"), (None, 0.9, "loses", "red"))
    )
]
"""Of a share in time; of two that touch, the first holds."""
