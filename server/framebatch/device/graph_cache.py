"""Programs that were built and proven at an earlier start, kept as files, so that a restart is quick.

What determines a program, and so belongs into its key, is the caller's to know. Nothing here can make loading fail: a
folder that cannot be used, a file that is damaged or missing, all mean that there is nothing to be had.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GraphCache", "Kept", "cache_key"]

log = logging.getLogger(__name__)

_LIMIT_BYTES: Final = 1 << 30
_SUFFIX: Final = ".graph"


class Kept(NamedTuple):
    """What was found."""

    content: bytes
    facts: dict[str, Any]


def cache_key(facts: Mapping[str, Any]) -> str:
    """Answer a name for what these facts (values that JSON can hold, or that have a `str`) determine."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


class GraphCache:
    """A folder of files, each a line of JSON with the content's length and hash, and then the content.

    Files are written under another name and renamed, so that none is ever seen half written. Several processes may use
    one folder.
    """

    def __init__(self, folder: Path | None = None, *, limit_bytes: int = _LIMIT_BYTES) -> None:
        """Use a folder, which need not exist.

        Args:
            folder: Default: `framebatch/graphs` in the user's folder for caches.
            limit_bytes: When all files are larger together, those unused for longest go. Default 1 GiB.

        """
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        self._folder = folder or Path(base) / "framebatch" / "graphs"
        self._limit_bytes = limit_bytes

    def __repr__(self) -> str:
        return f"<GraphCache {self._folder}>"

    def get(self, key: str) -> Kept | None:
        """Answer what was put under this key; None where there is nothing, or where it is damaged."""
        try:
            path = self._folder.expanduser() / f"{key}{_SUFFIX}"
            line, _, content = path.read_bytes().partition(b"\n")
            header = json.loads(line)
            whole = header["length"] == len(content) and header["sha256"] == hashlib.sha256(content).hexdigest()
            facts = dict(header["facts"])
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            log.warning(
                "a kept program is not used, but built anew: %s", error, extra=event("program.not_reused", reason=error)
            )
            return None
        if not whole:
            log.warning(
                "a kept program is not used, but built anew: %s is damaged",
                path,
                extra=event("program.damaged", path=path),
            )
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used now, so not the next to go
        return Kept(content, facts)

    def put(self, key: str, content: bytes, facts: Mapping[str, Any]) -> None:
        """Keep `content` and `facts`, which JSON must be able to hold, under this key."""
        header = {"length": len(content), "sha256": hashlib.sha256(content).hexdigest(), "facts": dict(facts)}
        temporary = None
        try:
            folder = self._folder.expanduser()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{key}.", delete=False) as file:
                temporary = Path(file.name)
                file.write(json.dumps(header).encode() + b"\n")
                file.write(content)
            temporary.replace(folder / f"{key}{_SUFFIX}")
            self._prune(folder)
        except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
            log.info(
                "the program is not kept for the next start: %s", error, extra=event("program.not_kept", reason=error)
            )
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def _prune(self, folder: Path) -> None:
        files = []
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process may prune too
                facts = path.stat()
                files.append((facts.st_mtime_ns, facts.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files)[:-1]:
            if total <= self._limit_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
