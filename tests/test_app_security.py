"""framebatch.app.security: what a server does with its settings of access before it loads anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from framebatch.app import App
from framebatch.app.security import control_of, open_security
from framebatch.config import Config
from framebatch.edge.security.editing import with_entry
from framebatch.edge.security.entries import Entry
from framebatch.edge.security.file import write_private
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest
from framebatch.errors import UsageError
from framebatch.testing import ServerProcess
from framebatch_models import find

if TYPE_CHECKING:
    from pathlib import Path


def config(**settings: Any) -> Config:
    """Answer settings of a server."""
    return Config(model="conveyor", device="sim:1,0.1", **settings)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Answer an access file of one camera."""
    path = tmp_path / "access.toml"
    write_private(path, with_entry("", Entry(name="press-3", role=Role.CAMERA, token=digest("fb_x"))))
    return path


def test_on_this_machine_alone_nothing_is_asked(caplog: pytest.LogCaptureFixture) -> None:
    """As ever."""
    assert open_security(config()).guard is None
    assert caplog.messages == []


def test_an_open_address_is_refused_before_anything_is_loaded() -> None:
    """Unless it is said who may, or that everybody may."""
    with pytest.raises(UsageError, match=r"setting 'host' is '0\.0\.0\.0': other machines could use this server"):
        App(config(host="0.0.0.0"), find("conveyor"))


@pytest.mark.end_to_end
def test_the_refusal_ends_the_process_with_2() -> None:
    """With the remedy in its log."""
    process = ServerProcess("--model", "conveyor", "--device", "sim:1,1", "--host", "0.0.0.0")
    assert process.process.wait(60) == 2
    assert "with --access; or allow everybody with --anonymous" in " ".join(process.log().split())
    process.stop()


def test_everybody_is_allowed_in_so_many_words(caplog: pytest.LogCaptureFixture) -> None:
    """Which is said at every start."""
    assert open_security(config(host="0.0.0.0", anonymous=True)).guard is None
    assert caplog.messages[0].startswith("setting 'anonymous' is true: whoever reaches 0.0.0.0 may send frames")


def test_tokens_in_clear_text_are_worth_a_warning(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where they leave this machine; and so is a file that others can read."""
    file.chmod(0o644)
    assert open_security(config(host="0.0.0.0", access=file)).guard is not None
    clear, exposed = caplog.messages
    assert clear.startswith("tokens travel in clear text: ")
    assert exposed.endswith(f"(mode 0644); chmod 600 {file}")


def test_a_file_that_is_wrong_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    """No server starts with a hole in it."""
    with pytest.raises(UsageError, match=r"nothing\.toml: is not there"):
        App(config(access=tmp_path / "nothing.toml"), find("conveyor"))


@pytest.mark.parametrize(
    ("said", "without", "with_file"), [("local", "local", "all"), ("all", "all", "all"), ("off", "off", "off")]
)
def test_with_a_file_admins_change_models_from_anywhere(file: Path, said: str, without: str, with_file: str) -> None:
    """And nobody where that is off."""
    assert control_of(config(model_control=said)) == without
    assert control_of(config(model_control=said, access=file)) == with_file


def test_access_and_anonymous_contradict_each_other(file: Path) -> None:
    """It is not guessed which was meant."""
    with pytest.raises(ValueError, match="settings 'access' and 'anonymous': both are given"):
        config(access=file, anonymous=True)
