"""framebatch.scheduling.in_flight: two batches at a time, the second handed over just in time."""

from __future__ import annotations

from dataclasses import dataclass

from framebatch.scheduling import InFlight

MS = 1_000_000


@dataclass(eq=False)
class Job:
    """Takes the device for a while."""

    takes_ns: int
    alone: bool = False
    dispatched_ns: int = 0
    finish_ns: int = 0

    def expected_ns(self) -> int:
        """As long as it says."""
        return self.takes_ns


def in_flight() -> InFlight[Job]:
    """Filling takes 1 ms, give or take half; the host wakes 1 ms late."""
    return InFlight(slack_ns=MS)


def test_an_idle_device_is_given_its_batch_at_once() -> None:
    """It starts when it is filled."""
    device = in_flight()
    assert device.commit_ns() == 0
    assert not device.full
    assert device.next_start_ns(100 * MS) == 101.5 * MS


def test_the_second_batch_is_handed_over_just_before_the_first_is_due() -> None:
    """By the time that filling takes, with caution, and that the host may wake late."""
    device = in_flight()
    device.start(Job(20 * MS), 100 * MS, device.next_start_ns(100 * MS))
    assert device.next_start_ns(105 * MS) == 121.5 * MS
    assert device.commit_ns() == 119 * MS
    assert not device.full


def test_no_third_batch_is_handed_over() -> None:
    """Two are in flight until one comes back."""
    device = in_flight()
    first, second = Job(20 * MS), Job(20 * MS)
    device.start(first, 0, device.next_start_ns(0))
    device.start(second, 19 * MS, device.next_start_ns(19 * MS))
    assert device.full
    device.finished(first)
    assert list(device.jobs) == [second]
    assert device.commit_ns() == second.finish_ns - 2.5 * MS


def test_a_repair_is_in_flight_alone() -> None:
    """However many lanes there are."""
    device = in_flight()
    device.start(Job(0, alone=True), 0, 0)
    assert device.full


def test_what_comes_back_late_moves_what_is_expected_of_the_one_behind_it() -> None:
    """It cannot have begun before."""
    device = in_flight()
    first, second = Job(20 * MS), Job(10 * MS)
    device.start(first, 0, 0)
    device.start(second, 19 * MS, 20 * MS)
    assert second.finish_ns == 30 * MS
    device.finished(first)
    device.learned(dispatched_ns=0, submitted_ns=1 * MS, finished_ns=26 * MS)
    assert second.finish_ns == 36 * MS
    assert repr(device) == "InFlight(1 of 2, Smoothed(mean=1000000 ns, deviation=225000 ns))"
