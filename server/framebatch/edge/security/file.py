"""The access file on the disk: read when it has changed, written whole, and who else can. Judges no credentials."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from framebatch.edge.security.entries import read_entries
from framebatch.edge.stamps import Stamp, stamp_of
from framebatch.errors import UsageError
from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.edge.security.entries import Entry

__all__ = ["AccessFile", "exposed_mode", "write_private"]

log = logging.getLogger(__name__)


def exposed_mode(path: Path) -> str:
    """Who can read or write the file besides its owner and its group's readers; empty: nobody."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & (stat.S_IRWXO | stat.S_IWGRP):
        return ""
    return f"access file {path}: others can read or write it (mode {mode:04o}); chmod 600 {path}"


class AccessFile:
    """One path. Each version of the file is read once; of a faulty one the log says so once. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Stamp | None = None

    def __repr__(self) -> str:
        return f"AccessFile({self._path})"

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"access file {self._path}"

    def read(self) -> tuple[Entry, ...]:
        """Answer the entries of the file as it is now.

        Raises:
            UsageError: it cannot be read, or an entry is wrong.
        """
        try:
            with self._path.open("rb") as file:
                self._seen = Stamp.of(os.fstat(file.fileno()))
                text = file.read().decode("utf-8")
        except FileNotFoundError as error:
            raise UsageError(
                f"{self.name}: is not there; `framebatch access add NAME --role camera --file {self._path}` makes it"
            ) from error
        except OSError as error:
            raise UsageError(
                f"{self.name}: cannot be read: {error.strerror}; the server's user must be able to"
            ) from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{self.name}: is not TOML: it is not UTF-8") from error
        return read_entries(text, str(self._path))

    def read_again(self) -> tuple[Entry, ...] | None:
        """Answer the entries if the file has changed and is good; None: what was known still holds."""
        found = stamp_of(self._path)  # of a file that is gone None; what is wrong with it, `read` says
        if found == self._seen:
            return None
        self._seen = found
        try:
            return self.read()
        except UsageError as error:
            log.error(  # noqa: TRY400 - nobody's bug
                "%s; what it said before still holds", error, extra=event("access.not_read", reason=str(error))
            )
            return None


def write_private(path: Path, text: str) -> None:
    """Put a whole new file in the place of the old one, with its owner and mode; a first one is for its owner alone.

    Raises:
        OSError: it cannot be written; the old one is as it was.
    """
    target = path.resolve()
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mode 0600
    new = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            if target.exists():
                old, own = target.stat(), new.stat()
                if (old.st_uid, old.st_gid) != (own.st_uid, own.st_gid):
                    os.fchown(number, old.st_uid, old.st_gid)
                os.fchmod(number, stat.S_IMODE(old.st_mode))
            file.write(text)
            file.flush()
            os.fsync(number)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
