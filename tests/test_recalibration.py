"""framebatch.app.recalibration: what people are told when a profile is no longer true."""

from __future__ import annotations

import pytest

from framebatch.app.recalibration import Recalibration
from framebatch.clock import MILLISECOND_NS, SECOND_NS
from framebatch.profile import LatencyTable
from framebatch.scheduling import CurveWatch

TABLE = LatencyTable.linear(alpha_ns=6 * MILLISECOND_NS, beta_ns=3 * MILLISECOND_NS, buckets=(1, 2, 4))
COMMAND = "framebatch calibrate --model belt.onnx"


class Batches:
    """A device that is told how slow it is, and what was said of it."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self.recalibration = Recalibration("belt", CurveWatch(TABLE), COMMAND)
        self._now_ns = 0

    @property
    def said(self) -> list[str]:
        """The lines of the log."""
        return [record.getMessage() for record in self._caplog.records]

    def run(self, seconds: float, factor: float) -> None:
        """Run full batches, ten a second."""
        for _ in range(round(seconds * 10)):
            self._now_ns += SECOND_NS // 10
            self.recalibration.observe(4, round(factor * TABLE.service_ns[-1]), self._now_ns)


@pytest.fixture
def batches(caplog: pytest.LogCaptureFixture) -> Batches:
    """Answer a device that does what was measured."""
    return Batches(caplog)


def test_a_device_that_does_what_was_measured_is_not_spoken_of(batches: Batches) -> None:
    """However long it serves."""
    batches.run(200, 1.05)
    assert (batches.said, batches.recalibration.due, batches.recalibration.batches) == ([], "", 2000)


def test_one_that_is_slower_for_long_is_said_once_with_what_to_do(batches: Batches) -> None:
    """Not at every batch."""
    batches.run(30, 1.0)
    batches.run(200, 1.5)
    assert len(batches.said) == 1
    assert batches.said[0].startswith("belt: a recalibration is due. For ")
    assert batches.said[0].endswith(f"Serving goes on with what they take now; to calibrate: {COMMAND}")
    assert batches.recalibration.due


def test_the_end_is_said_once_too(batches: Batches) -> None:
    """When batches take again what was measured, and the first line is ten minutes old."""
    batches.run(100, 1.5)
    batches.run(700, 1.0)
    assert [line.partition(".")[0] for line in batches.said] == [
        "belt: a recalibration is due",
        "belt: a recalibration is due no longer: batches take what was measured",
    ]


def test_a_device_that_changes_often_is_not_spoken_of_often(batches: Batches) -> None:
    """One line in ten minutes, however often it is due and no longer."""
    for _ in range(4):
        batches.run(130, 1.5)
        batches.run(130, 1.0)
    assert len(batches.said) == 2
    assert repr(batches.recalibration) == "Recalibration(belt, batches=10400, due='')"
