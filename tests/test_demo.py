"""`framebatch demo`: its scoring, its views, and one short run of all of it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from framebatch.cli.demo.run import parse_ready_line
from framebatch.cli.demo.score import Score, iou
from framebatch.cli.demo.view import live_view, summary_view
from framebatch_client import Detection, Outcome, StreamStats
from framebatch_models.conveyor import Truth

BOX = (0.0, 0.0, 10.0, 10.0)
OTHER = (20.0, 20.0, 30.0, 30.0)


def found(box: tuple[float, float, float, float] = BOX, label: str = "gear", score: float = 0.9) -> Detection:
    """One detection."""
    return Detection(box=box, score=score, class_id=0, label=label)


def there(box: tuple[float, float, float, float] = BOX, label: str = "gear", *, difficult: bool = False) -> Truth:
    """One object."""
    return Truth(box=box, class_id=0, label=label, visible=1.0, difficult=difficult)


@pytest.mark.parametrize(
    ("other", "expected"),
    [(BOX, 1.0), (OTHER, 0.0), ((0.0, 0.0, 5.0, 10.0), 0.5), ((5.0, 0.0, 15.0, 10.0), 1 / 3)],
)
def test_iou_is_the_shared_part_of_the_whole(other: tuple[float, float, float, float], expected: float) -> None:
    """Intersection over union."""
    assert iou(BOX, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("detections", "truth", "counts"),
    [
        ([found()], [there()], (1, 0, 0)),
        ([], [there()], (0, 0, 1)),
        ([found()], [], (0, 1, 0)),
        ([found(label="screw")], [there()], (0, 1, 1)),
        ([found(box=OTHER)], [there()], (0, 1, 1)),
        ([found(), found(score=0.5)], [there()], (1, 1, 0)),
        ([found()], [there(difficult=True)], (0, 0, 0)),
        ([], [there(difficult=True)], (0, 0, 0)),
    ],
)
def test_each_object_is_found_once(
    detections: list[Detection], truth: list[Truth], counts: tuple[int, int, int]
) -> None:
    """Hits, false alarms and missed objects of one picture; difficult ones count for nothing."""
    score = Score()
    score.add(detections, truth)
    assert (score.hits, score.false_alarms, score.missed) == counts


def test_precision_and_recall_are_shares_or_nothing() -> None:
    """None before there is anything to divide by."""
    score = Score()
    assert (score.precision, score.recall) == (None, None)
    score.add([found(), found(box=OTHER)], [there()])
    assert (score.precision, score.recall, repr(score)) == (0.5, 1.0, "Score(hits=1, false_alarms=1, missed=0)")


def test_the_ready_line_is_read_with_a_device_of_several_words() -> None:
    """Everything after device= is its name."""
    line = "ready grpc=127.0.0.1:8001 http=127.0.0.1:8002 model=conveyor device=cpu (AMD EPYC, 2 threads)\n"
    assert parse_ready_line(line) == {
        "grpc": "127.0.0.1:8001",
        "http": "127.0.0.1:8002",
        "model": "conveyor",
        "device": "cpu (AMD EPYC, 2 threads)",
    }


@pytest.mark.parametrize("width", [80, 120])
def test_the_live_table_fits_the_terminal(width: int) -> None:
    """A row a camera with its figures, no line cut."""
    stats = StreamStats(
        sent=50, sent_fps=10.0, answered=dict.fromkeys(Outcome, 7), p50_ms=21.04, p99_ms=99.9, mean_batch=2.5
    )
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        console.print(live_view("title", "watch", {"station-1/cam-1": stats}, elapsed=5.0, seconds=20.0))
    rows = [line.split() for line in capture.get().splitlines() if "cam-1" in line]
    assert rows == [["station-1/cam-1", "50", "10.0", "7", "35", "2.5", "21.0", "99.9"]]


@pytest.mark.end_to_end
def test_a_short_demo_accounts_for_every_frame(tmp_path: Path) -> None:
    """Three cameras on a simulated device: exit 0, all answered, the summary on stdout and in its file alike."""
    command = ("demo", "--cameras", "3", "--fps", "5", "--seconds", "2", "--device", "sim:2,1", "--json")
    run = subprocess.run(
        (sys.executable, "-m", "framebatch.cli", *command), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    summary = json.loads(run.stdout)
    assert summary == json.loads((tmp_path / "demo-summary.json").read_text())
    assert (summary["cameras"], summary["frames_sent"], summary["answered"], summary["unaccounted"]) == (3, 30, 30, 0)
    assert sum(summary["outcomes"].values()) == 30
    assert summary["goodput_fps"] <= 30 / 2
    assert summary["streamed_seconds"] >= 2
    assert summary["device"].endswith("(simulated)")
    assert "conveyor: batches of up to 64; their times are known, as the device is simulated" in run.stderr


@pytest.mark.end_to_end
def test_a_demo_whose_server_does_not_start_says_why(tmp_path: Path) -> None:
    """Exit 1 with the end of the server's log."""
    command = (sys.executable, "-m", "framebatch.cli", "demo", "--model", "nothing-like-that")
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, "model nothing-like-that is no file" in run.stderr) == (1, True)


@pytest.mark.end_to_end
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_told_to_end_takes_its_server_along(tmp_path: Path, told: signal.Signals) -> None:
    """While it streams; none of its processes is left."""
    command = ("demo", "--cameras", "1", "--seconds", "60", "--device", "sim:2,1")
    with subprocess.Popen(
        (sys.executable, "-u", "-m", "framebatch.cli", *command), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert any("watch it in a browser: http://" in line for line in run.stdout)
        (server,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.send_signal(told)
        assert run.wait(30) != 0
    assert not Path(f"/proc/{server}").exists()


FIGURES: dict[str, Any] = {
    "device": "cpu",
    "model": "conveyor",
    "cameras": 8,
    "fps": 10.0,
    "seconds": 20.0,
    "streamed_seconds": 20.0,
    "deadline_ms": 250.0,
    "frames_sent": 10,
    "answered": 8,
    "outcomes": {"OK": 7, "EXPIRED": 1},
    "unaccounted": 2,
    "goodput_fps": 7.0,
    "p50_ms": None,
    "p99_ms": None,
    "mean_batch": None,
    "precision": None,
    "recall": None,
}


def shown(**changes: Any) -> str:
    """Answer the summary with these figures, as printed on one long line each."""
    console = Console(file=io.StringIO(), width=160)
    with console.capture() as capture:
        console.print(summary_view(FIGURES | changes, pictures=[], target="demo-summary.json"))
    return capture.get()


def test_the_summary_names_what_is_not_accounted_for() -> None:
    """In words, beside the other figures."""
    assert "10 sent by 8 cameras, 8 answered, 2 unaccounted for" in shown()


def test_a_machine_that_was_too_slow_for_its_own_cameras_is_told_so() -> None:
    """The figures are of the rate that it reached; a little late is no matter."""
    expected = (
        "this machine took 32.0 s to draw and send what was due in 20 s: these figures are of 6.2 frames/s a camera"
    )
    assert expected in shown(streamed_seconds=32.0)
    assert "this machine took" not in shown(streamed_seconds=21.0)
