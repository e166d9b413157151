"""Models exchanged, added, broken and taken away under load, on a real server; and the commands that do it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from model_folder import put

from framebatch.testing import ServerProcess
from framebatch_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from framebatch_client import Answer

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]

LONG_MS = 60_000.0
PAUSE_SECONDS = 0.03
SOME = 15


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Answer a folder with one model, in version 1."""
    found = tmp_path / "models"
    put(found, "belt", 1)
    return found


@pytest.fixture(scope="module")
def picture(root: Path) -> bytes:
    """Answer a picture of the conveyor with parts on it."""
    return (root / "docs" / "images" / "conveyor.jpg").read_bytes()


def start(folder: Path, device: str, more: str = "") -> ServerProcess:
    """Start a server that looks for changes all the time."""
    settings = folder.parent / "settings.toml"
    settings.write_text(f"reload_seconds = 0.1\ndecoders = 2\n{more}", encoding="utf-8")
    return ServerProcess("--models", folder, "--config", settings, "--device", device)


class Camera(threading.Thread):
    """A stream that sends a frame every few milliseconds until `stop`, and keeps every answer."""

    def __init__(
        self,
        server: ServerProcess,
        picture: bytes | npt.NDArray[np.uint8],
        *,
        model: str = "",
        pause_seconds: float = PAUSE_SECONDS,
        deadline_ms: float = LONG_MS,
    ) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.answers: list[Answer] = []
        self._address, self._picture, self._model, self._pause_seconds = (
            server.address,
            picture,
            model,
            pause_seconds,
        )
        self._deadline_ms = deadline_ms
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self.start()

    def run(self) -> None:
        """Send, and read beside it."""
        with (
            Client(self._address) as client,
            client.stream(camera=self.name, deadline_ms=self._deadline_ms, model=self._model) as stream,
        ):
            reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
            reader.start()
            while not self._stopped.wait(self._pause_seconds):
                stream.send(self._picture)
                self.sent += 1
            stream.finish()
            reader.join()

    def _read(self, stream: Any) -> None:
        for answer in stream.answers():
            with self._changed:
                self.answers.append(answer)
                self._changed.notify_all()

    def more(self, version: str | None = None, *, outcome: str = "OK") -> None:
        """Return after some more answers, of that version where one is named; waits for ever otherwise."""
        seen = len(self.answers)
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    sum(
                        answer.outcome == outcome and version in {None, answer.model_version}
                        for answer in self.answers[seen:]
                    )
                    >= SOME
                )
            )

    def stop(self) -> list[Answer]:
        """Answer everything that came back, in the order in which the frames were sent."""
        self._stopped.set()
        self.join()
        return sorted(self.answers, key=lambda answer: answer.sequence)


@pytest.fixture
def cameras() -> Iterator[list[Camera]]:
    """Answer a list of cameras that are stopped in the end, whatever happens."""
    started: list[Camera] = []
    yield started
    for camera in started:
        camera.stop()


def check(camera: Camera, expected: str) -> None:
    """All frames are answered OK, each by one whole version, and the versions follow each other as expected."""
    answers = camera.stop()
    assert len(answers) == camera.sent
    assert Counter(f"{answer.outcome} {answer.reason}" for answer in answers) == {"OK ": camera.sent}
    versions = [answer.model_version for answer in answers]
    assert "".join(b for a, b in zip(["", *versions], versions, strict=False) if a != b) == expected
    for answer in answers:
        labels = {detection.label.partition("-")[0] for detection in answer.detections}
        assert labels <= {answer.model_version}


def test_versions_are_exchanged_under_load_without_losing_a_frame(
    folder: Path, picture: bytes, cameras: list[Camera]
) -> None:
    """A newer version takes over, a broken one does not, an older one on demand; and no frame notices but by its answer."""
    with start(folder, "sim:3,0.5") as server, Client(server.address) as client:
        cameras += [Camera(server, picture) for _ in range(3)]
        for camera in cameras:
            camera.more("1")
        put(folder, "belt", 2)
        for camera in cameras:
            camera.more("2")
        put(folder, "belt", 3, broken=True)
        while (newest := client.list_models().models[0].versions[0]).state != "FAILED":
            pass
        assert (newest.version, "is no ONNX file" in newest.reason) == (3, True)
        for camera in cameras:
            camera.more("2")
        assert client.load_model("belt", version=1).versions[-1].state == "READY"
        for camera in cameras:
            camera.more("1")
            check(camera, "121")
        answered = sum(camera.sent for camera in cameras)
        series = server.series()
        assert series['framebatch_latency_seconds_count{model="belt"}'] == server.answered() == answered
        assert series['framebatch_batch_frames_sum{model="belt"}'] == answered
        assert series['framebatch_model_loads_total{model="belt",result="loaded"}'] == 3
        assert series['framebatch_model_loads_total{model="belt",result="failed"}'] == 1


