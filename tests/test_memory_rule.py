"""framebatch.calibration.memory_rule: what memory allows, seen through the choices it makes."""

from __future__ import annotations

from exact_choices import MIB, chosen, memory_of
from hypothesis import given
from hypothesis import strategies as st
from simulated_points import LADDER, points_of

from framebatch.calibration.fit import fit_curve
from framebatch.device.meter import Reading
from framebatch.profile import Ceiling, Memory


def test_memory_leaves_what_is_to_be_left() -> None:
    """What other processes hold is taken off what may be used."""
    choice = chosen(memory=memory_of(1000, others_mib=300))
    assert (choice.max_batch, choice.bound_by) == (16, "memory")
    assert choice.memory.why == (
        "A batch of 24 would take 580 MiB, and 80 % of the device's 1000 MiB, less 300 MiB of other processes, "
        "leave 500 MiB."
    )


def test_memory_in_gibibytes_reads_so() -> None:
    """Above one."""
    choice = chosen(memory=memory_of(8192))
    assert choice.memory.at_least
    assert choice.memory.why == "A batch of 24 takes 580 MiB, and 80 % of the device's 8 GiB leave 6.4 GiB."


def test_no_memory_at_all_still_leaves_the_smallest_size() -> None:
    """It ran, so it is used, and the text says that it is more than was to be taken."""
    choice = chosen(memory=memory_of(1000, others_mib=900))
    assert (choice.max_batch, choice.memory.max_batch) == (1, 0)
    assert "even 1 is more than it allows" in choice.text
    assert "leave 0 MiB" in choice.text


def test_a_size_beyond_those_that_ran_binds_when_it_would_not_fit() -> None:
    """A sweep that did not try what the line rules out was bound by memory, not by its limit."""
    choice = chosen(memory=memory_of(800), limit=48)
    assert (choice.max_batch, choice.bound_by, choice.memory.at_least) == (24, "memory", False)
    assert chosen(memory=memory_of(800), limit=24).bound_by == "limit"


def test_what_a_size_was_seen_to_take_counts_where_there_is_no_line() -> None:
    """Measured memory is compared itself, and a size between is taken for the larger one."""
    points = [
        point
        for batch, taken in ((1, 100), (4, 700), (8, 900))
        for point in points_of({batch: 30.0 + 26 * batch}, counts=10, reading=Reading(memory_bytes=taken * MIB))
    ]
    memory = Memory(kind="host", total_bytes=1000 * MIB, others_bytes=0, fraction=0.8, line=None)
    assert chosen(fit_curve(points, LADDER), limit=8, memory=memory).memory.max_batch == 4
    small = memory.model_copy(update={"total_bytes": 500 * MIB})
    assert chosen(fit_curve(points, LADDER), limit=8, memory=small).memory.max_batch == 1


def test_a_failure_for_want_of_memory_is_memory_that_binds() -> None:
    """The size below the one that failed, whatever the line promises."""
    ceiling = Ceiling(largest_ran=24, smallest_failed=32, why="CUDA is out of memory.", failure="memory")
    choice = chosen(memory=memory_of(8192), ceiling=ceiling)
    assert (choice.max_batch, choice.bound_by) == (24, "memory")
    assert choice.text == (
        "Use batches of up to 24. Memory binds: a batch of 32 failed: CUDA is out of memory. "
        "The deadline would allow at least 24, throughput at least 24."
    )


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.integers(200, 2000))
def test_a_larger_share_of_memory_never_makes_batches_smaller(one: float, other: float, total_mib: int) -> None:
    """The choice grows with the fraction that may be used, or stays."""
    less, more = (memory_of(total_mib).model_copy(update={"fraction": fraction}) for fraction in sorted((one, other)))
    assert chosen(memory=less).max_batch <= chosen(memory=more).max_batch
