"""Profiles in a running server: what it is refused for, found, told and measured by; and a device that throttles."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import pytest_asyncio
import tiny_models
from profiles import MIB, make_profile

from framebatch.app import App
from framebatch.app.opening import engine_options, open_detector
from framebatch.calibration.identity import fingerprint_of
from framebatch.clock import SECOND_NS, now_ns
from framebatch.config import Config
from framebatch.device.devices import parse_device
from framebatch.profile import Fingerprint, ProfileStore, write_profile
from framebatch.testing import ServerProcess
from framebatch_client import AsyncClient, Client, Outcome
from framebatch_models import find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from framebatch.app.served import Served

pytestmark = pytest.mark.usefixtures("restored_interpreter")
PICTURE = np.zeros((24, 32, 3), np.uint8)
SIMULATED = "sim:20,5"


def fingerprint(device: str, model: Path | None = None) -> Fingerprint:
    """Answer that of a model, by default the bundled one, with one thread."""
    config = Config(model="any", device=device, max_batch=1, threads=1)
    detector = open_detector(model or find("conveyor"), "any", config)
    detector.close()
    return fingerprint_of(detector, parse_device(device), engine_options(config))


# The command -----------------------------------------------------------------------------------------------------


@pytest.mark.end_to_end
@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("device", "sim:7,7", "device is 'sim:20,5' here and 'sim:7,7' in the profile"),
        ("model_sha256", "0" * 64, "and '000000000000...' in the profile"),
    ],
)
def test_a_profile_of_something_else_ends_the_command(tmp_path: Path, field: str, value: str, told: str) -> None:
    """Exit code 2, with the field, both values and the remedy."""
    path = tmp_path / "profile.json"
    write_profile(make_profile(fingerprint=fingerprint(SIMULATED).model_copy(update={field: value})), path)
    options = ("serve", "--model", "conveyor", "--device", SIMULATED)
    run = subprocess.run(
        (sys.executable, "-m", "framebatch.cli", *options, "--profile", str(path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert told in run.stderr
    assert f"framebatch calibrate --model conveyor --device {SIMULATED} --out {path}" in run.stderr


@pytest.mark.end_to_end
def test_a_stored_profile_is_found_told_and_served_by(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real processor: nothing is measured, and metrics and the list of models say what is served by."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    profile = make_profile(fingerprint=fingerprint("cpu"), sizes=(1, 2, 3, 4, 6), max_batch=3)
    ProfileStore().add(profile)
    with ServerProcess("--model", "conveyor", "--device", "cpu") as server, Client(server.address) as client:
        series = server.series()
        (version,) = client.list_models().models[0].versions
        assert "measured once" not in server.log()
    page = (root / "docs" / "serving-by-profiles.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(framebatch_\w+)` \|", page, flags=re.MULTILINE))
    assert documented - {name.partition("{")[0] for name in series} == set()
    created = profile.run.created
    assert (
        f'framebatch_profile_info{{bound_by="memory",created="{created}",max_batch="3",model="conveyor",source="profile"}}'
        in series
    )
    assert series['framebatch_profile_age_seconds{model="conveyor"}'] > 0
    assert series['framebatch_memory_predicted_bytes{model="conveyor"}'] == 720 * MIB
    assert series['framebatch_memory_limit_bytes{model="conveyor"}'] == pytest.approx(0.8 * 2048 * MIB)
    assert list(version.batch_sizes) == [1, 2, 3]
    assert version.report[-1] == f"full calibration of {created}: {profile.choice.text}"


@pytest.mark.end_to_end
def test_a_server_that_is_stopped_while_it_calibrates_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0, and nobody goes on measuring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    model = tiny_models.colours(tmp_path / "colours.onnx")
    server = ServerProcess("--model", model, "--device", "cpu")
    try:
        while " % measured" not in server.log() and server.process.poll() is None:
            time.sleep(0.02)  # until it measures
        measuring = children_of(server.process.pid)
        server.terminate()
        code = server.wait(20)
        log = server.log()
    finally:
        server.stop()
    assert (code, "measured once" in log, "Traceback" in log) == (0, True, False)
    while any(Path(f"/proc/{pid}").exists() for pid in measuring):
        time.sleep(0.02)  # one that was only being started ends when nobody tells it what to do


async def test_a_model_that_comes_while_others_are_served_is_not_calibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has its stored profile, the newcomer has none and is measured briefly; each says so."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "models"
    folder.mkdir()
    first = tiny_models.colours(folder / "first.onnx")
    ProfileStore().add(make_profile(fingerprint=fingerprint("cpu", first), sizes=(1, 2, 3), max_batch=2))
    free: dict[str, Any] = {"port": 0, "http_port": 0, "decoders": 1, "reload_seconds": 0, "drain_seconds": 1.0}
    app = App(Config(models=folder, device="cpu", threads=1, **free))
    await app.start()
    try:
        shutil.copyfile(first, folder / "second.onnx")
        with (folder / "second.onnx").open("ab") as file:
            file.write(bytes.fromhex("7a00"))  # another file: an unknown field of length 0 at the end
        await app.repository.look_again()
        await app.repository.look_again()
        assert {name: each.basis.source for name, each in app.repository.serving.items()} == {
            "first": "profile",
            "second": "brief",
        }
    finally:
        await app.stop()


def children_of(pid: int) -> list[int]:
    """Answer the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


