"""Settings in a TOML file: reading it, and finding the line on which a key stands."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from framebatch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["place_of", "read_file"]


def read_file(path: Path) -> dict[str, Any]:
    """Answer what stands in the file.

    Raises:
        UsageError: it cannot be read, or is not TOML; says where.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"settings {path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"settings {path}: is not TOML: {error}") from error


def place_of(path: Path, key: str, inner: str = "") -> str:
    """Answer where a key stands, as `PATH:LINE`; just the path where that is not told by a line that begins with it.

    Args:
        path: a file that could be read.
        key: at the top level.
        inner: a key of its table; empty: the key itself is meant.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return str(path)
    name = r"""["']?""" + re.escape(inner or key) + r"""["']?"""
    wanted = re.compile(rf"\s*{name}\s*=" if inner else rf"\s*({name}\s*[.=]|\[+\s*{name}\s*[.\]])")
    found = [number for number, line in enumerate(lines, 1) if wanted.match(line)]
    return f"{path}:{found[0]}" if len(found) == 1 else str(path)
