"""framebatch.recording.files: how recordings are named and found, and that one server at a time writes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from framebatch.errors import UsageError
from framebatch.recording.files import claim, file_name, files_of, new_recording, recordings_in

if TYPE_CHECKING:
    from pathlib import Path


def test_recordings_are_ordered_by_their_numbers(tmp_path: Path) -> None:
    """Not by their times: the clock of a device that lost its power starts anew. What else lies there is left alone."""
    (tmp_path / "000009-20261121T101500Z").mkdir()
    (tmp_path / "notes").mkdir()
    made = [new_recording(tmp_path, "19700101T000012Z").name for _ in range(2)]
    assert made == ["000010-19700101T000012Z", "000011-19700101T000012Z"]
    assert [path.name for path in recordings_in(tmp_path)] == ["000009-20261121T101500Z", *made]


def test_files_are_ordered_by_their_numbers(tmp_path: Path) -> None:
    """However many there were."""
    for name in (file_name(10), file_name(9), file_name(1_000_000), file_name(999_999), "notes.txt"):
        (tmp_path / name).touch()
    names = [path.name for path in files_of(tmp_path)]
    assert names == ["000009.fbrec", "000010.fbrec", "999999.fbrec", "1000000.fbrec"]


def test_a_folder_has_one_server(tmp_path: Path) -> None:
    """A second one is told, and may come when the first is gone."""
    folder = tmp_path / "not" / "there"
    first = claim(folder)
    with pytest.raises(UsageError, match=re.escape(f"'record' is {folder}: another server records there; give each")):
        claim(folder)
    os.close(first)
    os.close(claim(folder))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the reason and the remedy."""
    (tmp_path / "file").touch()
    with pytest.raises(
        UsageError, match=r"'record' is .*/file/here: cannot be written: Not a directory; name a folder"
    ):
        claim(tmp_path / "file" / "here")
