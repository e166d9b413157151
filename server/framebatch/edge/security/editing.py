"""The text of an access file, changed without touching what people wrote into it. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from framebatch.errors import UsageError

if TYPE_CHECKING:
    from framebatch.edge.security.entries import Entry

__all__ = ["with_entry", "without_entry"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def with_entry(text: str, entry: Entry) -> str:
    """Answer the text with an entry more at its end."""
    name = entry.name if _BARE.fullmatch(entry.name) else _quoted(entry.name)
    lines = [f"[{name}]", f"role = {_quoted(entry.role.value)}"]
    if entry.cameras and entry.cameras != (entry.name,):
        lines.append(f"cameras = [{', '.join(map(_quoted, entry.cameras))}]")
    if entry.certificate:
        lines.append(f"certificate = {_quoted(entry.certificate)}")
    if entry.token:
        lines.append(f"token = {_quoted(entry.token)}")
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    return before + "\n".join(lines) + "\n"


def without_entry(text: str, name: str) -> str:
    """Answer the text without an entry's lines; comments above the next entry stay.

    Raises:
        UsageError: its lines cannot be told from others.
    """
    lines = text.splitlines(keepends=True)
    begins = [number for number, line in enumerate(lines) if _header(line) is not None]
    begin = next((number for number in begins if _header(lines[number]) == name), None)
    if begin is None:
        raise _by_hand(name)
    end = next((number for number in begins if number > begin), len(lines))
    while end - 1 > begin and re.match(r"\s*(#|$)", lines[end - 1]):
        end -= 1
    left = "".join(lines[:begin] + lines[end:])
    expected = {key: value for key, value in tomllib.loads(text).items() if key != name}
    try:
        found = tomllib.loads(left)
    except tomllib.TOMLDecodeError:
        raise _by_hand(name) from None
    if found != expected:
        raise _by_hand(name)
    return re.sub(r"\n{3,}", "\n\n", left).lstrip("\n")


def _header(line: str) -> str | None:
    """The name of the table that begins on this line; None: none does."""
    if not line.lstrip().startswith("["):
        return None
    try:
        document = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    (name,) = document or [None]
    return name if document == {name: {}} else None


def _quoted(text: str) -> str:
    """A basic string of TOML; the text is printable."""
    return json.dumps(text, ensure_ascii=False)


def _by_hand(name: str) -> UsageError:
    return UsageError(
        f"the lines of [{name}] cannot be told from others; remove them by hand, the server reads it again"
    )
