"""framebatch.app.shelf: what lies in a folder of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from model_folder import put, touch

from framebatch.app.shelf import read_folder, single_model, stamp_of
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer an empty folder of models."""
    found = tmp_path / "models"
    found.mkdir()
    return found


def test_both_layouts_are_read(folder: Path) -> None:
    """A file is one version; a folder of numbered folders holds several, and may pin one."""
    put(folder, "bolts")
    put(folder, "nuts", 1)
    put(folder, "nuts", 10)
    (folder / "nuts" / "pinned").write_text("1\n")
    (folder / ".git").mkdir()
    shelf = read_folder(folder)
    assert {name: sorted(versions) for name, versions in shelf.models.items()} == {"bolts": [1], "nuts": [1, 10]}
    assert (shelf.pinned, shelf.faults) == ({"nuts": 1}, ())
    assert [str(shelf.models["bolts"][1]), str(shelf.models["nuts"][10])] == ["bolts", "nuts version 10"]


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["bolts/one/model.onnx"], "bolts/one is no version; the folders of a model are called 1, 2, 3, ..."),
        (["bolts/01/model.onnx"], "bolts/01 is no version"),
        (["bolts/2/other.onnx"], "bolts/2 has no model.onnx"),
        (["bolts/"], "bolts holds no version; put the model into "),
        (["a b.onnx"], "a b.onnx is not served: the name 'a b' may have letters"),
        (["a,b/1/model.onnx"], "a,b is not served: the name 'a,b' may have letters"),
        (["bolts.toml"], "bolts.toml is a manifest without a model; bolts.onnx is missing"),
        (["nuts.onnx", "nuts/1/model.onnx"], "nuts.onnx is not served: the folder nuts holds versions of that name"),
    ],
)
def test_what_makes_no_sense_is_told_and_harms_nothing_else(folder: Path, names: list[str], fault: str) -> None:
    """The other models are found all the same."""
    put(folder, "good", 1)
    for name in names:
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"")
    shelf = read_folder(folder)
    assert any(each.startswith(f"{folder}/{fault}") for each in shelf.faults)
    assert "good" in shelf.models


def test_a_pin_that_is_no_number_pins_nothing_else(folder: Path) -> None:
    """It is told; no version is taken for the wanted one."""
    put(folder, "bolts", 3)
    (folder / "bolts" / "pinned").write_text("three")
    shelf = read_folder(folder)
    assert shelf.pinned == {"bolts": 0}
    assert shelf.faults[0].endswith("pinned says 'three'; it must hold the number of a version, from 1 on")


def test_a_folder_that_is_not_there_is_told(folder: Path) -> None:
    """With the option to change."""
    with pytest.raises(UsageError, match=r"--models .*/none: cannot be read: No such file"):
        read_folder(folder / "none")


def test_a_stamp_changes_with_any_file_of_a_version(folder: Path) -> None:
    """The model, its manifest, its weights in other files; not with those of a neighbour."""
    path, other = put(folder, "bolts"), put(folder, "nuts")
    stamps = {stamp_of(path)}
    for file in (path, path.with_suffix(".toml"), folder / "bolts.onnx.data"):
        file.touch()
        touch(file)
        stamps.add(stamp_of(path))
    touch(other)
    stamps.add(stamp_of(path))
    assert len(stamps) == 4
    assert single_model(path).models["bolts"][1] == read_folder(folder).models["bolts"][1]
