"""`framebatch doctor`, run as people and scripts run it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, for a server that takes free ports."""
    settings = {"FRAMEBATCH_PORT": "0", "FRAMEBATCH_HTTP_PORT": "0", "FRAMEBATCH_DEVICE": "cpu"}
    return subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "doctor", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", **settings, **variables},
    )


@pytest.fixture
def taken() -> Iterator[str]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield str(opened.getsockname()[1])


def test_a_good_host_is_told_line_by_line() -> None:
    """Exit code 0; each line with a verdict, none longer than a terminal is wide."""
    done = doctor()
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines[:-2] if line[:1].strip()} <= {"ok", "note"}
    assert lines[0].split() == ["ok", "python", "Python", "{}.{}.{}".format(*sys.version_info[:3])]
    assert re.fullmatch(r"nothing to do|1 note|\d+ notes", lines[-1])


def test_a_problem_is_told_with_its_remedy_and_the_exit_code(taken: str, tmp_path: Path) -> None:
    """For programs; the file of settings is looked at, and variables over it."""
    file = tmp_path / "framebatch.toml"
    file.write_text("port = 1\nmodel = 'conveyor'\n", encoding="utf-8")
    done = doctor("--json", "--config", str(file), FRAMEBATCH_PORT=taken)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr, told["ok"]) == (1, "", False)
    (problem,) = [each for each in told["findings"] if each["verdict"] == "problem"]
    assert (problem["topic"], problem["remedy"]) == (f"port {taken}", "stop that, or set another port")
    assert f"(process {os.getpid()})" in problem["found"]
    assert [each["topic"] for each in told["findings"]][-1] == "model conveyor"


def test_a_model_that_is_not_there_is_wrong_usage() -> None:
    """Exit code 2."""
    done = doctor("--model", "no-such-model")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no-such-model" in done.stderr
