"""framebatch.app.readiness: whether frames are taken, from what is served."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from framebatch.app.readiness import NO_MODEL, Readiness

if TYPE_CHECKING:
    from framebatch.app.repository import Repository


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ([""], ""),
        (["", "the device is lost"], ""),
        (["the device is lost", "the device is lost"], "the device is lost"),
        ([], NO_MODEL),
    ],
)
def test_a_server_is_ready_while_one_model_answers(down: list[str], expected: str) -> None:
    """One without any model would answer every frame INVALID, and is not ready."""
    serving = {str(number): SimpleNamespace(down=why) for number, why in enumerate(down)}
    readiness = Readiness(cast("Repository", SimpleNamespace(serving=serving)))
    assert readiness.why_not == "starting"
    readiness.started = True
    assert readiness.why_not == expected
    readiness.ending = "draining"
    assert readiness.why_not == "draining"
