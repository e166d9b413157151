"""What the server's own source logs: every call of a logger with its event, read from the syntax, for tests."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Call", "calls_in"]

LEVELS: Final = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"} | {
    "critical": "critical"
}


class Call(NamedTuple):
    """A call such as `log.info("%s ...", x, extra=event("name", field=x))`."""

    where: str
    level: str
    event: str
    """Empty: it names none."""
    fields: frozenset[str]
    given: tuple[ast.expr, ...]
    """Everything that reaches the line."""


def calls_in(folder: Path) -> list[Call]:
    """Answer all calls below a folder of modules."""
    return [
        call for path in sorted(folder.rglob("*.py")) for call in _in_module(path, ast.parse(path.read_text("utf-8")))
    ]


def _in_module(path: Path, module: ast.Module) -> Iterator[Call]:
    for node in ast.walk(module):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "log"):
            continue
        extra = next((each.value for each in node.keywords if each.arg == "extra"), None)
        if isinstance(extra, ast.Name):
            extra = _nearest(module, extra.id, node.lineno)
        name, fields, given = "", frozenset[str](), list(node.args)
        if isinstance(extra, ast.Call) and _is_event(extra) and isinstance(extra.args[0], ast.Constant):
            name = str(extra.args[0].value)
            fields = frozenset(str(each.arg) for each in extra.keywords)
            given += [each.value for each in extra.keywords]
        yield Call(f"{path.name}:{node.lineno}", LEVELS[node.func.attr], name, fields, tuple(given))


def _nearest(module: ast.Module, name: str, line: int) -> ast.expr | None:
    """The last event that was given this name above a line."""
    found = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        and _is_event(node.value)
        and node.lineno < line
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]
    return max(found, key=lambda node: node.lineno).value if found else None


def _is_event(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "event"
