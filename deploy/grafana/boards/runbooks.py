"""The runbooks as a dashboard, so that they can be read where the alert shows, also without a network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from boards.board import Board, Row
from boards.panels import text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["places_of", "runbooks"]

LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
UID: Final = "framebatch-runbooks"


def runbooks(folder: Path) -> Board:
    """Answer the dashboard of all pages in the folder."""
    pages = _pages(folder)
    places = places_of(folder)
    names = {path.name: alert for alert, path in pages.items()}
    panels = [
        text(
            alert,
            _for_grafana(path.read_text(encoding="utf-8"), {name: places[names[name]] for name in names}),
            description=f"What to do about {alert}: the page docs/runbooks/{path.name} of the project.",
        )
        for alert, path in pages.items()
    ]
    if len(panels) % 2:
        panels[-1]["gridPos"]["w"] = 24
    return Board(
        uid=UID,
        title="framebatch: runbooks",
        description="What does each alert mean, what to look at, and what to do?",
        rows=[Row("", panels)],
        refresh="",
    )


def places_of(folder: Path) -> dict[str, int]:
    """Answer the id of the panel that shows an alert's page."""
    return {alert: place for place, alert in enumerate(_pages(folder), start=1)}


def _pages(folder: Path) -> dict[str, Path]:
    """Pages by the alert that their first line names, in the order of these names."""
    paths = [path for path in folder.glob("*.md") if path.name != "README.md"]
    pages = {path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "): path for path in paths}
    return dict(sorted(pages.items()))


def _for_grafana(page: str, places: dict[str, int]) -> str:
    """The page without its heading, which is the panel's; links to other runbooks lead to their panels, others are words."""

    def replaced(link: re.Match[str]) -> str:
        words, target = link.groups()
        if target in places:
            return f"[{words}](/d/{UID}?viewPanel=panel-{places[target]})"
        return words if not target.startswith("..") else f"{words} (docs/{target.removeprefix('../')})"

    return LINK.sub(replaced, page.split("\n", 1)[1].strip())
