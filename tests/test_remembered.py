"""framebatch.detection.remembered: what was proven holds for the same file, weights, options and machine, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lying_models
import numpy as np
import onnx
import pytest

from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.loading import load_detector
from framebatch.detection.scenes import scenes
from framebatch.device.devices import Device

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.detector import Detector

CPU = Device(kind="cpu")


def load(path: Path, *, max_batch: int = 3, threads: int | None = 1) -> Detector:
    """Load on the processor."""
    return load_detector(path, device=CPU, max_batch=max_batch, threads=threads)


def scores(detector: Detector) -> list[float]:
    """Detect in one scene."""
    fit = detector.spec.fit
    (picture,) = scenes(1, fit.width, fit.height)
    found = detector.detect([Prepared(picture, plan_resize(fit, fit.width, fit.height))]).detections[0]
    return list(map(float, found.scores))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "framebatch" / "graphs"


def test_weights_beside_the_file_are_found_and_watched(tmp_path: Path) -> None:
    """The kept program finds them in the model's folder; when they change, everything is proven anew."""
    path = lying_models.detector(tmp_path / "m.onnx")
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, location="m.data", size_threshold=100)
    first = load(path)
    second = load(path)
    assert (first.report.remembered, second.report.remembered) == (False, True)
    assert scores(first) == scores(second)
    weights = np.fromfile(tmp_path / "m.data", np.float32)
    (weights * np.float32(0.5)).tofile(tmp_path / "m.data")
    third = load(path)
    assert not third.report.remembered
    assert scores(third) != scores(first)


def test_thresholds_are_not_part_of_the_proof_but_preparation_is(tmp_path: Path) -> None:
    """What the manifest changes in the input is proven anew."""
    path = lying_models.detector(tmp_path / "m.onnx")
    load(path)
    manifest = tmp_path / "m.toml"
    manifest.write_text("confidence = 0.5\nmax_detections = 3")
    changed = load(path)
    assert (changed.report.remembered, changed.spec.confidence) == (True, 0.5)
    manifest.write_text("scale = 0.5")
    assert not load(path).report.remembered


def test_damage_is_repaired_by_proving_again(tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A kept file that is damaged costs time, nothing else."""
    path = lying_models.detector(tmp_path / "m.onnx")
    wanted = scores(load(path))
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:-5])
    again = load(path)
    assert not again.report.remembered
    assert scores(again) == wanted
    assert "a kept program is not used, but built anew" in caplog.text
    assert load(path).report.remembered


def test_threads_are_remembered_for_single_frames_only(tmp_path: Path) -> None:
    """A command that runs often is not to measure each time; a server measures at each start, on what else runs then."""
    path = lying_models.detector(tmp_path / "m.onnx")
    single = load(path, max_batch=1, threads=None)
    if not single.report.frames_per_second:
        pytest.skip("this machine has one core")
    again = load(path, max_batch=1, threads=None)
    assert again.report.remembered
    assert again.report.frames_per_second == single.report.frames_per_second
    assert again.device == single.device
    load(path, threads=None)
    server = load(path, threads=None)
    assert server.report.remembered
    assert server.report.threads in server.report.frames_per_second
