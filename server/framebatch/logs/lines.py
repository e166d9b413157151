"""How a record of the log looks: a line for people, an entry of systemd's journal, or an object of JSON. Writes nothing.

Names of cameras and reasons come from the network: nothing in them can end a line or steer a terminal.
"""

from __future__ import annotations

import json
import logging
import math
import re
import traceback
from datetime import UTC, datetime
from typing import Final

from framebatch.logs.events import fields_of, name_of

__all__ = ["Human", "Journal", "Json", "message_of", "visible"]

_CONTROLS: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Besides those below the space: C1 controls, line separators, what turns the direction of text, and half characters."""
_UNSEEN: Final = re.compile(f"[\x00-\x1f{_CONTROLS}]")
_UNSEEN_IN_JSON: Final = re.compile(f"[{_CONTROLS}]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONGEST: Final = 8192
"""Characters of a message or a field; the rest is cut off."""
_LONGEST_TRACE: Final = 16384
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Of syslog, by the least level."""


def visible(text: str) -> str:
    """The text on one line, with what cannot be seen written as an escape."""
    return _UNSEEN.sub(_escape, text)


class Human(logging.Formatter):
    """`TIME LEVEL sentence`, and where something was raised the traceback, indented, on the lines below."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, or several of which all but the first are indented."""
        return f"{_time(record)} {self.sentence(record)}"

    @staticmethod
    def sentence(record: logging.LogRecord) -> str:
        """All but the time. The logger is named only where it is a library's."""
        ours = record.name.partition(".")[0] == "framebatch"
        head = f"{record.levelname} {'' if ours else f'{visible(record.name)}: '}{visible(message_of(record))}"
        raised = _exception(record)
        return "\n    ".join([head, *map(visible, raised.splitlines())]) if raised else head


class Journal(logging.Formatter):
    """For systemd's journal, which has the time itself and takes the level from a number in front (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """As `Human` without the time, and the number in front of every line."""
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in Human.sentence(record).split("\n"))


class Json(logging.Formatter):
    """One JSON object (RFC 8259) on one line: the keys that every line has, then the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": name_of(record),
            "logger": record.name,
            "message": message_of(record),
        }
        entry |= {key: _plain(value) for key, value in fields_of(record).items() if key not in entry}
        raised = _exception(record)
        if raised:
            entry["exception"] = raised
        return _UNSEEN_IN_JSON.sub(_escape, json.dumps(entry, ensure_ascii=False, allow_nan=False))


def _time(record: logging.LogRecord) -> str:
    """RFC 3339, UTC, to the millisecond."""
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(record.msecs):03d}Z"


def message_of(record: logging.LogRecord) -> str:
    """The sentence; of a record whose values do not fit its template, both."""
    try:
        return _short(record.getMessage())
    except Exception:  # noqa: BLE001 - whatever a library logs, the line is worth more than its form
        return _short(f"{record.msg} {record.args!r}")


def _exception(record: logging.LogRecord) -> str:
    """The traceback; of a long one its beginning and its end, where the reason stands."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    text = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    if len(text) <= _LONGEST_TRACE:
        return text
    left_out = len(text) - _LONGEST_TRACE
    return f"{text[: _LONGEST_TRACE // 4]}\n... {left_out} characters left out ...\n{text[-3 * _LONGEST_TRACE // 4 :]}"


def _plain(value: object) -> object:
    """What JSON knows."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _SHORT.get(character) or f"\\u{ord(character):04x}"
