"""A `ModelSpec` checks itself, and answers what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from framebatch.detection.spec import ModelSpec

if TYPE_CHECKING:
    from pathlib import Path


def options(tmp_path: Path) -> dict[str, Any]:
    """The fields without a default."""
    return {
        "name": "m", "path": tmp_path, "sha256": "", "family": "yolov8", "labels": ("a",), "input_name": "images",
        "input_width": 64, "input_height": 32,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "yolov99"}, "family is 'yolov99'; it must be one of yolov8"),
        ({"labels": ()}, "labels is empty"),
        ({"color": "hsv"}, "color is 'hsv'; it must be rgb or bgr"),
        ({"confidence": 1.5}, "confidence is 1.5; it must be 0 to 1"),
        ({"iou": -0.1}, "iou is -0.1; it must be 0 to 1"),
        ({"batch_size": 0}, "batch_size is 0; it must be at least 1"),
        ({"max_detections": 0}, "max_detections is 0"),
        ({"pad": 300}, "pad is 300"),
    ],
)
def test_a_spec_checks_itself(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """No spec with an impossible value exists."""
    with pytest.raises(ValueError, match=message):
        ModelSpec(**{**options(tmp_path), **change})


def test_a_class_without_a_name_is_called_by_its_number(tmp_path: Path) -> None:
    """Final rows may hold ids beyond the names."""
    spec = ModelSpec(**options(tmp_path))
    assert (spec.label(0), spec.label(7)) == ("a", "7")


def test_what_follows_from_a_spec(tmp_path: Path) -> None:
    """Batch axis, fit and layout."""
    spec = ModelSpec(**options(tmp_path))
    assert (spec.batch_size, spec.fit.width, spec.fit.height, spec.layout.width) == (None, 64, 32, 64)
