"""Reads the YAML that this project writes, so that its tests need no library: blocks, plain and quoted scalars, flow lists of quoted strings.

Not for anything else: no anchors, no text blocks, no comments behind values; what it does not know is an error.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["read_yaml"]

PAIR = re.compile(r"(?P<key>[\w./-]+):(?: (?P<value>.+))?$")


def read_yaml(text: str) -> Any:
    """Answer the document: dicts, lists, strings, numbers, booleans and None.

    Raises:
        ValueError: it uses more of YAML.
    """
    lines = [(len(line) - len(line.lstrip()), line.strip()) for line in text.splitlines()]
    lines = [(indent, content) for indent, content in lines if content and not content.startswith("#")]
    value, rest = _block(lines)
    if rest:
        raise ValueError(f"not understood: {rest[0][1]!r}")
    return value


def _block(lines: list[tuple[int, str]]) -> tuple[Any, list[tuple[int, str]]]:
    """The value that begins with the first line, and the lines after it."""
    indent, content = lines[0]
    result: Any = [] if content.startswith("- ") else {}
    while lines and lines[0][0] == indent:
        content = lines[0][1]
        if isinstance(result, list):
            if not content.startswith("- "):
                break
            if PAIR.fullmatch(content[2:]):
                item, lines = _block([(indent + 2, content[2:]), *lines[1:]])
            else:
                item, lines = _scalar(content[2:]), lines[1:]
            result.append(item)
            continue
        pair = PAIR.fullmatch(content)
        if pair is None or pair["key"] in result:
            raise ValueError(f"not understood: {content!r}")
        lines = lines[1:]
        if pair["value"]:
            result[pair["key"]] = _scalar(pair["value"])
        elif lines and lines[0][0] > indent:
            result[pair["key"]], lines = _block(lines)
        else:
            result[pair["key"]] = None
    return result, lines


def _scalar(text: str) -> Any:
    if text[0] in '"[':
        return json.loads(text)
    if text[0] in "&*{'|>%@`!":
        raise ValueError(f"not understood: {text!r}")
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text
