"""framebatch.app.rehearsal: a model is tried in a process of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import tiny_models

from framebatch.app.rehearsal import rehearse
from framebatch.config import Config
from framebatch.errors import DeviceError, ModelError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Answer a model of a few nodes."""
    return tiny_models.colours(tmp_path / "colours.onnx")


def settings(model: Path, device: str = "cpu") -> Config:
    """Answer the settings of a server of that model."""
    return Config(model=str(model), device=device, max_batch=2, threads=1)


def test_a_good_model_passes(model: Path) -> None:
    """And leaves what was proven for the server."""
    rehearse(model, "colours", settings(model))


def test_a_model_that_cannot_be_served_is_refused_with_its_reason(tmp_path: Path) -> None:
    """The one that the server itself would give."""
    model = tmp_path / "broken.onnx"
    model.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"^model .*broken\.onnx is no ONNX file"):
        rehearse(model, "broken", settings(model))


def test_a_device_that_is_not_there_is_told(model: Path) -> None:
    """As a fault of the device."""
    with pytest.raises(DeviceError, match="--device cuda:99"):
        rehearse(model, "colours", settings(model, "cuda:99"))


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed the process .*, with SIGSEGV; export it"),
        ("import sys; sys.stdin.readline(); sys.exit(3)", "the process that tried ended with 3"),
    ],
)
def test_a_model_that_crashes_is_refused(model: Path, program: str, reason: str) -> None:
    """Only the process that tried it is gone."""
    with pytest.raises(ModelError, match=reason):
        rehearse(model, "colours", settings(model), command=(sys.executable, "-c", program))
