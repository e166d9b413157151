"""`framebatch plan`, run as people and scripts run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from profiles import make_profile

from framebatch.profile import write_profile

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ("max_cameras", "goodput_fps", "miss_rate", "p50_ms", "p99_ms", "mean_batch", "device_busy")
ASKED = ("--fps", 100, "--deadline-ms", 30)
SMALL = ("--profile", "sim:2,0.5", *ASKED, "--max-batch", 16)


def plan(*arguments: object, columns: int = 80, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, and see its exit code."""
    environment = {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-m", "framebatch.cli", "plan", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=os.environ | environment,
    )
    assert done.returncode == code, done.stderr
    return done


def planned(*arguments: object) -> dict[str, Any]:
    """Its one document, with nothing else on either stream."""
    done = plan(*arguments, "--json")
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_largest_fleet_is_one_json_document() -> None:
    """With the fields that programs rely on first, what binds, and what more would bring."""
    found = planned(*SMALL)
    assert tuple(found)[: len(KEYS)] == KEYS
    assert 1 <= found["max_cameras"] <= 16
    assert found["miss_rate"] <= 0.01
    assert found["goodput_fps"] == pytest.approx(found["max_cameras"] * 100, rel=0.02)
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= 30
    assert 1 <= found["mean_batch"] <= 16
    assert 0 < found["device_busy"] <= 1
    assert found["bound_by"] in {gain["kind"] for gain in found["gains"]}
    assert found["asked"]["limit_fps"] == 1_600
    assert "cameras" not in found
    assert found == planned(*SMALL)


def test_a_number_of_cameras_fits_or_not() -> None:
    """The same fields are for that number; it is no failure when it does not fit."""
    few, many = planned(*SMALL, "--cameras", 3), planned(*SMALL, "--cameras", 40)
    assert (few["cameras"], few["fits"], few["headroom"]) == (3, True, few["max_cameras"] - 3)
    assert few["goodput_fps"] == pytest.approx(300, rel=0.01)
    assert (many["fits"], many["max_cameras"]) == (False, few["max_cameras"])
    assert many["miss_rate"] > 0.3
    assert 20 < many["most_fps"] <= 40


def test_a_profile_is_planned_with_up_to_its_chosen_batch(tmp_path: Path) -> None:
    """A file that `framebatch calibrate` wrote; larger batches than it chose are refused."""
    path = tmp_path / "profile.json"
    write_profile(make_profile(alpha_ms=2.0, beta_ms=0.5, spread=0.05), path)
    found = planned("--profile", path, *ASKED)
    assert found["asked"]["device"] == "yolov8n on Imagined Processor 9000, 2 cores"
    assert (found["asked"]["max_batch"], found["asked"]["limit_fps"]) == (16, 1_600)
    assert 1 <= found["max_cameras"] <= 16
    done = plan("--profile", path, *ASKED, "--max-batch", 24, code=2)
    assert "--max-batch is 24" in done.stderr
    assert "give at most that" in done.stderr


@pytest.mark.parametrize("columns", [80, 120])
def test_people_read_it_within_their_terminal(tmp_path: Path, columns: int) -> None:
    """Answer, neighbours, what binds, advice, the table, the compared devices and the picture."""
    picture = tmp_path / "plan.png"
    more = ("--deadlines-ms", "30,60", "--fps-list", "100,200", "--compare", "sim:1,0.25", "--picture", picture)
    done = plan(*SMALL, *more, columns=columns)
    lines = [line for line in done.stdout.splitlines() if str(picture) not in line]
    assert max(map(len, lines)) <= columns
    assert lines[0] == "sim:2,0.5 (simulated): 100 frames/s a camera, answered within 30 ms"
    text = " ".join(" ".join(lines).split())
    assert "decoding and the network not counted" in text
    assert "cameras at most" in text
    assert "Bound by the de" in text
    assert "A device that takes 10 % less time would carry" in text
    assert "deadline 100 fps 200 fps 30 ms" in text
    assert "sim:1,0.25" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert done.stderr == ""


def test_decoders_network_and_mode_are_counted() -> None:
    """One decoder at 5 ms a picture does 200 a second, whatever the device does."""
    found = planned(*SMALL, "--decoders", 1, "--decode-ms", "5,0.2", "--network-ms", 3, "--mode", "live")
    assert (found["max_cameras"], found["bound_by"]) == (1, "decoders")
    assert found["p50_ms"] > 8
    assert (found["asked"]["mode"], found["asked"]["decoders"], found["asked"]["network_ms"]) == ("live", 1, 3)


