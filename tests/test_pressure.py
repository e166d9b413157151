"""The watch over the event loop: when cameras are turned away, and when not."""

from framebatch.clock import MILLISECOND_NS, SECOND_NS
from framebatch.edge.pressure import HOLD_NS, SAMPLES, Pressure

BUDGET_NS = 50 * MILLISECOND_NS
LATE_NS = 30 * MILLISECOND_NS


def feed(
    pressure: Pressure, lateness_ns: int, times: int, *, budget_ns: int = BUDGET_NS, streams: int = 100
) -> list[int]:
    """What each of so many samples asks to turn away."""
    return [pressure.sample(lateness_ns, budget_ns=budget_ns, streams=streams, now_ns=SECOND_NS) for _ in range(times)]


def test_a_loop_that_stays_late_turns_one_camera_in_twenty_away_with_each_sample() -> None:
    """Only the last of eight late samples in a row asks for it, and each one after that."""
    assert feed(Pressure(), LATE_NS, SAMPLES + 2) == [0] * (SAMPLES - 1) + [5, 5, 5]


def test_a_hiccup_turns_nobody_away() -> None:
    """One sample in time among late ones starts the count anew."""
    pressure = Pressure()
    assert feed(pressure, LATE_NS, SAMPLES - 1) + feed(pressure, 0, 1) + feed(pressure, LATE_NS, SAMPLES - 1) == [0] * (
        2 * SAMPLES - 1
    )


def test_lateness_counts_against_the_budget_of_the_frames() -> None:
    """What is too late for budgets of 50 ms is nothing to budgets of a second."""
    assert sum(feed(Pressure(), LATE_NS, 3 * SAMPLES, budget_ns=SECOND_NS)) == 0


def test_the_last_camera_stays() -> None:
    """A single stream is never turned away."""
    assert sum(feed(Pressure(), LATE_NS, 3 * SAMPLES, streams=1)) == 0


def test_new_streams_are_refused_until_the_hold_is_over() -> None:
    """For ten seconds after the last camera was turned away."""
    pressure = Pressure()
    assert pressure.accepts(SECOND_NS)
    feed(pressure, LATE_NS, SAMPLES)
    assert not pressure.accepts(SECOND_NS + HOLD_NS - 1)
    assert pressure.accepts(SECOND_NS + HOLD_NS)


def test_repr_shows_the_lateness() -> None:
    """For logs and debuggers."""
    pressure = Pressure()
    feed(pressure, LATE_NS, 1)
    assert repr(pressure) == "Pressure(lateness=30.0 ms, hold_until=0)"
