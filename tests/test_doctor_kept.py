"""framebatch.doctor.kept: profiles of a model, and room on the disks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from profiles import make_fingerprint, make_profile

from framebatch.doctor.facts import Model
from framebatch.doctor.kept import find_disks, find_model
from framebatch.profile import ProfileStore

if TYPE_CHECKING:
    from pathlib import Path

HERE = {"device": "this device", "driver": "", "runtime": "onnxruntime 1.31"}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file, for a user who has no profiles yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = tmp_path / "belt.onnx"
    path.write_bytes(b"model")
    return path


def keep(content: bytes, **fields: str) -> None:
    """Keep a profile of a file with this content."""
    fingerprint = make_fingerprint(model_sha256=hashlib.sha256(content).hexdigest(), **{**HERE, **fields})
    ProfileStore().add(make_profile(fingerprint=fingerprint))


def test_a_model_nobody_calibrated_has_no_profile(model: Path) -> None:
    """Those of other models do not count."""
    keep(b"another")
    assert find_model("belt", model, **HERE) == Model("belt", "", "", ())


def test_a_profile_counts_where_device_driver_and_runtime_are_the_same(model: Path) -> None:
    """What is different of the others is told once each."""
    keep(b"model", device="another", driver="570")
    keep(b"model", runtime="onnxruntime 1.30")
    found = find_model("belt", model, **HERE)
    assert (found.matching, sorted(found.others)) == ("", ["device another", "runtime onnxruntime 1.30"])
    keep(b"model")
    assert find_model("belt", model, **HERE).matching.startswith(("full, 20", "quick, 20"))


def test_a_model_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """With the system's reason."""
    path = tmp_path / "missing.onnx"
    assert find_model("m", path, **HERE).error == f"{path} cannot be read: No such file or directory"


def test_folders_that_are_not_there_yet_are_looked_at_above(model: Path, tmp_path: Path) -> None:
    """Where they would be made."""
    profiles, recordings = find_disks(tmp_path / "not" / "yet")
    assert (profiles.what, recordings.what) == ("profiles", "recordings")
    assert model.parent.joinpath("data", "framebatch", "profiles").as_posix() == profiles.folder
    assert 0 < recordings.free_bytes <= recordings.total_bytes
    assert profiles.writable
    assert [disk.what for disk in find_disks(None)] == ["profiles"]
