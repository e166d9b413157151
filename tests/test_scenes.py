"""framebatch.detection.scenes: made-up pictures that differ, are always the same, and show a detector something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.loading import load_detector
from framebatch.detection.scenes import scenes
from framebatch.device.devices import Device

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("width", "height"), [(640, 640), (320, 240), (33, 70), (8, 8), (1, 1)])
def test_pictures_differ_and_are_always_the_same(width: int, height: int) -> None:
    """Of any size, and the first are the same however many there are."""
    pictures = scenes(4, width, height)
    assert pictures.shape == (4, height, width, 3)
    np.testing.assert_array_equal(scenes(2, width, height), pictures[:2])
    assert all((pictures[0] != picture).any() for picture in pictures[1:])


@pytest.mark.parametrize("name", ["yolov8n_dyn640", "yolox_nano_a", "ultraface_rfb320", "neu_yolov8n_int8"])
def test_real_detectors_find_something_in_them(assets: Path, name: str) -> None:
    """People, faces, balls or defects: a proof on empty answers would say little."""
    detector = load_detector(assets / "models" / f"{name}.onnx", device=Device(kind="cpu"), max_batch=1, threads=1)
    fit = detector.spec.fit
    plan = plan_resize(fit, fit.width, fit.height)
    found = [detector.detect([Prepared(picture, plan)]).detections[0] for picture in scenes(6, fit.width, fit.height)]
    assert sum(map(len, found)) >= 4
