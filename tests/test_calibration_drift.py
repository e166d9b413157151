"""framebatch.calibration.drift: how far two ways of running a model are apart, on pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

import framebatch_models
from framebatch.calibration.drift import detections_of, drift_between, read_pictures
from framebatch.device.convert import to_half
from framebatch.device.devices import Device
from framebatch.device.options import EngineOptions
from framebatch.errors import UsageError
from framebatch.frame import EncodedPicture

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.frame import Detections, Picture


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Three of the made-up scenes."""
    return read_pictures([])[:3]


def detected(path: Path, pictures: list[Picture]) -> list[Detections]:
    """What a model sees, on the processor."""
    return detections_of(path, pictures, device=Device(kind="cpu"), options=EngineOptions(threads=1), max_batch=1)


def test_a_model_does_not_drift_from_itself(tmp_path: Path, pictures: list[Picture]) -> None:
    """And in half precision it does a little, on scenes that are the same each time."""
    model, half = framebatch_models.find("conveyor"), tmp_path / "half.onnx"
    to_half(model, half)
    first = detected(model, pictures)
    same = drift_between(first, detected(model, pictures))
    assert same.matched > 20
    assert (same.pictures, same.share, same.box_px_max, same.score_max) == (3, 0.0, 0.0, 0.0)
    drift = drift_between(first, detected(half, pictures))
    assert drift.share < 0.1
    assert 0 < (drift.score_max or 0) < 0.05


def test_pictures_of_ones_own_are_read(tmp_path: Path) -> None:
    """A file that cannot be read is named before anything is run; one that cannot be decoded, by its place."""
    whole, broken, cut = tmp_path / "a.png", tmp_path / "b.jpg", tmp_path / "c.png"
    cv2.imwrite(str(whole), np.zeros((40, 60, 3), np.uint8))
    broken.write_bytes(b"\xff\xd8\xff\xe0")
    cut.write_bytes(whole.read_bytes()[:50])
    assert read_pictures([whole]) == [EncodedPicture(whole.read_bytes())]
    for path in (tmp_path / "none.png", broken):
        with pytest.raises(UsageError, match=f"--pictures: {path}"):
            read_pictures([whole, path])
    pictures, model = read_pictures([whole, cut]), framebatch_models.find("conveyor")
    with pytest.raises(UsageError, match="--pictures: number 2 of 2 by name"):
        detections_of(model, pictures, device=Device(kind="cpu"), options=EngineOptions(threads=1), max_batch=1)
