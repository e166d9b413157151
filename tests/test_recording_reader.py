"""framebatch.recording.reader: gives back what was written, and says what is damaged."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING

import pytest
import recordings
from hypothesis import given
from hypothesis import strategies as st

from framebatch.errors import UsageError
from framebatch.recording import read_recording
from framebatch.recording.codec import encode, preamble

if TYPE_CHECKING:
    from pathlib import Path

FACTS = {"created": "2026-11-21T10:15:00.000+00:00", "framebatch": "0.1.0", "created_ns": 7}
BEGINNING = preamble(FACTS)
BLOCKS = [encode([recordings.frame(number)], first=number) for number in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer the folder of a recording with two files."""
    recording = tmp_path / "000004-20261121T101500Z"
    recording.mkdir()
    (recording / "000001.fbrec").write_bytes(BEGINNING + BLOCKS[0] + BLOCKS[1])
    (recording / "000002.fbrec").write_bytes(BEGINNING + BLOCKS[2])
    return recording


def sequences(path: Path) -> tuple[list[int], int]:
    """Answer the frames that are there, and how many records are said to be missing."""
    found = read_recording(path)
    return [frame.sequence for frame in found.frames], found.lost


def test_a_recording_is_read_as_a_whole_or_by_file(folder: Path) -> None:
    """By its own folder, by the one it lies in, or file by file."""
    paths = (folder, folder.parent, folder / "000001.fbrec", folder / "000002.fbrec")
    assert [sequences(path) for path in paths] == [([0, 1, 2], 0), ([0, 1, 2], 0), ([0, 1], 0), ([2], 0)]


def test_the_newest_recording_is_read(folder: Path) -> None:
    """Of those that have files; older ones by their own folders."""
    newer = folder.parent / "000005-19700101T000000Z"
    newer.mkdir()
    assert sequences(folder.parent) == ([0, 1, 2], 0)
    (newer / "000001.fbrec").write_bytes(BEGINNING + BLOCKS[0])
    assert [sequences(path) for path in (folder.parent, folder)] == [([0], 0), ([0, 1, 2], 0)]


def test_files_that_were_deleted_are_counted_as_lost(folder: Path) -> None:
    """By the number of the first record that is left."""
    (folder / "000001.fbrec").unlink()
    assert sequences(folder) == ([2], 2)


@given(data=st.data())
def test_a_torn_end_costs_the_last_block_at_most(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Wherever a file was cut off, and whatever the disk has put behind: every whole block is read, and the rest is not."""
    whole = BEGINNING + b"".join(BLOCKS)
    end = data.draw(st.integers(len(BEGINNING), len(whole)))
    file = tmp_path_factory.mktemp("torn") / "torn.fbrec"
    file.write_bytes(whole[:end] + data.draw(st.sampled_from([b"", b"\0" * 50, b"\xff" * 3])))
    blocks = [sum(map(len, BLOCKS[:count])) for count in range(4)]
    assert sequences(file)[0] == [*range(max(n for n in range(4) if len(BEGINNING) + blocks[n] <= end))]


@pytest.mark.parametrize(
    ("rest", "lost", "said"),
    [
        (b"", 0, []),
        (BLOCKS[1][:-1], 1, [": a block of 1 records is damaged and left out"]),
        (BLOCKS[1][:10], -1, [f" is damaged from byte {len(BEGINNING + BLOCKS[0])} on; what stood there is lost"]),
        (b"\0" * 80, -1, [f" is damaged from byte {len(BEGINNING + BLOCKS[0])} on; what stood there is lost"]),
    ],
)
def test_a_torn_end_is_said(
    tmp_path: Path, rest: bytes, lost: int, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, and in the number of lost records, as far as that is known."""
    caplog.set_level(logging.WARNING)
    file = tmp_path / "torn.fbrec"
    file.write_bytes(BEGINNING + BLOCKS[0] + rest)
    assert sequences(file) == ([0], lost)
    assert [record.getMessage().removeprefix(str(file)) for record in caplog.records] == said


def test_damage_within_costs_what_is_damaged(folder: Path) -> None:
    """The blocks and files behind it are read."""
    second = bytearray(BLOCKS[1])
    second[-1] ^= 1
    (folder / "000001.fbrec").write_bytes(BEGINNING + BLOCKS[0] + second + BLOCKS[2])
    assert sequences(folder / "000001.fbrec") == ([0, 2], 1)
    (folder / "000001.fbrec").write_bytes(BEGINNING + BLOCKS[0] + BLOCKS[1][:10])
    assert sequences(folder) == ([0, 2], 1)


def test_an_empty_last_file_is_a_torn_end(folder: Path) -> None:
    """A power cut may leave a name and nothing behind it."""
    (folder / "000003.fbrec").touch()
    assert sequences(folder) == ([0, 1, 2], -1)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", BEGINNING[:20], b"framebatch recording 1\n[]\n"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    """With what to name instead."""
    file = tmp_path / "picture.png"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=rf"{re.escape(str(file))} is no recording: .*; name a folder that a server"):
        read_recording(file)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """A path that is nothing, and a folder without recordings."""
    with pytest.raises(UsageError, match="nowhere cannot be read: No such file or directory; name a folder"):
        read_recording(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no recording; name a folder that a server was given with --record"):
        read_recording(tmp_path)


def test_a_recording_of_another_version_is_refused(tmp_path: Path) -> None:
    """Rather than misread."""
    file = tmp_path / "000001.fbrec"
    file.write_bytes(b"framebatch recording 2\n" + json.dumps(FACTS).encode() + b"\n")
    with pytest.raises(
        UsageError, match="was written by another version of framebatch: 'framebatch recording 2'; read"
    ):
        read_recording(file)
