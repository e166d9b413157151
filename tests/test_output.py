"""framebatch.recording.output: files of a recording, which together stay within their limit."""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING

import pytest
from recordings import Disk

from framebatch.recording.files import files_of, new_recording, recordings_in
from framebatch.recording.output import FILES, NoSpace, Output

if TYPE_CHECKING:
    from pathlib import Path

STAMP = "20261121T101500Z"
BLOCK = b"block" * 20
MAX_BYTES = FILES * 1_000


def output_in(folder: Path, disk: Disk | None = None) -> Output:
    """Answer one for another recording there."""
    recording = new_recording(folder, STAMP)
    return Output(recording, max_bytes=MAX_BYTES, preamble=lambda: b"beginning;", storage=disk or Disk())


def on_disk(folder: Path) -> int:
    """Answer the bytes of all files."""
    return sum(path.stat().st_size for recording in recordings_in(folder) for path in files_of(recording))


def test_blocks_follow_each_other_behind_a_beginning(tmp_path: Path) -> None:
    """Written in pieces where the system takes no more at a time."""
    output = output_in(tmp_path)
    output.append(BLOCK)
    output.append(BLOCK * 2)
    output.close()
    (file,) = files_of(recordings_in(tmp_path)[0])
    assert file.read_bytes() == b"beginning;" + BLOCK * 3
    assert repr(output) == f"Output(000001-{STAMP}, closed, 1 files, 310 bytes)"


def test_all_files_together_stay_within_the_limit(tmp_path: Path) -> None:
    """At every moment, over several recordings; the oldest go first, and folders with them."""
    for _ in range(3):
        output = output_in(tmp_path)
        for _ in range(100):
            output.append(BLOCK)
            assert on_disk(tmp_path) == output.bytes_on_disk <= MAX_BYTES
        output.close()
    assert [path.name[:6] for path in recordings_in(tmp_path)] == ["000002", "000003"]
    first, last = recordings_in(tmp_path)
    numbers = [int(path.stem) for path in files_of(first)]
    assert numbers == [*range(numbers[0], len(files_of(last)) + 1)]


def test_a_file_holds_a_part_of_the_limit(tmp_path: Path) -> None:
    """So that little is deleted at a time."""
    output = output_in(tmp_path)
    for _ in range(1_000):
        output.append(BLOCK)
    output.close()
    files = files_of(recordings_in(tmp_path)[0])
    sizes = [path.stat().st_size for path in files]
    assert len(files) >= FILES
    assert max(sizes) <= MAX_BYTES // FILES


def test_what_is_left_to_others_is_not_written(tmp_path: Path) -> None:
    """A GiB, or 5 % of a small disk."""
    disk = Disk()
    output = output_in(tmp_path, disk)
    disk.free = (1 << 30) + len(BLOCK)
    output.append(BLOCK)
    disk.free -= 1
    with pytest.raises(NoSpace, match="1024 MiB are free on its disk, and 1024 MiB are left to others"):
        output.append(BLOCK)
    disk.total = 8 << 30
    output.append(BLOCK)
    disk.free = 400 << 20
    with pytest.raises(NoSpace, match="400 MiB are free on its disk, and 409 MiB are left to others"):
        output.append(BLOCK)
    assert on_disk(tmp_path) == output.bytes_on_disk == 2 * len(b"beginning;" + BLOCK)


def test_a_full_disk_ends_a_file_and_not_the_recording(tmp_path: Path) -> None:
    """What was half written stays at the end of its file; the next block begins another."""
    disk = Disk()
    output = output_in(tmp_path, disk)
    output.append(BLOCK)
    disk.room = 30
    with pytest.raises(OSError, match="No space left") as caught:
        output.append(BLOCK)
    assert caught.value.errno == errno.ENOSPC
    disk.room = 1_000
    output.append(BLOCK)
    assert output.bytes_on_disk == on_disk(tmp_path)
    output.close()
    sizes = [path.stat().st_size for path in files_of(recordings_in(tmp_path)[0])]
    assert sizes == [110 + 30, 110]


def test_a_file_that_could_not_be_begun_is_not_left(tmp_path: Path) -> None:
    """Or a disk that stays full would fill with beginnings."""
    disk = Disk()
    output = output_in(tmp_path, disk)
    disk.room = 50
    with pytest.raises(OSError, match="No space left"):
        output.append(BLOCK)
    assert (files_of(recordings_in(tmp_path)[0]), output.bytes_on_disk) == ([], 0)


def test_a_recording_that_somebody_deleted_goes_on(tmp_path: Path) -> None:
    """With another file, in the same folder."""
    output = output_in(tmp_path)
    recording = recordings_in(tmp_path)[0]
    output.append(BLOCK)
    shutil.rmtree(recording)
    output.append(BLOCK)
    output.close()
    assert [path.name for path in files_of(recording)] == ["000002.fbrec"]
