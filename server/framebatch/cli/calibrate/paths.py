"""Whether what is measured can be written, found out before minutes of measuring. Writes nothing that stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from framebatch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_folder", "check_target"]


def check_target(option: str, path: Path) -> None:
    """See that a file can be written.

    Args:
        option: whose path it is, for the message.
        path: of a file that may exist.

    Raises:
        UsageError: its folder is missing or cannot be written to, or it is no file.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"{option} is {path}, which exists and is no file; give another path")
    if not path.parent.is_dir():
        raise UsageError(f"{option} is {path}, but there is no folder {path.parent}; make it, or give another path")
    if not os.access(path if path.exists() else path.parent, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise UsageError(f"{option} is {path}, which cannot be written; give another path")


def check_folder(option: str, path: Path) -> None:
    """See that files can be written into a folder, which is made when it is missing.

    Raises:
        UsageError: it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} is {path}, which cannot be made: {error.strerror}; give another folder") from error
    if not os.access(path, os.W_OK):
        raise UsageError(f"{option} is {path}, which cannot be written to; give another folder")
