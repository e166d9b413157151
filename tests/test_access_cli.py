"""`framebatch access`: the command line from its arguments to its exit code."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, NamedTuple

import pytest

from framebatch.cli import main
from framebatch.edge.security.editing import with_entry
from framebatch.edge.security.entries import Entry, read_entries
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = re.compile(r"fb_[A-Za-z0-9_-]{43}\n")


class Done(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def access(*arguments: str | Path) -> Done:
    """Run the command in this process, which is quicker: it needs none of the server's libraries."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.setattr(sys, "argv", ["framebatch", "access", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
    return Done(int(left.value.code or 0), stdout.getvalue(), stderr.getvalue())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Answer where the file will be."""
    return tmp_path / "access.toml"


def test_a_camera_is_added_and_its_token_shown_once(file: Path) -> None:
    """On stdout alone; the file is its owner's alone and keeps a hash."""
    done = access("add", "press-3", "--role", "camera", "--file", file)
    assert done.returncode == 0
    assert TOKEN.fullmatch(done.stdout)
    assert done.stderr.splitlines()[0] == f"{file}: press-3: camera, sends as press-3, shows a token"
    assert (file.stat().st_mode & 0o777, TOKEN.search(file.read_text())) == (0o600, None)
    (entry,) = read_entries(file.read_text(), "")
    assert entry.token == digest(done.stdout.strip())


def test_entries_are_listed_checked_and_removed_without_their_hashes(file: Path) -> None:
    """And what people wrote into the file stays."""
    file.write_text("# hall 2\n")
    file.chmod(0o644)
    belts = ("--camera", "belt-*", "--camera", "scale", "--certificate", "belts.example", "--no-token")
    assert access("add", "belts", "--role", "camera", *belts, "--file", file).stdout == ""
    access("add", "olga", "--role", "operator", "--file", file)
    done = access("list", "--file", file, "--json")
    assert json.loads(done.stdout) == [
        {
            "name": "belts",
            "role": "camera",
            "cameras": ["belt-*", "scale"],
            "token": False,
            "certificate": "belts.example",
        },
        {"name": "olga", "role": "operator", "cameras": [], "token": True, "certificate": None},
    ]
    lines = access("list", "--file", file).stdout.splitlines()
    assert lines == [
        "belts: camera, sends as belt-*, scale, shows certificate belts.example",
        "olga: operator, shows a token",
    ]
    done = access("check", "--file", file)
    assert (done.returncode, done.stdout) == (0, f"{file}: good; 2 entries\n")
    assert done.stderr == f"warning: access file {file}: others can read or write it (mode 0644); chmod 600 {file}\n"
    assert access("remove", "olga", "--file", file).returncode == 0
    assert file.read_text().startswith("# hall 2\n\n[belts]\n")
    assert "olga" not in file.read_text()


def test_the_settings_show_where_the_file_is_and_nothing_of_it(file: Path) -> None:
    """Neither tokens nor hashes."""
    text = with_entry("", Entry(name="press-3", role=Role.CAMERA, token=digest("fb_one")))
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "config", "show", "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "FRAMEBATCH_ACCESS": str(file)},
    )
    shown = json.loads(done.stdout)["access"]
    assert shown == {"value": str(file), "from": "environment", "variable": "FRAMEBATCH_ACCESS"}
    assert digest("fb_one").removeprefix("sha256:") not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "a", "--role", "boss"], "--role boss: it must be camera or operator or admin"),
        (["add", "a", "--role", "camera", "--no-token"], "--no-token needs --certificate NAME"),
        (["add", "a*", "--role", "camera"], "[a*]: a name has 1 to 128 printable characters"),
        (["add", "a", "--role", "admin", "--camera", "b"], '[a]: cameras is for role = "camera"'),
        (["add", "old", "--role", "camera"], "has [old] already"),
        (["remove", "a"], "has no [a]"),
    ],
)
def test_what_does_not_fit_changes_nothing(file: Path, arguments: list[str], message: str) -> None:
    """Exit code 2, and the reason."""
    before = with_entry("", Entry(name="old", role=Role.CAMERA, token=digest("fb_old")))
    file.write_text(before)
    done = access(*arguments, "--file", file)
    assert (done.returncode, done.stdout, file.read_text()) == (2, "", before)
    assert message in done.stderr


@pytest.mark.parametrize("arguments", [["list"], ["check"], ["remove", "a"]])
def test_without_a_file_there_is_nothing_to_look_at(file: Path, arguments: list[str]) -> None:
    """Exit code 2."""
    done = access(*arguments, "--file", file)
    assert done.returncode == 2
    assert "is not there; `framebatch access add NAME --role camera" in done.stderr
