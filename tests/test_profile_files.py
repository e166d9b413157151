"""framebatch.profile.files: reading and writing a profile."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from profiles import make_profile

from framebatch.errors import UsageError
from framebatch.profile import read_profile, write_profile

if TYPE_CHECKING:
    from pathlib import Path

REMEDY = "give another file, or make one with `framebatch calibrate`"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A profile in a file."""
    path = tmp_path / "profile.json"
    write_profile(make_profile(), path)
    return path


def edit(path: Path, **changes: Any) -> None:
    """Replace fields at the top of a document."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refusal(path: Path) -> str:
    """What is said of a file that cannot be read; one line."""
    with pytest.raises(UsageError) as caught:
        read_profile(path)
    message = str(caught.value)
    assert message.startswith(f"profile {path}")
    assert "\n" not in message
    return message.removeprefix(f"profile {path}")


def test_what_was_written_is_read(path: Path) -> None:
    """The file is readable for all, and ends with a line break."""
    assert read_profile(path) == make_profile()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_text().endswith("}\n")


def test_a_profile_is_replaced_in_one_step(path: Path) -> None:
    """Who has the old file open reads on in it, and nothing but the new file is left in the folder."""
    with path.open() as old:
        write_profile(make_profile(model="another"), path)
        assert json.load(old)["model"] == "yolov8n"
    assert read_profile(path).model == "another"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_missing_is_told_of(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(UsageError, match=r"No such file or directory; give a path in a folder that exists"):
        write_profile(make_profile(), tmp_path / "missing" / "profile.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"Not a directory; give a path in a folder that exists"):
        write_profile(make_profile(), tmp_path / "file" / "profile.json")


def test_a_folder_that_is_closed_is_told_of(tmp_path: Path) -> None:
    """Likewise."""
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(UsageError, match="Permission denied; give a path"):
        write_profile(make_profile(), tmp_path / "profile.json")


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """A folder, or a device such as /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for other in (tmp_path, pipe):
        with pytest.raises(UsageError, match="it exists, and is no file; give another path"):
            write_profile(make_profile(), other)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    """As is a folder."""
    assert refusal(tmp_path / "none.json") == f" cannot be read: No such file or directory; {REMEDY}"
    assert refusal(tmp_path) == f" cannot be read: Is a directory; {REMEDY}"
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert refusal(tmp_path / "binary") == f" is no text; {REMEDY}"


def test_a_file_that_was_cut_is_refused(path: Path) -> None:
    """It says where."""
    path.write_text(path.read_text()[:100])
    assert " is not whole JSON: " in refusal(path)
    path.write_text("[" * 100_000)
    assert " is not whole JSON: " in refusal(path)


@pytest.mark.parametrize("text", ["{}", "[]", "3", '"profile"', "null"])
def test_other_json_is_no_profile(path: Path, text: str) -> None:
    """Whatever it is."""
    path.write_text(text)
    assert refusal(path) == f" has no field 'schema_version', so it is no profile; {REMEDY}"


def test_a_newer_version_asks_for_a_newer_framebatch(path: Path) -> None:
    """Before anything else of the document is looked at."""
    path.write_text('{"schema_version": 7, "shape": "unknown"}')
    assert refusal(path) == (
        " has schema_version 7, and this framebatch reads up to 1; update framebatch, or calibrate again with this one"
    )


def test_a_wrong_field_is_named_with_its_value(path: Path) -> None:
    """With the rule it breaks; long values are cut."""
    edit(path, ceiling={"largest_ran": "many"})
    assert refusal(path) == (
        ": field 'ceiling.largest_ran' is 'many': Input should be a valid integer, unable to parse string as an integer; "
        + REMEDY
    )
    edit(path, ceiling=["?" * 1000])
    assert len(refusal(path)) < 250


def test_a_missing_field_is_named(path: Path) -> None:
    """By its place in the document."""
    edit(path, ceiling={})
    assert refusal(path) == f" has no field 'ceiling.largest_ran'; {REMEDY}"


def test_fields_that_contradict_each_other_are_named(path: Path) -> None:
    """Where the fault lies in no single field."""
    edit(path, ceiling={"largest_ran": 2})
    assert refusal(path) == (
        ": choice.max_batch is 16, and the largest batch that ran (ceiling.largest_ran) is 2; "
        f"what never ran must not be chosen; {REMEDY}"
    )
    edit(path, soak=None, ceiling={"largest_ran": 16}, run={"created": "today"})
    assert refusal(path).startswith(": in 'run.created' created is 'today', and must be like 2026-")
