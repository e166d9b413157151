"""Writes the dashboards of `boards` to dashboards/*.json, and what docs/dashboards.md shows of them.

python deploy/grafana/make_dashboards.py
python deploy/grafana/make_dashboards.py --datasource UID --out DIR     for a Grafana that has its Prometheus already
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from boards.camera import CAMERA
from boards.capacity import CAPACITY
from boards.device import DEVICE
from boards.fleet import FLEET
from boards.pages import with_tables
from boards.panels import PROMETHEUS
from boards.runbooks import places_of, runbooks
from boards.sketch import sketch

HERE: Final = Path(__file__).resolve().parent
DASHBOARDS: Final = HERE / "dashboards"
DOCS: Final = HERE.parent.parent / "docs"
PAGE: Final = DOCS / "dashboards.md"


def documents(datasource: str = PROMETHEUS["uid"]) -> dict[str, dict[str, Any]]:
    """Answer all dashboards by uid."""
    folder = DOCS / "runbooks"
    boards = (FLEET, CAMERA, DEVICE, CAPACITY, runbooks(folder))
    return {board.uid: board.document(datasource=datasource, runbooks=places_of(folder)) for board in boards}


def files(datasource: str = PROMETHEUS["uid"]) -> dict[str, str]:
    """Answer the text of each file, by its name."""
    return {
        f"{uid}.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        for uid, document in documents(datasource).items()
    }


def documented() -> dict[str, dict[str, Any]]:
    """Answer those that show figures, which the page lists panel by panel."""
    return {uid: document for uid, document in documents().items() if document["templating"]["list"]}


def page() -> str:
    """Answer docs/dashboards.md with the tables of their panels."""
    return with_tables(PAGE.read_text(encoding="utf-8"), documented())


def sketches() -> dict[str, str]:
    """Answer the pictures of their layouts, by name in docs/images."""
    return {f"{uid}.svg": sketch(document) for uid, document in documented().items()}


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasource", default=PROMETHEUS["uid"], metavar="UID", help="of the Prometheus to ask")
    parser.add_argument("--out", type=Path, default=DASHBOARDS, metavar="DIR", help="where the JSON files go")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, text in files(arguments.datasource).items():
        (arguments.out / name).write_text(text, encoding="utf-8")
    if arguments.out == DASHBOARDS:
        PAGE.write_text(page(), encoding="utf-8")
        for name, picture in sketches().items():
            (DOCS / "images" / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