def test_every_answer_is_of_one_whole_version(folder: Path, picture: bytes, cameras: list[Camera]) -> None:
    """On a real device: what is found carries the labels of the version that the answer names."""
    with start(folder, "cpu", 'threads = 1\nmax_batch = 2\nprofile = "off"\n') as server:
        cameras.append(Camera(server, picture, pause_seconds=0.1))
        cameras[0].more("1")
        put(folder, "belt", 2)
        cameras[0].more("2")
        check(cameras[0], "12")
    found = {detection.label for answer in cameras[0].answers for detection in answer.detections}
    assert {label.partition("-")[0] for label in found} == {"1", "2"}


def test_a_model_comes_and_goes_beside_another(folder: Path, picture: bytes, cameras: list[Camera]) -> None:
    """Its frames are refused while it is not served, those of the other are answered all the time."""
    put(folder, "press")
    with start(folder, "sim:3,0.5") as server, Client(server.address) as client:
        belt, press = Camera(server, picture, model="belt"), Camera(server, picture, model="press")
        cameras += [belt, press]
        press.more("1")
        client.unload_model("press")
        press.more(outcome="INVALID")
        client.load_model("press")
        press.more("1")
        belt.more()
        check(belt, "1")
        answers = press.stop()
        assert len(answers) == press.sent
        kinds = [f"{answer.outcome} {answer.reason}" for answer in answers]
        refused = "INVALID model 'press' is not served here; this server has: belt"
        assert [b for a, b in zip(["", *kinds], kinds, strict=False) if a != b] == ["OK ", refused, "OK "]


def test_two_models_share_one_device(folder: Path, cameras: list[Camera]) -> None:
    """With more frames than it can do, each has its share of the device, and every frame its answer."""
    put(folder, "press")
    tiny = np.zeros((24, 32, 3), np.uint8)  # the device is to be short, and not the processor
    with start(folder, "sim:40,20") as server:
        cameras += [
            Camera(server, tiny, model=name, pause_seconds=0.01, deadline_ms=1_000) for name in ("belt", "press")
        ]
        for camera in cameras:
            camera.more()
        before = server.series()
        for camera in cameras * 3:
            camera.more()
        after = server.series()
        names = [f'framebatch_device_busy_seconds_total{{model="{name}"}}' for name in ("belt", "press")]
        belt, press = (after[name] - before[name] for name in names)
        assert 0.5 < belt / press < 2
        for camera in cameras:
            assert len(camera.stop()) == camera.sent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `framebatch models`."""
    command = [sys.executable, "-m", "framebatch.cli", "models", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_commands_say_and_do_what_the_calls_do(folder: Path) -> None:
    """Exit code 2 with the server's reason for what cannot be done, and 1 where there is no server."""
    put(folder, "belt", 2, broken=True)
    with start(folder, "sim:3,0.5") as server:
        address = ("--server", server.address)
        found = json.loads(run("list", *address, "--json").stdout)
        assert [(each["version"], each["state"]) for each in found["models"][0]["versions"]] == [
            (2, "FAILED"),
            (1, "READY"),
        ]
        shown = run("list", *address).stdout
        assert all(word in shown for word in ("belt", "READY", "FAILED", "is no ONNX file"))
        failed = run("load", "belt", "--version", "2", *address)
        assert (failed.returncode, "FAILED_PRECONDITION" in failed.stderr) == (2, True)
        loaded = run("load", "belt", "--version", "1", *address)
        assert (loaded.returncode, loaded.stdout) == (0, "belt version 1 on sim 3+0.5b ms (simulated) serves\n")
        unloaded = run("unload", "belt", *address)
        assert (unloaded.returncode, unloaded.stdout) == (0, "belt is served no longer\n")
        assert run("unload", "belt", *address).returncode == 2
        document = json.loads(run("load", "belt", "--version", "1", *address, "--json").stdout)
        assert document["versions"][-1]["label"] == "1"
    nobody = run("list", *address)
    assert (nobody.returncode, nobody.stdout, nobody.stderr.startswith("error: ")) == (1, "", True)


def test_a_folder_without_a_model_that_can_be_served_ends_the_start(folder: Path) -> None:
    """With exit code 2 and the reason."""
    shutil.rmtree(folder / "belt" / "1")
    with pytest.raises(RuntimeError, match=r"no model can be served: .*belt holds no version"), start(folder, "cpu"):
        pass
