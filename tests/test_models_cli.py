"""`framebatch models check`, run as people and scripts run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import tiny_models
from onnx import helper

if TYPE_CHECKING:
    from pathlib import Path


def check(*arguments: str | Path, columns: int = 100) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "models", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"},
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model beside a red picture and a broken one."""
    cv2.imwrite(str(tmp_path / "red.png"), np.full((50, 100, 3), (0, 0, 255), np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    return tiny_models.colours(tmp_path / "colours.onnx")


def test_a_model_that_can_be_served_is_described(model: Path) -> None:
    """Family, size, batch axis, labels and precision, each with its reason; exit code 0."""
    done = check("--json", model)
    facts = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (facts["family"], facts["input_width"], facts["input_height"]) == ("yolov8", 64, 64)
    assert (facts["batch"], facts["labels"], facts["precision"]) == ("any", ["red", "green", "blue"], "float32")
    assert facts["why"][:4] == [
        "family yolov8: its 7 rows are 4 + the 3 class names",
        "input 64 x 64: as the input images states",
        "preparation: the usual one of the family",
        "labels: 3 from the metadata",
    ]
    assert any("batches of 1, 2, 3, 4" in sentence for sentence in facts["why"])
    assert (facts["running"]["proven"], facts["running"]["remembered"]) == ([1, 2, 3, 4], False)
    assert "images" not in facts


@pytest.mark.parametrize("columns", [80, 100])
def test_people_see_the_same_in_a_table(model: Path, columns: int) -> None:
    """It fits the terminal."""
    table = check(model, columns=columns).stdout
    for text in (
        "colours can be served",
        "yolov8",
        "64 x 64 rgb, samples / 255",
        "letterbox, pad 114",
        "red, green, blue",
        "float32",
        "its 7 rows are 4 + the 3 class names",
    ):
        assert text in table
    assert max(map(len, table.splitlines())) <= columns


def test_the_manifest_shows(model: Path) -> None:
    """What it states, and that it states it."""
    model.with_suffix(".toml").write_text(
        'scale = 1\nmean = [1, 2, 3]\nstd = 2\nresize = "stretch"\ntiles = 320\n', encoding="utf-8"
    )
    table = check(model).stdout
    assert "samples - (1, 2, 3), / 2" in table
    assert "320 x 320 pixels, overlapping by 20%" in table
    assert "resize, scale, mean, std from the manifest" in table
    assert json.loads(check("--json", model).stdout)["tiles"] == {"width": 320, "height": 320, "overlap": 0.2}


def test_a_picture_shows_what_the_model_sees(model: Path) -> None:
    """As `framebatch detect` would; nothing is written."""
    picture = model.with_name("red.png")
    before = sorted(model.parent.iterdir())
    done = check(model, "--image", picture)
    assert done.returncode == 0
    assert "25.0, 12.5, 75.0, 37.5" in done.stdout
    images = json.loads(check("--json", model, "--image", picture, "--image", picture).stdout)["images"]
    assert [image["detections"][0]["label"] for image in images] == ["red", "red"]
    assert sorted(model.parent.iterdir()) == before


def test_a_picture_that_cannot_be_read_is_reported(model: Path) -> None:
    """After what is known about the model; exit code 2."""
    done = check(model, "--image", model.with_name("broken.jpg"), "--image", model.with_name("nothing.jpg"))
    assert done.returncode == 2
    assert "colours can be served" in done.stdout
    assert " ".join(done.stdout.split()).count("broken") >= 1


def test_a_model_that_cannot_be_served_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Exit code 2, one line on stderr."""
    path = tiny_models.identity(tmp_path / "identity.onnx")
    done = check(path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"error: model {path}: it answers one map over the picture (same float32 (?, 3, 64, 64))"
    )
    assert len(done.stderr.splitlines()) == 1


def test_whatever_is_broken_is_refused_in_one_line(tmp_path: Path) -> None:
    """A file that is not whole, one that lies about its outputs, one that takes no pictures: no traceback for any."""
    whole = tiny_models.colours(tmp_path / "whole.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[:-200])
    same = [helper.make_node("Identity", ["images"], ["o"])]
    tiny_models.save(tmp_path / "lies.onnx", same, output_shapes={"o": (1, 7, 84)}, metadata=tiny_models.COLOURS)
    tiny_models.save(tmp_path / "flat.onnx", same, input_shape=(1, 100), output_shapes={"o": (1, 100)})
    node = helper.make_node("Frobnicate", ["images"], ["o"])
    tiny_models.save(tmp_path / "new.onnx", [node], output_shapes={"o": (1, 7, 84)}, metadata=tiny_models.COLOURS)
    for name, message in {
        "cut": "not a whole one",
        "lies": "recognised as yolov8, but when it is run it answers o float32 (1, 3, 64, 64)",
        "flat": "so it must have 4 axes",
        "new": "No Op registered for Frobnicate",
    }.items():
        done = check(tmp_path / f"{name}.onnx")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
        assert message in done.stderr


def test_a_bundled_model_is_found_by_its_name() -> None:
    """No path is needed for what comes with framebatch."""
    done = check("--json", "conveyor")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "conveyor"