# A device that throttles -----------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def app() -> AsyncIterator[App]:
    """Answer a started server of a simulated device on which every batch of one frame takes 25 ms."""
    config = Config(model="conveyor", device=SIMULATED, port=0, http_port=0, decoders=1, drain_seconds=1.0)
    started = App(config, find("conveyor"))
    await started.start()
    yield started
    await started.stop()


def served(app: App) -> Served:
    """Answer its one model."""
    return app.repository.serving["conveyor"]


def figures(app: App) -> dict[str, float]:
    """Answer the series of its model that have no other label."""
    rows = [line.rsplit(" ", 1) for line in app.metrics.exposition().decode().splitlines() if line[:1] != "#"]
    return {name.partition("{")[0]: float(value) for name, value in rows if name.endswith('{model="conveyor"}')}


async def ask(app: App, frames: int, deadline_ms: float = 60_000.0) -> list[str]:
    """Send frames one after the other; answer their outcomes."""
    address = dict(word.split("=", 1) for word in app.ready_line.split() if "=" in word)["grpc"]
    async with AsyncClient(address) as client:
        answers = [await client.detect(PICTURE, deadline_ms=deadline_ms) for _ in range(frames)]
    return [answer.outcome for answer in answers]


async def test_a_device_that_throttles_is_planned_with_as_it_is_within_a_few_batches(app: App) -> None:
    """What it can no longer do is refused on arrival, what it can is answered; and back, when it has cooled down."""
    engine: Any = served(app).detector._engine
    await ask(app, 10)
    assert figures(app)["framebatch_drift_ratio"] == pytest.approx(1.0, rel=0.01)
    engine.slowdown = 4.0
    assert await ask(app, 5) == [Outcome.OK] * 5
    assert figures(app)["framebatch_drift_ratio"] > 2
    assert figures(app)["framebatch_derate_ratio"] == pytest.approx(1 / served(app).policy.estimate.factor)
    assert await ask(app, 2, deadline_ms=60) == [Outcome.REJECTED] * 2
    assert await ask(app, 3) == [Outcome.OK] * 3
    engine.slowdown = 1.0
    await ask(app, 15)
    assert Outcome.REJECTED not in await ask(app, 1, deadline_ms=60)


async def test_a_device_that_stays_slow_is_due_for_recalibration(app: App) -> None:
    """The metric says so for as long as it is; every served batch counts."""
    of = served(app).recalibration
    await ask(app, 3)
    assert (of.batches, figures(app)["framebatch_recalibration_due"]) == (3, 0)
    service_ns = 2 * served(app).policy.estimate.table.service_ns[0]
    begin_ns = now_ns()
    for end_ns in range(begin_ns, begin_ns + 120 * SECOND_NS, service_ns):  # one after the other, for two minutes
        of.observe(1, service_ns, end_ns)
    assert figures(app)["framebatch_recalibration_due"] == 1


async def test_without_a_profile_none_is_told_of(app: App) -> None:
    """Where the times come from is said all the same."""
    found = figures(app)
    assert not {"framebatch_profile_age_seconds", "framebatch_memory_predicted_bytes"} & found.keys()
    text = app.metrics.exposition().decode()
    assert '{bound_by="",created="",max_batch="64",model="conveyor",source="simulated"} 1.0' in text
