"""Pictures from files, sent byte for byte as they lie on the disk, round and round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch_client.errors import SourceError
from framebatch_client.sources.base import Source, SourceFrame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
_HEADER_BYTES = 12


def is_picture(path: Path) -> bool:
    """Tell from its first bytes whether a file is a JPEG, PNG, WebP or BMP; raises OSError when it cannot be read."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    webp = header[:4] == b"RIFF" and header[8:] == b"WEBP"
    return webp or header.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"))


class PictureSource(Source):
    """The given files in their order, forever. A file is read each time it is due and may change in between."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Take at least one path; raises SourceError when there is none."""
        if not paths:
            raise SourceError("there is no picture")
        self._paths = tuple(paths)
        self._index = 0

    @classmethod
    def of_directory(cls, directory: Path) -> PictureSource:
        """Take the pictures directly in a directory, sorted by name; raises SourceError when there is none."""
        paths = sorted(path for path in directory.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
        if not paths:
            raise SourceError(f"no picture ({', '.join(sorted(SUFFIXES))}) in this directory")
        return cls(paths)

    def __repr__(self) -> str:
        """Show how many files and how far."""
        return f"<PictureSource {len(self._paths)} pictures from {self._paths[0].parent}, {self._index} given>"

    def __next__(self) -> SourceFrame:
        path = self._paths[self._index % len(self._paths)]
        try:
            frame = SourceFrame(path.read_bytes(), None, self._index)
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
        self._index += 1
        return frame
