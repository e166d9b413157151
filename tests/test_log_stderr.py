"""framebatch.logs.stderr and .children: one handler for all, which cannot be flooded, and the words of child processes."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from framebatch.logs import ChildOutput, event
from framebatch.logs.lines import Human, Journal, Json
from framebatch.logs.repeats import WINDOW_NS
from framebatch.logs.stderr import MOST_A_MINUTE, MOST_TRACES_A_MINUTE, Stderr, formatter_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bench:
    """A logger with our handler, a clock that is told the time, and what was written."""

    def __init__(self) -> None:
        self.now_ns = 0
        self._stream = io.StringIO()
        self.handler = Stderr(Json(), stream=self._stream, clock=lambda: self.now_ns)
        self.log = logging.Logger("framebatch.test")  # noqa: LOG001 - of this test alone
        self.log.addHandler(self.handler)

    def written(self) -> list[dict[str, object]]:
        """Answer the lines since the last call."""
        lines = self._stream.getvalue().splitlines()
        self._stream.seek(0)
        self._stream.truncate()
        return [json.loads(line) for line in lines]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Answer a logger of its own."""
    bench = Bench()
    yield bench
    bench.handler.close()


def test_what_repeats_is_summed_up(bench: Bench) -> None:
    """After so many lines in a minute the rest is one line, with the level and the logger of what it stands for."""
    for frame in range(MOST_A_MINUTE + 312):
        bench.log.warning("frame %d is lost", frame)
    assert len(bench.written()) == MOST_A_MINUTE
    bench.now_ns = WINDOW_NS
    bench.handler.tell_withheld()
    (summary,) = bench.written()
    assert summary["message"] == "... 312 more in the last 60 s; the last one: frame 371 is lost"
    told = {key: summary[key] for key in ("level", "event", "logger", "count", "of")}
    assert told == {
        "level": "warning",
        "event": "log.repeated",
        "logger": "framebatch.test",
        "count": 312,
        "of": "log.line",
    }


def test_what_is_critical_is_never_held_back(bench: Bench) -> None:
    """However often."""
    for _ in range(3 * MOST_A_MINUTE):
        bench.log.critical("the device hangs")
    assert len(bench.written()) == 3 * MOST_A_MINUTE


def test_a_storm_of_tracebacks_is_short(bench: Bench) -> None:
    """A few show what there is to see."""
    for _ in range(50):
        try:
            os.stat("/no/such/file")  # noqa: PTH116 - fails
        except OSError:
            bench.log.exception("it failed")
    assert len(bench.written()) == MOST_TRACES_A_MINUTE
    assert repr(bench.handler) == "Stderr(Json, Repeats(1 messages, 45 withheld))"


def test_the_end_tells_what_was_held_back(bench: Bench) -> None:
    """A server that stops within the minute loses no count."""
    for _ in range(MOST_A_MINUTE + 2):
        bench.log.info("again")
    bench.written()
    bench.handler.close()
    assert [line["count"] for line in bench.written()] == [2]


def test_a_value_that_cannot_be_shown_costs_its_line_only(bench: Bench) -> None:
    """Whoever logs goes on."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    bench.log.error("it is %s", "so", extra=event("x.y", value=Broken()))
    (line,) = bench.written()
    assert (line["level"], str(line["message"]).endswith("cannot be shown: RuntimeError('no')")) == ("error", True)


def test_a_standard_error_that_is_gone_harms_nothing() -> None:
    """The line is lost, and nobody is told, as there is no place for it."""
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", buffering=1, closefd=True) as gone:  # noqa: PTH123 - a descriptor has no path
        handler = Stderr(Human(), stream=gone)
        handler.handle(logging.LogRecord("framebatch", logging.INFO, __file__, 1, "hello", (), None))
        with pytest.raises(BrokenPipeError):
            gone.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), gone.fileno())


def test_the_journal_is_recognised_by_the_file_behind_standard_error() -> None:
    """Not by the variable alone, which children inherit whose output goes elsewhere."""
    read, write = os.pipe()
    found = os.fstat(write)
    journal = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
    assert isinstance(formatter_of("auto", environment=journal, descriptor=write), Journal)
    assert isinstance(formatter_of("auto", environment=journal, descriptor=0), Human)
    assert isinstance(formatter_of("auto", environment={}, descriptor=write), Human)
    assert isinstance(formatter_of("human", environment=journal, descriptor=write), Human)
    assert isinstance(formatter_of("json", environment=journal, descriptor=write), Json)
    os.close(read)
    os.close(write)


PROGRAM = """
import logging, sys, threading, warnings
from framebatch.logs import start_logging

start_logging("json", "debug")
logging.getLogger("framebatch.x").debug("ours")
logging.getLogger("grpc").debug("theirs, which nobody wants")
logging.getLogger("uvicorn.error").warning("theirs")
warnings.warn("old")
thread = threading.Thread(target=lambda: 1 / 0, name="lane")
thread.start()
thread.join()
logging.getLogger("framebatch.x").info("caf\\u00e9 \\ud800")
raise OSError("the end")
"""


def test_everything_a_process_has_to_say_is_json() -> None:
    """Ours and the libraries' lines, warnings, threads that die and the end of the process; in UTF-8 whatever the locale is."""
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, env=environment, check=False, timeout=60)
    lines = [json.loads(line) for line in ran.stderr.decode("utf-8").splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("debug", "log.line"),
        ("warning", "log.line"),
        ("warning", "log.line"),
        ("critical", "thread.died"),
        ("info", "log.line"),
        ("critical", "process.died"),
    ]
    assert (lines[3]["thread"], lines[3]["exception"].splitlines()[-1]) == (
        "lane",
        "ZeroDivisionError: division by zero",
    )
    assert (lines[4]["message"], lines[5]["exception"].splitlines()[-1]) == ("café \ud800", "OSError: the end")
    assert ran.returncode == 1


def test_what_children_write_becomes_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A traceback is one of them, whole."""
    heard = ChildOutput("a child")
    assert repr(heard) == "ChildOutput(a child, listening)"
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", "import sys; sys.exit('one\\ntwo')"], stderr=heard.descriptor, check=False
        )
    heard.close()
    text = "".join(f"{record.fields['text']}\n" for record in caplog.records if hasattr(record, "fields"))
    assert text == "one\ntwo\none\ntwo\n"
    assert caplog.records[0].getMessage().startswith("a child wrote: one\ntwo")
    assert repr(heard) == "ChildOutput(a child, ended)"
