"""framebatch.logs.lines and .events: how a record looks to people, to systemd's journal and to programs."""

from __future__ import annotations

import json
import logging
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from framebatch.logs import event
from framebatch.logs.lines import Human, Journal, Json

TOLD = "2026-11-21T09:25:03.796Z"


def record(
    template: str,
    *values: object,
    level: int = logging.INFO,
    logger: str = "framebatch.app.changes",
    said: dict[str, object] | None = None,
    error: Exception | None = None,
) -> logging.LogRecord:
    """Answer a record of a fixed time."""
    trace = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord(logger, level, __file__, 1, template, values, trace)
    made.created, made.msecs = 1795253103.796, 796.0
    vars(made).update(said or {})
    return made


def raised(message: str) -> Exception:
    """Answer an error with a traceback."""

    def fail() -> None:
        raise OSError(message)

    try:
        fail()
    except OSError as error:
        return error
    raise AssertionError


def test_a_line_for_people_has_time_level_and_sentence() -> None:
    """The time is UTC, to the millisecond."""
    assert Human().format(record("camera %s began", "press-3")) == f"{TOLD} INFO camera press-3 began"


def test_libraries_are_named() -> None:
    """Their sentences seldom say whose they are."""
    line = Human().format(record("Exception in ASGI application", level=logging.ERROR, logger="uvicorn.error"))
    assert line == f"{TOLD} ERROR uvicorn.error: Exception in ASGI application"


def test_an_object_has_the_keys_of_every_line_and_those_of_its_event() -> None:
    """One line of JSON."""
    line = Json().format(record("camera %s began", "press-3", said=event("camera.began", camera="press-3", n=[1, 0.5])))
    assert json.loads(line) == {
        "time": TOLD,
        "level": "info",
        "event": "camera.began",
        "logger": "framebatch.app.changes",
        "message": "camera press-3 began",
        "camera": "press-3",
        "n": [1, 0.5],
    }


def test_a_line_without_event_has_a_common_one() -> None:
    """So that every line has the key."""
    assert json.loads(Json().format(record("hello", logger="grpc")))["event"] == "log.line"


def test_fields_cannot_take_the_place_of_what_every_line_has() -> None:
    """Whatever somebody called them."""
    assert json.loads(Json().format(record("hello", said=event("x.y", level="fine"))))["level"] == "info"


def test_numbers_that_json_does_not_know_are_text() -> None:
    """A parser refuses NaN."""
    told = json.loads(
        Json().format(record("x", said=event("x.y", ratio=float("nan"), limit=float("inf"), reason=raised("so"))))
    )
    assert (told["ratio"], told["limit"], told["reason"]) == ("nan", "inf", "so")


def test_a_secret_is_not_shown() -> None:
    """Where somebody hands one over by mistake."""
    said = event("x.y", token=SecretStr("hunter2"), all={"inner": SecretStr("hunter2")})
    made = record("with %s", SecretStr("hunter2"), said=said)
    assert "hunter2" not in Json().format(made) + Human().format(made)


def test_an_exception_is_one_field_and_indented_lines() -> None:
    """A program reads one object; people read a traceback that cannot be taken for lines of the log."""
    made = record("it failed", level=logging.ERROR, error=raised("one\ntwo\x1b[2J"))
    told = json.loads(Json().format(made))
    assert told["exception"].startswith("Traceback (most recent call last):\n")
    assert told["exception"].endswith("OSError: one\ntwo\x1b[2J")
    first, *others = Human().format(made).split("\n")
    assert first == f"{TOLD} ERROR it failed"
    assert [line[:4] for line in others] == ["    "] * len(others)
    assert others[-1] == "    two\\u001b[2J"


def test_a_long_traceback_keeps_its_beginning_and_its_end() -> None:
    """The reason stands at the end."""
    told = json.loads(Json().format(record("it failed", error=raised("a" * 100_000 + " the reason"))))["exception"]
    assert len(told) < 20_000
    assert (told.startswith("Traceback"), told.endswith(" the reason"), "characters left out" in told) == (
        True,
        True,
        True,
    )


def test_values_that_do_not_fit_the_sentence_are_told_all_the_same() -> None:
    """A mistake of a library must not cost the line."""
    assert json.loads(Json().format(record("%d frames", "x")))["message"] == "%d frames ('x',)"


@pytest.mark.parametrize(
    ("level", "number"), [("DEBUG", 7), ("INFO", 6), ("WARNING", 4), ("ERROR", 3), ("CRITICAL", 2)]
)
def test_an_entry_of_the_journal_has_the_priority_before_each_line(level: str, number: int) -> None:
    """And no time, which the journal has itself."""
    made = record("it failed", level=logging.getLevelNamesMapping()[level], error=raised("so"))
    lines = Journal().format(made).split("\n")
    assert lines[0] == f"<{number}>{level} it failed"
    assert {line[:3] for line in lines} == {f"<{number}>"}


@given(st.text(st.characters(codec=None), max_size=200))
def test_no_text_can_end_a_line_or_steer_a_terminal(text: str) -> None:
    """Cameras' names come from the network: nothing of them is printed that cannot be seen."""
    made = record("camera %s began", text, said=event("camera.began", camera=text))
    for formatter in (Human(), Journal(), Json()):
        line = formatter.format(made)
        assert len(line.splitlines()) == 1
        assert not {unicodedata.category(character) for character in line} & {"Cc", "Cs", "Zl", "Zp"}
    told: Any = json.loads(Json().format(made))
    assert told["camera"] == text
