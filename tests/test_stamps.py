"""framebatch.edge.stamps: a file that is not what it was has another stamp."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from framebatch.edge.stamps import Stamp, stamp_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_stamp_tells_whether_a_file_is_what_it_was(tmp_path: Path) -> None:
    """Written to, or exchanged for one of the same size; open or by its path."""
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("abc")
    other.write_text("xyz")
    first = stamp_of(path)
    with path.open() as file:
        assert Stamp.of(os.fstat(file.fileno())) == first == stamp_of(path)
    other.replace(path)
    second = stamp_of(path)
    path.write_text("longer")
    assert len({first, second, stamp_of(path)}) == 3


def test_what_is_not_there_has_none(tmp_path: Path) -> None:
    """So a file that comes back is another one."""
    assert stamp_of(tmp_path / "none") is None
