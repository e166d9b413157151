"""Whether a file is another one than before, or was written to, or others may read it now: told by its stamp. Opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import os
    from pathlib import Path

__all__ = ["Stamp", "stamp_of"]


class Stamp(NamedTuple):
    """Differs when the file does; with the time of a change of mode too, so that a file that may be read at last is."""

    inode: int
    bytes: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """The stamp of an open file, by its `fstat`."""
        return cls(found.st_ino, found.st_size, found.st_ctime_ns)


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of what lies there; None: nothing that can be looked at."""
    try:
        return Stamp.of(path.stat())
    except OSError:
        return None
