"""The tables of docs/dashboards.md: every panel by the question that it answers, and what to do when it looks bad."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["with_tables"]


def with_tables(page: str, documents: dict[str, dict[str, Any]]) -> str:
    """Answer the page with the table of each dashboard between its marks, `<!-- UID -->` and `<!-- end -->`.

    Raises:
        ValueError: the page has no such marks for a dashboard.
    """
    for uid, document in documents.items():
        pattern = rf"(<!-- {uid} -->\n).*?(<!-- end -->)"
        if not re.search(pattern, page, re.DOTALL):
            raise ValueError(f"the page has no place for {uid}: <!-- {uid} --> and <!-- end -->")
        table = _table(document)
        page = re.sub(pattern, lambda marks, table=table: marks[1] + table + marks[2], page, flags=re.DOTALL)  # type: ignore[misc]
    return page


def _table(document: dict[str, Any]) -> str:
    lines = ["| question | shown as | how to read it |", "| --- | --- | --- |"]
    for panel in document["panels"]:
        if panel["type"] == "row":
            lines.append(f"| **{panel['title']}** | | |")
        else:
            lines.append(f"| {panel['title']} | {panel['type']} | {panel['description']} |")
    return "\n".join(lines) + "\n"
