"""framebatch.edge.security.file: reading, following and writing the file itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from framebatch.edge.security.file import AccessFile, exposed_mode, write_private
from framebatch.edge.security.tokens import digest
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = f'[a]\nrole = "camera"\ntoken = "{digest("fb_a")}"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Answer a good file."""
    found = tmp_path / "access.toml"
    write_private(found, GOOD)
    return found


def names(file: AccessFile) -> list[str] | None:
    """Read it again."""
    entries = file.read_again()
    return None if entries is None else [entry.name for entry in entries]


def test_a_file_that_did_not_change_is_not_read_again(path: Path) -> None:
    """One that did is, once."""
    file = AccessFile(path)
    assert [entry.name for entry in file.read()] == ["a"]
    assert names(file) is None
    write_private(path, GOOD + GOOD.replace("[a]", "[b]").replace(digest("fb_a"), digest("fb_b")))
    assert (names(file), names(file)) == (["a", "b"], None)
    path.write_text("", encoding="utf-8")
    assert names(file) == []


def test_a_broken_file_changes_nothing_and_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Until it is good again."""
    file = AccessFile(path)
    file.read()
    path.write_text("[a", encoding="utf-8")
    assert [names(file) for _ in range(3)] == [None] * 3
    (line,) = caplog.messages
    assert line.startswith(f"access file {path}: is not TOML: ")
    assert line.endswith("; what it said before still holds")
    path.write_text(GOOD, encoding="utf-8")
    assert names(file) == ["a"]


def test_a_file_that_is_gone_changes_nothing_and_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Editors delete a file before they write it; when it is there again, it is read."""
    file = AccessFile(path)
    file.read()
    path.unlink()
    assert [names(file) for _ in range(3)] == [None] * 3
    assert caplog.messages == [
        f"access file {path}: is not there; `framebatch access add NAME --role camera --file {path}` makes it; what it said before still holds"
    ]
    write_private(path, GOOD)
    assert names(file) == ["a"]


def test_a_file_that_may_not_be_read_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When it may be again, it is."""
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    file = AccessFile(path)
    file.read()
    path.chmod(0)
    assert [names(file) for _ in range(3)] == [None] * 3
    assert len(caplog.messages) == 1
    path.chmod(0o600)
    assert names(file) == ["a"]


@pytest.mark.parametrize(
    ("content", "message"), [(None, "is not there; `framebatch access add"), (b"\xff", "it is not UTF-8")]
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, message: str) -> None:
    """At the start it is an error."""
    path = tmp_path / "access.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        AccessFile(path).read()


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    """A changed one keeps its mode, and nothing is left beside it."""
    assert (path.stat().st_mode & 0o777, exposed_mode(path)) == (0o600, "")
    path.chmod(0o640)
    write_private(path, "")
    assert (path.stat().st_mode & 0o777, exposed_mode(path)) == (0o640, "")
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_the_owner_of_the_old_one(path: Path) -> None:
    """So that root can change a service's file without shutting the service out."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, 10001, 10002)
    write_private(path, "")
    assert (path.stat().st_uid, path.stat().st_gid) == (10001, 10002)


def test_a_link_stays_a_link(path: Path) -> None:
    """The file behind it is replaced."""
    link = path.with_name("link.toml")
    link.symlink_to(path)
    write_private(link, "")
    assert (link.is_symlink(), path.read_text(encoding="utf-8")) == (True, "")


def test_what_cannot_be_written_leaves_the_old_file(path: Path) -> None:
    """And nothing beside it."""
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")
    assert path.read_text(encoding="utf-8") == GOOD
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o666])
def test_a_file_that_others_can_read_is_told(path: Path, mode: int) -> None:
    """With the command that changes it."""
    path.chmod(mode)
    assert exposed_mode(path) == (
        f"access file {path}: others can read or write it (mode {mode:04o}); chmod 600 {path}"
    )
