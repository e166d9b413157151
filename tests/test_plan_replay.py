"""`framebatch plan --replay`: what is printed of a recording that was played again."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from played import MS, TABLE, play, recording_of

from framebatch.cli.plan.replay import replay_command
from framebatch.clock import SECOND_NS
from framebatch.frame import Outcome
from framebatch.planning import replay as module
from framebatch.planning.durations import Fixed
from framebatch.planning.fleet import Fleet
from framebatch.planning.host import Host
from framebatch.planning.service import DeviceModel
from framebatch.profile import LatencyTable
from framebatch.recording.codec import encode, preamble

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.recording import Recording
    from framebatch.recording.records import Record

HOST = Host(before=Fixed(MS // 2), after=Fixed(MS), margin_ns=MS)
SLOW = DeviceModel(name="slow", told=TABLE, table=LatencyTable(TABLE.buckets, tuple(2 * t for t in TABLE.service_ns)))


def recorded(device: DeviceModel = SLOW, *, model: str = "m") -> Recording:
    """Answer what a server on a device twice as slow as told wrote down, at twice that device's limit."""
    frames = Fleet(cameras=16, fps=50, deadline_ns=50 * MS).frames(3 * SECOND_NS, seed=2)
    played = play(frames, host=HOST, device=device, fair=True, seed=module.SEED)
    return recording_of(played, margin_ns=HOST.margin_ns, model=model)


def written(path: Path, recording: Recording, *more: Recording) -> Path:
    """Answer a file that holds the records."""
    facts = {"created": recording.created, "framebatch": recording.framebatch, "created_ns": 0}
    records: list[Record] = []
    for each in (recording, *more):
        records += [*each.models, *each.frames, *each.batches]
    path.write_bytes(preamble(facts) + encode(records, first=0))
    return path


def test_json_is_one_document_with_all_that_was_found_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Live and simulated, every frame by how it ended, the device and the host as they were."""
    replay_command(written(tmp_path / "log", recorded()), json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["version"], found["device"]) == ("m", "1", "sim")
    assert found["live"] == found["simulated"]
    assert found["live"]["miss_rate"] > 0.3
    assert found["points_apart"] == 0
    assert sum(each["frames"] for each in found["frames"]) == 2400
    assert {each["live"] for each in found["frames"]} <= set(Outcome)
    assert found["service"]["service_ms"] == [6.0, 8.0, 12.0, 20.0]
    assert found["host_ms"] == {"before": 0.5, "after": 1.0, "decode": 0.0}
    assert found["departures"] == ["batches took 100.0% more than the server's table says (median)"]
    assert (found["second"], found["camera"]) == (None, None)


def test_people_see_both_beside_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What agrees, and in words what reality did."""
    replay_command(written(tmp_path / "log", recorded()))
    shown = capsys.readouterr().out
    assert "in time, and so does the simulator." in shown
    rows = [line.split() for line in shown.splitlines()]
    live, simulated = (next(row for row in rows if row[:1] == [name]) for name in ("live", "simulated"))
    assert live[1:] == simulated[1:]
    assert "- batches took 100.0% more than the server's table says (median)" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_where_the_two_differ_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By how much, which frames, when and for whom."""
    fine = recorded(DeviceModel(name="fine", table=TABLE))
    begin_ns = min(each.arrival_ns for each in fine.frames)
    frames = tuple(
        each._replace(outcome=Outcome.FAILED)
        if each.camera == "5" and each.arrival_ns - begin_ns > 2 * SECOND_NS and each.outcome is Outcome.OK
        else each
        for each in fine.frames
    )
    replay_command(written(tmp_path / "log", fine._replace(frames=frames)))
    shown = " ".join(capsys.readouterr().out.split())
    lost = sum(each.outcome is Outcome.FAILED for each in frames)
    assert lost > 20
    assert f"{100 * lost / len(frames):.2f} percentage points more." in shown
    assert f"FAILED OK {lost}" in shown
    assert f"- {lost} frames failed; the simulation knows no failures" in shown
    assert "- most apart in second 2: of " in shown
    assert "- most apart for camera 5: of 150 frames" in shown


def test_of_several_models_one_is_played_and_the_others_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one that is named."""
    path = written(tmp_path / "log", recorded(), recorded(model="other"))
    replay_command(path, model="other", json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == "other"
    assert "the device was shared with m, of which the simulation knows nothing" in found["notes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--replay", "nowhere"), "nowhere cannot be read"),
        (("--replay", "log", "--model", "x"), "--model x: the recording has m; name one of these"),
        (("--replay", "log", "--fps", "10"), "--replay takes device and frames from the recording"),
        (("--model", "m", "--profile", "sim:6,3", "--fps", "10", "--deadline-ms", "100"), "--model goes with --replay"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, nothing on stdout."""
    written(tmp_path / "log", recorded())
    command = [sys.executable, "-m", "framebatch.cli", "plan", *arguments]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
