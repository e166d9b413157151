"""Nothing is told to the makers of onnxruntime, whose wheels would by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
from framebatch.device.engine import onnxruntime
from framebatch_models import find

onnxruntime.InferenceSession(str(find("conveyor")), providers=["CPUExecutionProvider"])
"""


def run_at_home(home: Path, **more: str) -> list[str]:
    """Open a session in a process of its own, and answer the top of what it left in the user's folders."""
    unwanted = {"CI", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "ORT_DISABLE_TELEMETRY"}
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    subprocess.run(
        [sys.executable, "-c", PROGRAM], env=inherited | {"HOME": str(home)} | more, check=True, capture_output=True
    )
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def test_no_identity_is_made_for_telling(tmp_path: Path) -> None:
    """A session leaves no number behind by which this machine could be told from others: the sender was never started."""
    assert run_at_home(tmp_path) == []


def test_somebody_may_allow_it(tmp_path: Path) -> None:
    """A setting from outside wins."""
    left = run_at_home(tmp_path, ORT_DISABLE_TELEMETRY="0")
    if not left:
        pytest.skip("this onnxruntime has no telemetry")
    assert any("onnxruntime" in name for name in left)
