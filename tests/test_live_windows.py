"""framebatch.app.live.windows: what grew in the last seconds, and percentiles of samples, in bounded memory."""

from __future__ import annotations

from framebatch.app.live.windows import LONG_NS, ROWS_PER_SECOND, SHORT_NS, Counts, Looks, Samples
from framebatch.clock import MILLISECOND_NS, SECOND_NS


def looked(seconds: int, *, late_ns: int = 0) -> Looks:
    """Answer looks once a second, each so much later than it should be."""
    looks = Looks(0)
    for second in range(1, seconds + 1):
        looks.add(second * (SECOND_NS + late_ns))
    return looks


def test_a_window_reaches_back_as_long_as_it_is_called() -> None:
    """Ten seconds are ten looks, a minute sixty; before there are so many, all."""
    looks = looked(100)
    now = 100 * SECOND_NS
    assert looks.elapsed_ns(looks.back(SHORT_NS, now + SECOND_NS), now + SECOND_NS) == SHORT_NS
    assert looks.elapsed_ns(looks.back(LONG_NS, now + SECOND_NS), now + SECOND_NS) == LONG_NS
    young = looked(3)
    assert (young.back(SHORT_NS, 4 * SECOND_NS), young.elapsed_ns(4, 4 * SECOND_NS)) == (4, 4 * SECOND_NS)


def test_late_looks_make_fewer_of_them_a_window() -> None:
    """By the clock, not by their number; one look is always in reach, however long ago it was."""
    looks = looked(50, late_ns=SECOND_NS)
    now = 51 * 2 * SECOND_NS
    assert looks.elapsed_ns(looks.back(SHORT_NS, now), now) == SHORT_NS
    assert looks.back(SHORT_NS, now) == 5
    assert looks.back(SHORT_NS, now + 600 * SECOND_NS) == 1


def test_looks_and_counts_are_bounded() -> None:
    """Of an hour a minute is kept."""
    looks, counts = looked(3600), Counts((0,))
    for number in range(3600):
        counts.look((number,))
    assert (len(looks.times), len(counts.before)) == (61, 61)
    assert repr(counts) == "Counts((3599,), 61 looks)"
    assert repr(looks) == f"Looks(61, last={3600 * SECOND_NS} ns)"


def test_counts_tell_what_grew() -> None:
    """Since a look, or since they began where that is later."""
    counts = Counts((5, 0))
    counts.look((7, 1))
    counts.look((7, 2))
    assert counts.since(1, (9, 2)) == [2, 0]
    assert counts.since(3, (9, 2)) == [4, 2]
    assert (counts.reach(2), counts.reach(60), counts.since(60, (9, 2))) == (2, 3, [4, 2])


def test_percentiles_are_of_the_last_ten_seconds() -> None:
    """Each column by itself; what is older is forgotten."""
    samples = Samples(2)
    assert samples.percentiles((50,), (50,)) is None
    for number in range(101):
        samples.add((number * MILLISECOND_NS, 1))
    assert samples.percentiles((50, 95, 100), (1,)) == [
        (50.0 * MILLISECOND_NS, 95.0 * MILLISECOND_NS, 100.0 * MILLISECOND_NS),
        (1.0,),
    ]
    for _ in range(10):
        samples.turn()
    assert samples.percentiles((50,), (50,)) is not None
    samples.turn()
    assert samples.percentiles((50,), (50,)) is None


def test_samples_are_bounded() -> None:
    """So many of each second and no more, however many come; percentiles are taken of some, picked evenly."""
    samples = Samples(1)
    for _ in range(20):
        for number in range(ROWS_PER_SECOND + 10):
            samples.add((number,))
        samples.turn()
    assert repr(samples) == f"Samples({10 * ROWS_PER_SECOND} rows)"
    found = samples.percentiles((0, 50, 100))
    assert found is not None
    ((low, middle, high),) = found
    assert (low < 10, abs(middle - ROWS_PER_SECOND / 2) < 20, high > ROWS_PER_SECOND - 20) == (True, True, True)
