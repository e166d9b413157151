"""docs/metrics.md: it lists the series of a real server, all of them, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from served_families import Family, families_of

if TYPE_CHECKING:
    from pathlib import Path


class Row(NamedTuple):
    """A line of the page."""

    name: str
    family: Family
    unit: str


def rows(root: Path) -> list[Row]:
    """Answer the lines of the page's tables."""
    page = (root / "docs" / "metrics.md").read_text(encoding="utf-8")
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| `")
    ]
    return [
        Row(name.strip("`"), Family(kind, frozenset(re.findall(r"`(\w+)`", labels))), unit)
        for name, kind, labels, unit, _ in lines
    ]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.usefixtures("restored_interpreter")
async def test_the_page_lists_what_a_server_exports(root: Path, tmp_path: Path) -> None:
    """Every series with its type and labels, in one line; none that does not exist."""
    documented = rows(root)
    assert len({row.name for row in documented}) == len(documented)
    assert {row.name: row.family for row in documented} == await families_of(tmp_path)


def test_units_are_those_of_the_names(root: Path) -> None:
    """A name that ends with a unit is documented with it."""
    for row in rows(root):
        words = row.name.removesuffix("_total").split("_")
        if words[-1] in {"seconds", "bytes", "frames", "ratio"}:
            assert (row.name, row.unit) == (row.name, words[-1])
