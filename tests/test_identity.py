"""framebatch.calibration.identity: what figures hold for, and what they do not depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tiny_models

from framebatch.calibration.identity import fingerprint_of
from framebatch.detection.loading import load_detector
from framebatch.device.devices import Device, parse_device
from framebatch.device.options import EngineOptions

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.profile import Fingerprint


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small one."""
    return tiny_models.colours(tmp_path / "m.onnx", metadata=tiny_models.COLOURS)


def fingerprint(model: Path, device: Device, **given: object) -> Fingerprint:
    """Of a model loaded so."""
    options = EngineOptions(**given)  # type: ignore[arg-type]  # each test gives what exists
    detector = load_detector(model, device=device, options=options, max_batch=1)
    try:
        return fingerprint_of(detector, device, options)
    finally:
        detector.close()


def test_on_a_processor_threads_count(model: Path) -> None:
    """And nothing that is for other devices; `auto` without a GPU is the processor."""
    one = fingerprint(model, Device(kind="cpu"), threads=1)
    assert (one.provider, one.options, one.driver) == ("CPUExecutionProvider", {"threads": "1"}, "")
    assert one.runtime.startswith("onnxruntime 1.")
    assert (one.input_width, one.input_height, one.precision, len(one.model_sha256)) == (64, 64, "float32", 64)
    assert fingerprint(model, Device(kind="cpu"), threads=1, tf32=True, cuda_graph=True) == one
    assert fingerprint(model, Device(kind="cpu"), threads=2).options == {"threads": "2"}


def test_the_number_of_threads_is_the_one_really_used(model: Path) -> None:
    """Also where it was found by measurement."""
    detector = load_detector(model, device=Device(kind="cpu"))
    used = detector.report.threads
    assert used
    assert fingerprint_of(detector, Device(kind="cpu"), EngineOptions()).options == {"threads": str(used)}
    detector.close()


def test_a_simulated_device_is_its_name(model: Path) -> None:
    """Neither the processor nor the runtime below it plays a part."""
    found = fingerprint(model, parse_device("sim:1,2,0.1,10,1,90"), threads=1)
    assert (found.device, found.runtime, found.provider) == ("sim:1,2,0.1,10,1,90", "simulated", "simulated")
    assert (found.options, found.driver) == ({}, "")
