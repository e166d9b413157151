"""Making HTML so that nothing can slip through unescaped: plain text is escaped, only `Html` is taken as it is.

Names of models and devices come from outside. What a page says is not decided here.
"""

from __future__ import annotations

from html import escape
from typing import Final

__all__ = ["Html", "element", "join"]

_VOID: Final = frozenset({"meta", "br", "hr"})


class Html(str):
    """Markup that is already escaped."""

    __slots__ = ()


def join(*parts: str | None, between: str = "\n") -> Html:
    """Put parts one after the other; None is left out, plain text is escaped."""
    return Html(between.join(_escaped(part) for part in parts if part is not None))


def element(tag: str, *children: str | None, **attributes: str | None) -> Html:
    """Make one element.

    Args:
        tag: Its name.
        children: What is in it; None is left out, plain text is escaped.
        attributes: Its attributes; None is left out. `class_` is `class`, and other underscores are hyphens.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{join(*children, between='')}</{tag}>")


def _escaped(part: str) -> str:
    return part if isinstance(part, Html) else escape(part)
