"""framebatch.planning.departures: what reality did beside what a simulation knows, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from played import DEVICE, MS, TABLE, frame, play, recording_of

from framebatch.frame import Outcome
from framebatch.planning.departures import departures
from framebatch.planning.durations import Fixed
from framebatch.planning.host import Host
from framebatch.planning.recorded import choose
from framebatch.planning.service import DeviceModel
from framebatch.profile import LatencyTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.recording import FrameRecord, Recording

HOST = Host(before=Fixed(MS), after=Fixed(MS), margin_ns=0, slack_ns=0)


def recorded(device: DeviceModel = DEVICE) -> Recording:
    """Answer ten seconds of frames, one each 20 ms."""
    return recording_of(play([frame(20 * at, 100) for at in range(1, 501)], device=device, host=HOST))


def told(recording: Recording) -> list[str]:
    """Answer the sentences."""
    return list(departures(choose(recording)))


def changed(change: Callable[[int, FrameRecord], FrameRecord]) -> Recording:
    """Answer a recording whose frames were changed."""
    written = recorded()
    return written._replace(frames=tuple(change(number, each) for number, each in enumerate(written.frames)))


def test_nothing_is_said_where_all_was_as_expected() -> None:
    """No sentence for the sake of it."""
    assert told(recorded()) == []


@pytest.mark.parametrize(("factor", "said"), [(1.1, "10.0% more"), (0.8, "20.0% less"), (1.01, "")])
def test_a_device_off_its_table_is_told(factor: float, said: str) -> None:
    """By how much, when it is more than 2 %."""
    table = LatencyTable(TABLE.buckets, tuple(round(factor * each) for each in TABLE.service_ns))
    expected = [f"batches took {said} than the server's table says (median)"] if said else []
    assert told(recorded(DeviceModel(name="off", table=table, told=TABLE))) == expected


def test_a_device_that_drifts_is_told_with_its_seconds() -> None:
    """It throttles after six seconds."""
    (sentence,) = told(recorded(DeviceModel(name="hot", table=TABLE, slow_from_ns=6020 * MS, slow_factor=1.5)))
    assert sentence.startswith("the device drifted: from 1.00 times the table (from second 0.0 to 1.0) to 1.50 times")


def test_a_stretch_of_slow_decoding_is_told() -> None:
    """With what is usual."""

    def change(number: int, record: FrameRecord) -> FrameRecord:
        return record._replace(ready_ns=record.arrival_ns + (9 * MS if 200 <= number < 260 else MS))

    expected = "decoding was slow from second 4.0 to 5.0: 9.0 ms from arrival to pixels, 1.0 ms usually (medians)"
    assert told(changed(change)) == [expected]


def test_answers_that_left_after_their_deadlines_are_told() -> None:
    """An event loop that woke late is the only cause; a millisecond is none."""

    def change(number: int, record: FrameRecord) -> FrameRecord:
        late_ms = 40 if number == 7 else 8 if number == 8 else 1 if number == 9 else 0
        if not late_ms:
            return record
        return record._replace(outcome=Outcome.EXPIRED, answered_ns=record.deadline_ns + late_ms * MS)

    expected = "the event loop was late: 2 answers left more than 5 ms after their deadlines, the latest by 40 ms"
    assert told(changed(change)) == [expected]


def test_answers_that_left_long_after_the_device_are_told() -> None:
    """When it is so for more than one in a hundred."""

    def change(number: int, record: FrameRecord) -> FrameRecord:
        return record._replace(answered_ns=record.finished_ns + 30 * MS) if number % 50 == 0 else record

    (sentence,) = told(changed(change))
    assert sentence.startswith("answers left 1.0 ms after the device had finished in the median, and 30.0 ms after")


def test_failures_are_told() -> None:
    """The simulation has none."""
    expected = "1 frames failed; the simulation knows no failures"
    assert told(changed(lambda number, each: each._replace(outcome=Outcome.FAILED) if not number else each)) == [
        expected
    ]
