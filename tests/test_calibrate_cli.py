"""`framebatch calibrate`, run as people and scripts run it, on a simulated device and through the real sweep."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import pytest

import framebatch_models
from framebatch.cli.calibrate import wanted_of
from framebatch.device.devices import Device
from framebatch.device.options import EngineOptions
from framebatch.errors import UsageError
from framebatch.profile import ProfileStore, read_profile

if TYPE_CHECKING:
    from pathlib import Path

SIMULATED: Final = ("--model", "conveyor", "--device", "sim:1,0.2", "--quick", "--max-batch", "2")


def command(*arguments: str | Path) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "framebatch.cli", "calibrate", *map(str, arguments)]


def environment(data: Path) -> dict[str, str]:
    """The variables it runs with; `data` is the user's folder for data."""
    return {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "XDG_DATA_HOME": str(data)}


def calibrate(*arguments: str | Path, data: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, timeout=100, env=environment(data)
    )


def store_in(data: Path) -> ProfileStore:
    """The store that the command uses."""
    return ProfileStore(data / "framebatch" / "profiles")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one run's files."""
    return tmp_path_factory.mktemp("calibrate")


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[str]:
    """A whole calibration of a simulated device."""
    targets = ("--out", folder / "profile.json", "--report", folder / "report.html")
    return calibrate(*SIMULATED, *targets, "--deadline-ms", "500", "--json", data=folder / "data")


def test_json_prints_the_profile_and_nothing_else(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    """One document on stdout, the same as in the file and in the user's folder; progress is on stderr."""
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert (document["simulated"], document["run"]["complete"], document["run"]["quick"]) == (True, True, True)
    assert [bucket["batch"] for bucket in document["buckets"]] == [1, 2]
    assert document["choice"]["deadline_ns"] == 500_000_000
    profile = read_profile(folder / "profile.json")
    assert profile.model_dump(mode="json") == document
    assert store_in(folder / "data").find(profile.fingerprint) == profile
    assert "--deadline-ms 500 --json" in profile.run.command


def test_without_a_terminal_progress_is_a_line_for_each_stage(done: subprocess.CompletedProcess[str]) -> None:
    """No control characters, no line twice in a row."""
    lines = done.stderr.splitlines()
    assert lines[0] == "calibrating conveyor on sim:1,0.2"
    assert all(re.fullmatch(r"[a-z0-9 ]+, \d+:\d\d left", line) for line in lines[1:])
    assert len(lines) > 3
    assert "\x1b" not in done.stderr


def test_a_report_is_a_page_and_a_picture(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    """Beside each other, of the run that was made."""
    assert done.returncode == 0
    page = (folder / "report.html").read_text()
    assert json.loads(done.stdout)["choice"]["text"].split(".")[0] in page
    picture = cv2.imread(str(folder / "report.png"))
    assert picture is not None
    assert float(np.asarray(picture).std()) > 1


def test_a_run_that_is_stopped_keeps_what_it_measured(tmp_path: Path) -> None:
    """Ctrl-C: the profile is written as incomplete, told of, not found by servers; exit code 1."""
    out = tmp_path / "profile.json"
    process = subprocess.Popen(
        command(*SIMULATED, "--max-batch", "1", "--out", out),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(("pass", "idling")):  # sizes were measured before
            process.send_signal(signal.SIGINT)
            break
    shown, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped before the end: batches of 1 were measured, and are kept as incomplete" in told.replace("\n", " ")
    assert f"profile written to {out}" in shown
    profile = read_profile(out)
    assert not profile.run.complete
    assert store_in(tmp_path).history()[0].profile == profile
    assert store_in(tmp_path).find(profile.fingerprint) is None


def test_what_a_server_runs_is_what_is_measured(tmp_path: Path) -> None:
    """The settings of its file, with the options given here over them."""
    config = tmp_path / "server.toml"
    config.write_text('model = "conveyor"\ndevice = "cpu"\nthreads = 3\ntf32 = true\ndeadline_ms = 80\nmax_batch = 6\n')
    wanted = wanted_of(config, {"model": None, "deadline_ms": 40.0}, memory_fraction=0.5, quick=True)
    assert wanted.model == framebatch_models.find("conveyor")
    assert (wanted.device, wanted.options) == (Device(kind="cpu"), EngineOptions(threads=3, tf32=True))
    assert (wanted.deadline_ns, wanted.limit, wanted.memory_fraction, wanted.quick) == (40_000_000, 6, 0.5, True)
    config.write_text('models = "folder"\n')
    with pytest.raises(UsageError, match="serves a folder of models; say which is meant with --model"):
        wanted_of(config, {"model": None}, memory_fraction=0.5, quick=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "none/p.json"), "--out is none/p.json, but there is no folder none"),
        (("--out", "."), "--out is ., which exists and is no file"),
        (("--report", "none/r.html"), "--report is none/r.html, but there is no folder none"),
        (("--report", "r.pdf"), "--report is r.pdf; give a path that ends in .html or .png"),
        (("--device", "cpu", "--compare", "fp16"), "--compare is 'fp16', and one precision is nothing to compare"),
        (("--compare", "fp32,fp16"), "--compare is fp32,fp16, but a simulated device takes the same time"),
        (("--pictures", "."), "--pictures is ., but nothing is compared"),
        (("--max-batch", "0"), "setting 'max_batch' is 0"),
        (("--deadline-ms", "-1"), "setting 'deadline_ms' is -1.0"),
        (("--device", "sim:1"), "a simulated device is written sim:"),
        (("--model", "none.onnx"), "model none.onnx does not exist"),
        (("--device", "cpu", "--threads", "1,2", "--out", "p.json"), "--out is p.json, which holds one profile"),
        (("--device", "cpu", "--threads", "1,2", "--pictures", "none"), "--pictures: none cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """In one line, with exit code 2."""
    from framebatch.cli import main  # noqa: PLC0415 - so that the other tests do not need the whole command line

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["framebatch", "calibrate", *SIMULATED, *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    said = capsys.readouterr()
    assert (caught.value.code, said.out) == (2, "")
    assert message in said.err
    assert "calibrating" not in said.err
    assert not list(tmp_path.rglob("*.json"))
