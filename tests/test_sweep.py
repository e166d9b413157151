"""framebatch.calibration.sweep: whole calibrations of simulated devices, whose truth is known."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tiny_models

from framebatch.calibration.sweep import Progress, Wanted, calibrate
from framebatch.device.devices import parse_device
from framebatch.errors import DeviceError, ModelError

if TYPE_CHECKING:
    from framebatch.profile import Profile

MS = 1_000_000
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Any model will do: a simulated device only takes its time."""
    return tiny_models.colours(tmp_path_factory.mktemp("model") / "m.onnx", metadata=tiny_models.COLOURS)


def wanted(model: Path, device: str, **given: Any) -> Wanted:
    """What to calibrate, without noise from elsewhere."""
    return Wanted(model=model, device=parse_device(device), **{"seed": 7, "soak_batches": 5, **given})


@pytest.fixture(scope="module")
def told() -> list[Progress]:
    """What was told while the profile below came about."""
    return []


@pytest.fixture(scope="module")
def profile(model: Path, told: list[Progress]) -> Profile:
    """A device of 0.2 ms and 0.1 ms for every frame, whose memory holds a model of 10 MiB and 3 frames of 3 MiB."""
    asked = wanted(
        model,
        "sim:0.2,0.1,0.01,10,3,20",
        limit=4,
        budget_seconds=45,
        memory_fraction=1.0,
        command="framebatch calibrate",
    )
    return calibrate(asked, told.append)


def test_a_device_that_fails_at_its_limit_is_measured_up_to_there(profile: Profile) -> None:
    """3 frames fit, and 4 were seen to fail."""
    assert (profile.ceiling.largest_ran, profile.ceiling.smallest_failed) == (3, 4)
    assert profile.ceiling.failure == "memory"
    assert "failed on a batch of 4" in profile.ceiling.why
    assert [bucket.batch for bucket in profile.buckets] == [1, 2, 3]
    assert all(bucket.measured for bucket in profile.buckets)


def test_what_was_measured_is_the_truth(profile: Profile) -> None:
    """Times within 3 %, memory within 2 %."""
    for bucket in profile.buckets:
        assert bucket.service_ns == pytest.approx((0.2 + 0.1 * bucket.batch) * MS, rel=0.03)
    assert profile.memory is not None
    assert profile.memory.line is not None
    assert profile.memory.total_bytes == 20 * MEBIBYTE
    assert profile.memory.line.base_bytes == pytest.approx(10 * MEBIBYTE, rel=0.02)
    assert profile.memory.line.bytes_per_frame == pytest.approx(3 * MEBIBYTE, rel=0.02)


def test_the_choice_was_soaked(profile: Profile) -> None:
    """For as many batches as were asked for."""
    assert (profile.choice.max_batch, profile.choice.bound_by) == (3, "memory")
    assert profile.soak is not None
    assert (profile.soak.batch, profile.soak.batches, profile.soak.failed) == (3, 5, "")


def test_a_profile_says_how_it_came_about(profile: Profile) -> None:
    """For what it holds, and by which command."""
    assert (profile.model, profile.simulated) == ("m", True)
    assert profile.fingerprint.device == "sim:0.2,0.1,0.01,10,3,20"
    assert (profile.run.command, profile.run.complete, profile.run.quick) == ("framebatch calibrate", True, False)
    assert {penalty.idle_ns for penalty in profile.idle} <= {100 * MS, 1000 * MS, 10_000 * MS}


def test_progress_only_moves_forward(profile: Profile, told: list[Progress]) -> None:
    """From loading to the end, with what was measured last."""
    assert profile.run.complete
    assert told[0].stage == "loading and proving the model"
    assert (told[-1].stage, told[-1].share, told[-1].left_seconds) == ("done", 1.0, 0.0)
    assert all(before.share <= after.share <= 1 for before, after in itertools.pairwise(told))
    assert all(each.left_seconds >= 0 for each in told)
    assert {each.latest.batch for each in told if each.latest} == {1, 2, 3, 4}


def test_a_model_of_one_batch_size_has_one_bucket(tmp_path: Path) -> None:
    """A quick run of it."""
    model = tiny_models.colours(tmp_path / "m.onnx", metadata=tiny_models.COLOURS, batch=4)
    profile = calibrate(wanted(model, "sim:1,0.1", quick=True, budget_seconds=2))
    assert [bucket.batch for bucket in profile.buckets] == [4]
    assert (profile.choice.max_batch, profile.memory) == (4, None)


def test_a_device_on_which_nothing_runs_is_an_error(model: Path) -> None:
    """With what the device said: the model fits, and no frame beside it; or not even the model does."""
    with pytest.raises(DeviceError, match=r"not even a batch of 1 runs: .* failed on a batch of 1: it needs"):
        calibrate(wanted(model, "sim:1,1,0,10,5,12"))
    with pytest.raises(DeviceError, match="cannot hold the model: it takes 10485760 bytes of 5242880"):
        calibrate(wanted(model, "sim:1,1,0,10,5,5"))


def test_a_model_that_cannot_be_served_is_an_error(tmp_path: Path) -> None:
    """Of the model's kind, as without measuring."""
    with pytest.raises(ModelError, match=r"no\.onnx cannot be read"):
        calibrate(wanted(tmp_path / "no.onnx", "sim:1,1"))


SCRIPT = """
import sys
from pathlib import Path
from framebatch.calibration.sweep import Wanted, calibrate
from framebatch.device.devices import parse_device

def tell(progress):
    if progress.latest is not None:
        print("measured", flush=True)

profile = calibrate(Wanted(model=Path(sys.argv[1]), device=parse_device("sim:1,1,0.2"), quick=True), tell)
print(profile.model_dump_json(), flush=True)
"""


def measuring(model: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """A calibration that has measured a size and measures the next, and its measuring processes."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(model)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "measured\n"
    children: list[int] = []
    while not children:
        children = [
            int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
        ]
    return process, [os.pidfd_open(pid) for pid in children]


def all_end(files: list[int]) -> bool:
    """Whether these processes have ended, or do so within ten seconds."""
    ended = [bool(select.select([file], [], [], 10)[0]) for file in files]
    for file in files:
        os.close(file)
    return all(ended)


def test_ctrl_c_keeps_what_was_measured(model: Path) -> None:
    """The profile says that it is not complete, and no process is left."""
    process, children = measuring(model)
    with process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        *_, last = process.stdout.read().splitlines()
        assert process.wait(20) == 0
    assert all_end(children)
    document = json.loads(last)
    assert not document["run"]["complete"]
    assert document["buckets"][0]["service_ns"] == pytest.approx(2 * MS, rel=0.2)
    assert document["soak"] is None


def test_nobody_is_left_when_a_calibration_is_killed(model: Path) -> None:
    """Its measuring process ends with it."""
    process, children = measuring(model)
    with process:
        process.kill()
    assert all_end(children)
