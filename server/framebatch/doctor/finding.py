"""What a check says: a verdict, what was found, and what to do. And how figures are written in it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

__all__ = ["Finding", "bytes_text", "note", "ok", "problem"]

_KIB: Final = 1024
_PRECISE_BELOW: Final = 10


class Finding(NamedTuple):
    """One line of a report."""

    topic: str
    """What was looked at, in a word or two."""
    verdict: Literal["ok", "note", "problem"]
    """`problem`: a server will not work as asked; `note`: it will, and somebody should know this."""
    found: str
    """One sentence, without a full stop."""
    remedy: str = ""
    """What to do; empty where nothing is to be done."""


def ok(topic: str, found: str) -> Finding:
    """A finding that asks for nothing."""
    return Finding(topic, "ok", found)


def note(topic: str, found: str, remedy: str) -> Finding:
    """A finding that somebody should know."""
    return Finding(topic, "note", found, remedy)


def problem(topic: str, found: str, remedy: str) -> Finding:
    """A finding that keeps a server from working as asked."""
    return Finding(topic, "problem", found, remedy)


def bytes_text(count: int) -> str:
    """Bytes as `640 MiB`, `1.5 GiB` or `141 GiB`."""
    mebi = count / _KIB**2
    gibi = mebi / _KIB
    if mebi < _KIB:
        return f"{mebi:.0f} MiB"
    return f"{gibi:.1f} GiB" if gibi < _PRECISE_BELOW else f"{gibi:.0f} GiB"
