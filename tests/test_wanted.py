"""framebatch.calibration.wanted: what cannot be calibrated so is refused with the value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framebatch.calibration.wanted import Wanted
from framebatch.device.devices import Device


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"limit": 0}, "limit is 0; it must be at least 1"),
        ({"deadline_ns": 0}, "deadline_ns is 0; it must be at least 1"),
        ({"memory_fraction": 0.0}, "memory_fraction is 0.0; it must be above 0, and 1 at most"),
        ({"memory_fraction": 1.1}, "memory_fraction is 1.1; it must be above 0, and 1 at most"),
        ({"budget_seconds": -1.0}, "budget_seconds is -1.0; it must be above 0"),
        ({"soak_batches": 0}, "soak_batches is 0; it must be at least 1"),
    ],
)
def test_impossible_wishes_are_refused(given: dict[str, Any], message: str) -> None:
    """Before anything is started."""
    with pytest.raises(ValueError, match=message):
        Wanted(model=Path("m.onnx"), device=Device(), **given)


def test_the_budget_follows_from_how_it_is_asked() -> None:
    """120 seconds, 20 when quick, or what was said."""
    seconds = [
        Wanted(model=Path("m.onnx"), device=Device(), **given).budget_ns / 1e9
        for given in ({}, {"quick": True}, {"quick": True, "budget_seconds": 7.5})
    ]
    assert seconds == [120, 20, 7.5]