def test_nothing_carried_is_an_answer() -> None:
    """Zero cameras, the reason, and the smallest deadline that works; exit code 0."""
    found = planned("--profile", "sim:6,3", "--fps", 10, "--deadline-ms", 8)
    assert [found[key] for key in KEYS] == [0] * len(KEYS)
    assert found["bound_by"] is None
    assert "a deadline of 8 ms is too short; the smallest that works for one camera is" in found["why"]


def test_a_common_trigger_is_planned_too() -> None:
    """And what running free would be worth is told instead of what a common trigger costs."""
    found = planned(*SMALL, "--trigger", "sync")
    assert found["asked"]["trigger"] == "sync"
    assert "sync" not in {advice["kind"] for advice in found["advice"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fps", 10, "--deadline-ms", 9], "--profile is missing; give"),
        (["--profile", "sim:2,1", "--deadline-ms", 9], "--fps is missing; give"),
        (["--profile", "sim:2,1", "--fps", 10], "--deadline-ms is missing; give"),
        (["--profile", "sim:2,1", "--fps", 0, "--deadline-ms", 9], "--fps is 0; it must be above 0"),
        (["--profile", "sim:2,1", "--fps", "nan", "--deadline-ms", 9], "--fps is nan; it must be above 0"),
        (["--profile", "sim:2,1", "--fps", 10, "--deadline-ms", 0], "--deadline-ms is 0; it must be above 0"),
        (["--profile", "sim:2,1", "--fps", 10, "--deadline-ms", 9, "--cameras", 0], "--cameras is 0; it must be"),
        (["--profile", "sim:2", *ASKED], "--profile is 'sim:2'; a simulated device is written sim:ALPHA_MS"),
        (["--profile", "sim:2,1,0,1,1,9", *ASKED], "a plan knows no memory; give sim:ALPHA_MS,BETA_MS"),
        (["--profile", "nowhere.json", *ASKED], "--profile is 'nowhere.json', and no simulated device: nowhere.json"),
        (["--profile", __file__, *ASKED], "is not whole JSON"),
        (["--profile", "sim:2,1", *ASKED, "--compare", "sim:x"], "--compare is 'sim:x'; a simulated device"),
        (["--profile", "sim:2,1", *ASKED, "--trigger", "odd"], "--trigger is 'odd'; it must be free, sync or burst"),
        (["--profile", "sim:2,1", *ASKED, "--mode", "odd"], "--mode is 'odd'; it must be inspect or live"),
        (["--profile", "sim:2,1", *ASKED, "--max-batch", 0], "--max-batch is 0; it must be 1 to"),
        (["--profile", "sim:2,1", *ASKED, "--decoders", 2], "--decoders is given without --decode-ms; give both"),
        (["--profile", "sim:2,1", *ASKED, "--decode-ms", 2], "--decode-ms is given without --decoders; give both"),
        (["--profile", "sim:2,1", *ASKED, "--network-ms", "a"], "--network-ms is 'a'; it must be MEAN or MEAN,VAR"),
        (["--profile", "sim:2,1", *ASKED, "--network-ms", "1,2,3"], "--network-ms is '1,2,3'; it must be MEAN or"),
        (["--profile", "sim:2,1", *ASKED, "--fps-list", "1,0"], "--fps-list is '1,0'; it must be at most 10 numbers"),
        (["--profile", "sim:2,1", *ASKED, "--picture", "p.pdf"], "--picture is p.pdf; give a path that ends in .png"),
        (["--profile", "sim:0.01,0.001", *ASKED], "give a larger --fps"),
    ],
)
def test_bad_input_names_the_option_its_value_and_the_remedy(
    arguments: list[object], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line on stderr, with exit code 2."""
    from framebatch.cli import main  # noqa: PLC0415 - as the program does

    monkeypatch.setattr(sys, "argv", ["framebatch", "plan", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert told in capsys.readouterr().err


def test_neither_arrays_nor_a_runtime_are_needed() -> None:
    """The base installation with pydantic is enough; only a picture needs more."""
    code = (
        "import sys\n"
        "for name in ('numpy', 'cv2', 'onnx', 'onnxruntime', 'matplotlib', 'prometheus_client', 'uvicorn'):\n"
        "    sys.modules[name] = None\n"
        "sys.argv = ['framebatch', *sys.argv[1:]]\n"
        "from framebatch.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "plan", *map(str, SMALL), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["max_cameras"] >= 1
