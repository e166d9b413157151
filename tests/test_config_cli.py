"""`framebatch config`, run as people and scripts run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from framebatch.config import Config

if TYPE_CHECKING:
    from pathlib import Path


def config(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "config", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", **variables},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Answer where the settings are."""
    return tmp_path / "framebatch.toml"


def test_a_good_file_is_summed_up(file: Path) -> None:
    """What it changes, and what it leaves to the command line; the environment is not looked at."""
    file.write_text('port = 9000\nhttp_port = 8002\n[priorities]\n"press-*" = "critical"\n', encoding="utf-8")
    done = config("check", file, FRAMEBATCH_PORT="70000")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{file}: good; 2 settings differ from the defaults:",
        "  port = 9000  (default: 8001)",
        '  priorities = { "press-*" = "critical" }  (default: -)',
        "It does not say what to serve: give --model or --models to framebatch serve.",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("port = -1", ":1 is -1: Input should be greater than or equal to 0"),
        ('device = "gpu"', ":1 is 'gpu'; it must be auto, cpu, cuda:N"),
        ("prot = 1", ":1 is not known; the nearest is 'port'"),
        ("port = ", "is not TOML: Invalid value (at end of document)"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(file: Path, content: str, message: str) -> None:
    """Exit code 2 and one line."""
    file.write_text(content, encoding="utf-8")
    done = config("check", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_setting_is_shown_with_where_it_comes_from(file: Path) -> None:
    """For programs, and as a table."""
    file.write_text('model = "a"\nport = 9000\n', encoding="utf-8")
    done = config("show", "--config", file, "--json", FRAMEBATCH_PORT="9001", FRAMEBATCH_CACHE_DIR="/c")
    shown = json.loads(done.stdout)
    assert (done.returncode, done.stderr, list(shown)) == (0, "", list(Config.model_fields))
    assert shown["model"] == {"value": "a", "from": "file", "variable": "FRAMEBATCH_MODEL"}
    assert shown["port"] == {"value": 9001, "from": "environment", "variable": "FRAMEBATCH_PORT"}
    assert (shown["cache_dir"]["value"], shown["tf32"]["from"]) == ("/c", "default")
    table = config("show", "--config", file, FRAMEBATCH_PORT="9001").stdout.splitlines()
    assert ["port", "9001", "environment"] in [line.split() for line in table]
    assert max(map(len, table)) <= 80


def test_a_wrong_variable_is_refused() -> None:
    """By the name of the nearest."""
    done = config("show", FRAMEBATCH_PROT="1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "variable FRAMEBATCH_PROT names no setting; the nearest is FRAMEBATCH_PORT" in done.stderr


def test_the_schema_is_printed_as_it_is_published(root: Path) -> None:
    """To the byte."""
    assert config("schema").stdout == (root / "docs" / "configuration.schema.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["serve", "calibrate"])
def test_commands_read_variables(command: str) -> None:
    """A wrong one stops them before anything is loaded; an option in its place mends it, up to the next fault."""
    environment = {**os.environ, "NO_COLOR": "1", "FRAMEBATCH_MODEL": "conveyor", "FRAMEBATCH_MAX_BATCH": "0"}
    run = [sys.executable, "-m", "framebatch.cli", command]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "variable FRAMEBATCH_MAX_BATCH is '0': a batch holds at least one frame" in done.stderr
    run += ["--max-batch", "1", "--model", "no-such-model"]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "no-such-model" in done.stderr
    assert "FRAMEBATCH" not in done.stderr
