"""The files of one recording: the one that is open, and which are deleted to stay within the limit. No thread.

All recordings of a folder count together, so a server that is started again and again fills no disk.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from framebatch.recording.files import file_name, files_of, recordings_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["NoSpace", "Output", "Storage", "Stream"]

FILES: Final = 16
"""A full folder has about so many: what is deleted at a time is a small part of it, and a file can be read alone."""
KEEP_FREE_BYTES: Final = 1 << 30
KEEP_FREE_SHARE: Final = 0.05


class NoSpace(OSError):  # noqa: N818 - a state of the disk
    """What is free on the disk is left to others."""


class Stream(Protocol):
    """An open file, unbuffered."""

    def write(self, content: memoryview, /) -> int | None:
        """Write some of it; answers how much."""

    def close(self) -> None:
        """Be done with it."""


class Storage:
    """What is asked of the operating system. A test may give another one."""

    def create(self, path: Path) -> Stream:
        """Open a file that is not there yet."""
        return path.open("xb", buffering=0)

    def space(self, folder: Path) -> tuple[int, int]:
        """Bytes of the file system that holds the folder, and those of them that are free for this user."""
        total, _, free = shutil.disk_usage(folder)
        return total, free


class Output:
    """Blocks go in, files come out. Blocks on the disk; used by one thread.

    Invariant: after `append` the files of all recordings have `max_bytes` together at most, as long as one block is smaller.
    """

    def __init__(self, recording: Path, *, max_bytes: int, preamble: Callable[[], bytes], storage: Storage) -> None:
        """Find what is there.

        Args:
            recording: its folder, empty.
            max_bytes: of all files of all recordings beside it.
            preamble: what each file begins with.
            storage: of the files.

        Raises:
            OSError: the folder cannot be read.
        """
        self._recording = recording
        self._max_bytes = max_bytes
        self._preamble = preamble
        self._storage = storage
        self._stream: Stream | None = None
        self._number = 0
        self._files: deque[tuple[Path, int]] = deque(
            (path, path.stat().st_size) for each in recordings_in(recording.parent) for path in files_of(each)
        )
        self.bytes_on_disk = sum(size for _, size in self._files)

    def __repr__(self) -> str:
        state = "open" if self._stream is not None else "closed"
        return f"Output({self._recording.name}, {state}, {len(self._files)} files, {self.bytes_on_disk} bytes)"

    def append(self, block: bytes) -> None:
        """Write a block behind the others, in a new file where that is due.

        Raises:
            OSError: it was not written. The next call begins a new file, as the end of this one may be torn.
        """
        self._leave_space(len(block))
        stream = self._stream
        if stream is None or not self._may_grow(*self._files[-1], len(block)):
            self._begin(block)
        else:
            self._make_room(len(block))
            self._write(stream, block)

    def close(self) -> None:
        """Nothing more comes for now."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(OSError):  # told when it was written
                stream.close()

    def _may_grow(self, path: Path, size: int, more: int) -> bool:
        """Whether a file can take more; one that somebody deleted cannot."""
        return size + more <= self._max_bytes // FILES and path.exists()

    def _begin(self, block: bytes) -> None:
        """Write the block to a new file, which is deleted again where that fails."""
        self.close()
        content = self._preamble() + block
        self._make_room(len(content))
        self._recording.mkdir(exist_ok=True)  # somebody may have tidied up
        self._number += 1
        path = self._recording / file_name(self._number)
        self._stream = stream = self._storage.create(path)
        self._files.append((path, 0))
        try:
            self._write(stream, content)
        except OSError:
            path, size = self._files.pop()
            self.bytes_on_disk -= size
            path.unlink(missing_ok=True)
            raise

    def _write(self, stream: Stream, content: bytes) -> None:
        left = memoryview(content)
        try:
            while left:
                count = stream.write(left)
                if not count:
                    raise NoSpace("nothing was written")
                left = left[count:]
                self.bytes_on_disk += count
                path, size = self._files.pop()
                self._files.append((path, size + count))
        except OSError:
            self.close()
            raise

    def _leave_space(self, more: int) -> None:
        total, free = self._storage.space(self._recording.parent)
        keep = min(KEEP_FREE_BYTES, int(total * KEEP_FREE_SHARE))
        if free - more < keep:
            self.close()
            raise NoSpace(f"{free >> 20} MiB are free on its disk, and {keep >> 20} MiB are left to others")

    def _make_room(self, more: int) -> None:
        """Delete the oldest files, never the open one."""
        while self.bytes_on_disk + more > self._max_bytes and len(self._files) > (self._stream is not None):
            path, size = self._files[0]
            path.unlink(missing_ok=True)
            self._files.popleft()
            self.bytes_on_disk -= size
            if path.parent != self._recording:
                with contextlib.suppress(OSError):  # it holds other files still
                    path.parent.rmdir()
