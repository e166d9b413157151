"""docs/logs.md: it lists the events of the server's source, all of them, and nothing else; and no secret is logged."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Final

from log_calls import calls_in

from framebatch.logs import event

if TYPE_CHECKING:
    from pathlib import Path

EVERY_LINE: Final = {"time", "level", "event", "logger", "message", "exception"}
SUMMARY: Final = ("log.repeated", ("as theirs", frozenset({"count", "of"})))
"""Made by the handler, in place of lines of any level."""
SECRET: Final = re.compile(
    r"secret|token|password|passw|credential|authorization|api_?key|private|metadata", re.IGNORECASE
)


def server(root: Path) -> Path:
    """Answer where the server's modules are."""
    return root / "server" / "framebatch"


def test_the_page_lists_what_the_source_logs(root: Path) -> None:
    """Every event with its level and its fields; none that nobody logs."""
    page = (root / "docs" / "logs.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    listed = [row for row in rows if len(row) == 4 and re.fullmatch(r"`\w+\.\w+`", row[0])]
    documented = {row[0].strip("`"): (row[1], frozenset(re.findall(r"`(\w+)`", row[2]))) for row in listed}
    assert len(documented) == len(listed)
    logged = {call.event: (call.level, call.fields) for call in calls_in(server(root)) if call.event}
    assert documented == logged | dict([SUMMARY])


def test_every_call_names_its_event(root: Path) -> None:
    """`extra=event("noun.verb", field=...)`: a line without one cannot be filtered by programs."""
    assert [call.where for call in calls_in(server(root)) if not re.fullmatch(r"[a-z_]+\.[a-z_]+", call.event)] == []


def test_an_event_looks_the_same_wherever_it_is_logged(root: Path) -> None:
    """One level, the same fields, and none that every line has."""
    seen: dict[str, tuple[str, frozenset[str]]] = {}
    for call in calls_in(server(root)):
        assert seen.setdefault(call.event, (call.level, call.fields)) == (call.level, call.fields), call.where
        assert not call.fields & EVERY_LINE, call.where


def test_no_secret_is_given_to_the_log(root: Path) -> None:
    """Nothing whose name says that it is one, no call's metadata, and no settings as a whole."""
    for call in calls_in(server(root)):
        for value in call.given:
            names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
            names |= {node.attr for node in ast.walk(value) if isinstance(node, ast.Attribute)}
            assert not [name for name in names if SECRET.search(name)], call.where
            whole = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
            assert whole.strip("_") not in {"config", "settings", "context", "environ", "environment"}, call.where


def test_the_examples_are_objects_of_documented_events(root: Path) -> None:
    """With the keys of every line first."""
    page = (root / "docs" / "logs.md").read_text(encoding="utf-8")
    examples = [json.loads(line) for line in page.splitlines() if line.startswith("    {")]
    assert [list(example)[:5] for example in examples] == [["time", "level", "event", "logger", "message"]]
    logged = {call.event: call.fields for call in calls_in(server(root))}
    for example in examples:
        assert logged[example["event"]] == example.keys() - EVERY_LINE


def test_an_event_is_what_the_standard_library_takes() -> None:
    """Two attributes of the record, which none of its own are called."""
    assert event("camera.began", camera="press-3") == {"event": "camera.began", "fields": {"camera": "press-3"}}
