"""A dashboard's layout as a picture: the questions in the places that their panels have. No figures: it is no screenshot."""

from __future__ import annotations

import textwrap
from html import escape
from typing import Any, Final

__all__ = ["sketch"]

COLUMN: Final = 50
LINE: Final = 19
EDGE: Final = 3
LETTER: Final = 8.0
"""Width of a letter at 14 pixels, on average."""
STYLE: Final = (
    "text{font:14px system-ui,sans-serif;fill:#1c2733}.kind{font-size:11px;fill:#5b6b7a}"
    ".row{font-weight:600}.name{font-size:18px;font-weight:600}"
)
HEAD: Final = 54


def sketch(document: dict[str, Any]) -> str:
    """Answer the SVG of a dashboard."""
    panels = document["panels"]
    width = 24 * COLUMN
    height = HEAD + LINE * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) + EDGE
    variables = ", ".join(variable["label"] for variable in document["templating"]["list"])
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#f3f5f7"/>',
        f'<text class="name" x="12" y="24">{escape(document["title"])}</text>',
        f'<text class="kind" x="12" y="43">layout, not a screenshot. To be chosen: {escape(variables)}</text>',
    ]
    for panel in panels:
        lines += _panel(panel)
    return "\n".join([*lines, "</svg>\n"])


def _panel(panel: dict[str, Any]) -> list[str]:
    at = panel["gridPos"]
    x, y, width, height = at["x"] * COLUMN, HEAD + at["y"] * LINE, at["w"] * COLUMN, at["h"] * LINE
    if panel["type"] == "row":
        return [f'<text class="row" x="12" y="{y + 15}">{escape(panel["title"])}</text>']
    words = textwrap.wrap(panel["title"], int((width - 24) / LETTER))
    box = (
        f'<rect x="{x + EDGE}" y="{y + EDGE}" width="{width - 2 * EDGE}" height="{height - 2 * EDGE}" rx="4" '
        'fill="#ffffff" stroke="#c3ccd5"/>'
    )
    titles = [f'<text x="{x + 12}" y="{y + 22 + 17 * place}">{escape(line)}</text>' for place, line in enumerate(words)]
    return [box, *titles, f'<text class="kind" x="{x + 12}" y="{y + height - 10}">{panel["type"]}</text>']
