"""framebatch.calibration.memory_line: memory as a line over the batch size, and how far it can be trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_points import LADDER

from framebatch.calibration.memory_line import fit_memory, needed_bytes
from framebatch.profile import MemoryLine

MIB = 2**20


@given(st.floats(1, 4096), st.floats(0, 512), st.integers(3, 14))
def test_an_exact_line_is_found(base_mib: float, frame_mib: float, count: int) -> None:
    """Within two percent at every size, also at those that the fit was not shown."""
    taken = {batch: round((base_mib + frame_mib * batch) * MIB) for batch in LADDER[:count]}
    line = fit_memory(taken)
    assert line
    assert all(needed_bytes(line, batch) == pytest.approx(taken[batch], rel=0.02) for batch in taken)
    assert all(abs(each.error) < 0.02 for each in line.kept_out)


def test_the_sizes_between_powers_of_two_are_kept_out() -> None:
    """Each is named with what was foretold and what was taken, in bytes."""
    line = fit_memory({1: 110, 2: 120, 3: 133, 4: 140, 8: 180})
    assert line
    assert line.base_bytes == pytest.approx(100)
    assert line.bytes_per_frame == pytest.approx(10)
    [kept] = line.kept_out
    assert (kept.batch, kept.measured) == (3, 133)
    assert kept.predicted == pytest.approx(130)
    assert kept.error == pytest.approx(-3 / 133)


@given(st.floats(400, 4096), st.floats(1, 200), st.sampled_from([2, 8, 16]))
def test_what_is_needed_covers_an_allocator_that_takes_steps(base_mib: float, frame_mib: float, step_mib: int) -> None:
    """Memory in chunks is no exact line; where it passes for one, no size that was seen takes more than is answered."""
    taken = {batch: -(-round(base_mib + frame_mib * batch) // step_mib) * step_mib * MIB for batch in LADDER}
    line = fit_memory(taken)
    assert line
    assert all(needed_bytes(line, batch) >= taken[batch] * (1 - 1e-9) for batch in taken)
    assert line.margin_bytes <= 0.05 * taken[LADDER[-1]]


def test_memory_that_doubles_in_steps_is_no_line() -> None:
    """An allocator that takes the next power of two is more than 10 % off any line somewhere."""
    assert fit_memory({1: 128, 2: 128, 3: 256, 4: 256, 6: 256, 8: 512, 12: 512, 16: 1024}) is None


def test_two_sizes_make_no_line() -> None:
    """Nothing would tell whether it is one."""
    assert fit_memory({1: 100, 2: 200}) is None
    assert fit_memory({}) is None


def test_memory_that_no_frame_adds_to_is_a_level_line() -> None:
    """A small model hides in what its runtime takes; less memory for larger batches is noise, not a falling line."""
    line = fit_memory({1: 1002, 2: 1001, 4: 1000, 8: 999})
    assert line
    assert line.bytes_per_frame == 0
    assert line.base_bytes == pytest.approx(1000, rel=0.002)


def test_without_two_powers_of_two_all_sizes_are_shown() -> None:
    """And none is kept out."""
    line = fit_memory({3: 130, 6: 160, 12: 220})
    assert line
    assert line.kept_out == ()
    assert line.base_bytes == pytest.approx(100)


def test_the_margin_is_added_to_the_line() -> None:
    """Base, frames and margin."""
    assert needed_bytes(MemoryLine(base_bytes=100, bytes_per_frame=10, margin_bytes=5), 4) == 145
