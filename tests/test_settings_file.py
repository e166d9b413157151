"""framebatch.settings.file: reading a file of settings, and finding the line of a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from framebatch.errors import UsageError
from framebatch.settings.file import place_of, read_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Answer where the settings are."""
    return tmp_path / "framebatch.toml"


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_told(file: Path, content: bytes) -> None:
    """With the path that was given."""
    file.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(f"settings {file}: is not TOML: ")):
        read_file(file)


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    """With the system's reason."""
    with pytest.raises(UsageError, match=re.escape(f"settings {file}: cannot be read: No such file")):
        read_file(file)


@pytest.mark.parametrize(
    ("key", "inner", "line"),
    [
        ("port", "", ":2"),
        ("host", "", ":3"),
        ("priorities", "", ":4"),
        ("priorities", "press-*", ":5"),
        ("priorities", "por", ""),
        ("missing", "", ""),
        ("tf32", "", ""),
    ],
)
def test_the_line_of_a_key_is_told_where_one_line_begins_with_it(file: Path, key: str, inner: str, line: str) -> None:
    """Where there are none or several, the file alone is."""
    lines = ["# port", "port=1", ' "host" = "x"', "[priorities]", '"press-*" = "high"', "tf32 = 1", "tf32 = 2"]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert place_of(file, key, inner) == f"{file}{line}"
