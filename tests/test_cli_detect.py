"""`framebatch detect`, run as people and scripts run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import tiny_models

if TYPE_CHECKING:
    from pathlib import Path


def framebatch(*arguments: str | Path, columns: int = 100) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "framebatch.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model, and a folder with a red picture, a broken one, a text file and nothing else."""
    tiny_models.colours(tmp_path / "colours.onnx")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "red.png"), np.full((50, 100, 3), (0, 0, 255), np.uint8))
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (pictures / "notes.txt").write_text("no picture")
    return tmp_path


def test_detections_as_json(folder: Path) -> None:
    """One document on stdout and nothing else; boxes in pixels of the picture; exit code 0."""
    done = framebatch(
        "detect", "--model", folder / "colours.onnx", "--device", "cpu", "--json", folder / "pictures/red.png"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [
        {
            "image": str(folder / "pictures/red.png"),
            "width": 100,
            "height": 50,
            "detections": [{"box": [25.0, 12.5, 75.0, 37.5], "score": 0.72353, "class_id": 0, "label": "red"}],
        }
    ]


def test_a_broken_picture_is_reported_after_the_others_are_done(folder: Path) -> None:
    """A folder stands for its pictures; what is wrong with one is said in its entry, and the exit code is 2."""
    missing = folder / "missing.png"
    done = framebatch("detect", "--model", folder / "colours.onnx", "--json", folder / "pictures", missing)
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == 2
    assert [entry["image"] for entry in entries] == [
        str(folder / "pictures/broken.jpg"), str(folder / "pictures/red.png"), str(missing),
    ]  # fmt: skip
    assert [len(entry["detections"]) for entry in entries] == [0, 1, 0]
    assert "a JPEG that ends inside its header" in entries[0]["error"]
    assert "error" not in entries[1]
    assert entries[2]["error"] == "cannot be read: No such file or directory"


@pytest.mark.parametrize("columns", [80, 120])
def test_detections_as_a_table(folder: Path, columns: int) -> None:
    """For people: name, size, label, score and box, in the width of the terminal."""
    done = framebatch("detect", "--model", folder / "colours.onnx", folder / "pictures", columns=columns)
    assert done.returncode == 2
    for text in ("colours on ", "red.png", "100 x 50", "0.724", "25.0, 12.5, 75.0, 37.5", "broken.jpg"):
        assert text in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= columns


def test_thresholds_are_options(folder: Path) -> None:
    """A confidence that nothing exceeds leaves an empty list."""
    done = framebatch(
        "detect", "--model", folder / "colours.onnx", "--confidence", "1", "--iou", "0.5", "--json",
        folder / "pictures/red.png",
    )  # fmt: skip
    assert json.loads(done.stdout)[0]["detections"] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "nothing.onnx"], "error: model nothing.onnx does not exist"),
        (["--model", "nothing"], "is no file, and no"),
        (["--model", "MODEL", "--device", "gpu"], "error: --device is 'gpu'; it must be auto, cpu, cuda:N or sim:"),
        (["--model", "MODEL", "--confidence", "2"], "--confidence"),
        ([], "--model"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(folder: Path, options: list[str], message: str) -> None:
    """The option, the value and the remedy; nothing on stdout."""
    arguments = [str(folder / "colours.onnx") if option == "MODEL" else option for option in options]
    done = framebatch("detect", *arguments, folder / "pictures/red.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_pictures_is_wrong_usage(folder: Path, tmp_path: Path) -> None:
    """Nothing to do is most likely a mistake."""
    (tmp_path / "empty").mkdir()
    done = framebatch("detect", "--model", folder / "colours.onnx", tmp_path / "empty")
    assert done.returncode == 2
    assert "is a folder without pictures" in done.stderr


def test_without_the_server_extras_the_remedy_is_named(folder: Path) -> None:
    """The base installation is the client; the command says what to install, in one line."""
    program = (
        "import sys; sys.modules['onnxruntime'] = None; from framebatch.cli import main; "
        f"sys.argv = ['framebatch', 'models', 'check', {str(folder / 'colours.onnx')!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: onnxruntime is not installed; this command needs the server: pip install 'framebatch[cpu]'\n"
    )
