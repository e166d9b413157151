"""The folder that recordings lie in: how they are named and found, and that one server at a time writes there.

    FOLDER/000007-20261121T101500Z/000001.fbrec

A recording is a folder of its own, one for each start of a server. It is found by its number, which rises even where
the clock of a device that lost its power does not.
"""

from __future__ import annotations

import fcntl
import os
import re
from typing import TYPE_CHECKING, Final

from framebatch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["claim", "file_name", "files_of", "new_recording", "recordings_in"]

_RECORDING: Final = re.compile(r"(\d{6,})-\d{8}T\d{6}Z")
_FILE: Final = re.compile(r"(\d{6,})\.fbrec")
_LOCK: Final = ".lock"


def recordings_in(folder: Path) -> list[Path]:
    """The recordings there, the oldest first; OSError when that cannot be read."""
    return _numbered(folder, _RECORDING)


def files_of(recording: Path) -> list[Path]:
    """The files of a recording, the oldest first; OSError when that cannot be read."""
    return _numbered(recording, _FILE)


def file_name(number: int) -> str:
    """Of the file with this number, which starts at 1."""
    return f"{number:06}.fbrec"


def claim(folder: Path) -> int:
    """Make the folder where it is missing, and keep other servers away until the answered descriptor is closed.

    Raises:
        UsageError: that is not possible; names the folder and the remedy.
    """
    remedy = "name a folder that this user may write to with --record DIR, or leave it out to record nothing"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _locked(folder / _LOCK)
    except BlockingIOError as error:
        raise UsageError(
            f"setting 'record' is {folder}: another server records there; give each server a folder of its own"
        ) from error
    except OSError as error:
        reason = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
        raise UsageError(f"setting 'record' is {folder}: cannot be written: {reason}; {remedy}") from error


def new_recording(folder: Path, stamp: str) -> Path:
    """Make the folder of another recording; OSError when that is not possible.

    Args:
        folder: claimed.
        stamp: UTC, as `20261121T101500Z`; for people.
    """
    before = recordings_in(folder)
    number = int(before[-1].name.partition("-")[0]) + 1 if before else 1
    recording = folder / f"{number:06}-{stamp}"
    recording.mkdir()
    return recording


def _locked(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _numbered(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := pattern.fullmatch(path.name))]
    return [path for _, path in sorted(found)]
