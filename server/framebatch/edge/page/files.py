"""The page's own files, read once from the package. Nothing else is ever served by name."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final, NamedTuple

__all__ = ["INDEX", "StaticFile", "read_files"]

INDEX: Final = "index.html"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """A file in memory."""

    content: bytes
    media_type: str
    etag: str


def read_files() -> dict[str, StaticFile]:
    """All files of the page by name."""
    files = {}
    for each in resources.files("framebatch.edge.page").joinpath("static").iterdir():
        suffix = each.name[each.name.rfind(".") :]
        if suffix in TYPES:
            content = each.read_bytes()
            files[each.name] = StaticFile(content, TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
    return files
