"""framebatch.detection.prepared: a model that was proven once is opened again without that."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import lying_models
import numpy as np
import pytest
import tiny_models

from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.prepared import PreparedModel, open_prepared, prepare_model
from framebatch.detection.scenes import scenes
from framebatch.device.devices import Device, parse_device
from framebatch.device.engine import OnnxEngine
from framebatch.device.options import EngineOptions
from framebatch.device.simulated import SimulatedEngine

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.detector import Detector


def detect(detector: Detector) -> list[list[float]]:
    """The scores in two scenes, detected together."""
    fit = detector.spec.fit
    batch = [Prepared(picture, plan_resize(fit, fit.width, fit.height)) for picture in scenes(2, fit.width, fit.height)]
    return [found.scores.tolist() for found in detector.detect(batch).detections]


@pytest.mark.usefixtures("selects_always")
def test_it_is_opened_as_it_was_proven(tmp_path: Path) -> None:
    """The same program, threads and answers, at another largest batch; the file of the model is not needed any more."""
    path = lying_models.detector(tmp_path / "m.onnx")
    prepared, (detector, _) = prepare_model(path, device=parse_device("cpu"), options=EngineOptions(threads=1))
    wanted = detect(detector)
    detector.close()
    prepared.save(tmp_path / "kept")
    path.unlink()
    again, engine = open_prepared(PreparedModel.read(tmp_path / "kept"), max_batch=12)
    assert isinstance(engine, OnnxEngine)
    assert (again.report.fused, again.report.proven, again.buckets[-1]) == (True, (1, 2, 3, 4, 6, 8), 12)
    assert (prepared.device, prepared.options.threads) == (Device(kind="cpu"), 1)
    assert sum(map(len, wanted)) > 0
    np.testing.assert_allclose(np.concatenate(detect(again)), np.concatenate(wanted), atol=1e-6)


def test_what_cannot_run_in_batches_keeps_its_size(tmp_path: Path) -> None:
    """Whatever is asked for."""
    path = lying_models.detector(tmp_path / "m.onnx", "adds frame to frame", batch=2)
    prepared, (detector, _) = prepare_model(path, device=parse_device("cpu"), options=EngineOptions(threads=1))
    detector.close()
    assert open_prepared(prepared, max_batch=16).detector.buckets == (2,)


def test_a_simulated_device_takes_the_same_path(tmp_path: Path) -> None:
    """With its memory, and noise by the seed."""
    path = tiny_models.colours(tmp_path / "m.onnx", metadata=tiny_models.COLOURS)
    prepared, (detector, engine) = prepare_model(path, device=parse_device("sim:1,1,0.2,5,1,9"), name="other")
    assert (detector.spec.name, detector.simulated, prepared.program) == ("other", True, None)
    assert isinstance(engine, SimulatedEngine)
    times = []
    for seed in (1, 2):
        opened, again = open_prepared(prepared, max_batch=3, seed=seed)
        assert isinstance(again, SimulatedEngine)
        assert (opened.buckets, again.memory_limit_bytes) == ((1, 2, 3), 9 << 20)
        _, started_ns, finished_ns = again.run(np.zeros((1, 64, 64, 3), np.uint8))
        times.append(finished_ns - started_ns)
    assert times[0] != times[1]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """It holds Python objects, and must hold ours."""
    (tmp_path / "kept").write_bytes(pickle.dumps("hello"))
    with pytest.raises(TypeError, match="holds a str; it must hold a PreparedModel"):
        PreparedModel.read(tmp_path / "kept")
