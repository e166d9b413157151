"""The name and the fields of an event, beside the sentence that people read. Carries them; formats nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

__all__ = ["UNNAMED", "event", "fields_of", "name_of"]

UNNAMED: Final = "log.line"
"""The event of lines without one: those of libraries."""


def event(name: str, /, **fields: object) -> dict[str, object]:
    """What to give a log call as `extra`.

    Args:
        name: of the event, as docs/logs.md lists it: a noun, a dot, and what happened to it.
        fields: of the event. Plain values; other ones are written as their `str`. The names that every line has (`time`, `level`,
            `event`, `logger`, `message`, `exception`) are taken.
    """
    return {"event": name, "fields": fields}


def name_of(record: logging.LogRecord) -> str:
    """Which event a record tells."""
    return str(getattr(record, "event", UNNAMED))


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    """The fields of its event."""
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields
