"""framebatch.calibration.climb: which size is tried next, on devices whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.calibration.climb import Bounds, Tried, factor_for, foretold, next_size
from framebatch.profile import buckets_up_to

if TYPE_CHECKING:
    from collections.abc import Callable

MS = 1_000_000
LADDER = buckets_up_to(64)
FOREVER = 1 << 62


class Device(NamedTuple):
    """Its time is alpha + beta b, its memory base + frame b, and beyond the limit it fails."""

    alpha_ns: int = 2 * MS
    beta_ns: int = MS
    base_bytes: int = 100
    frame_bytes: int = 10
    limit_bytes: int = FOREVER

    def run(self, batch: int) -> Tried:
        """What trying a size comes to."""
        taken = self.base_bytes + self.frame_bytes * batch
        if taken > self.limit_bytes:
            return Tried(batch=batch)
        return Tried(batch=batch, service_ns=self.alpha_ns + self.beta_ns * batch, memory_bytes=taken)


def climb(
    run: Callable[[int], Tried],
    *,
    deadline_ns: int = 1000 * MS,
    memory_bytes: int | None = None,
    factor: int = 2,
    thorough: bool = True,
    affordable_ns: int = FOREVER,
    ladder: tuple[int, ...] = LADDER,
    cheap_ns: int = 0,
) -> list[Tried]:
    """Climb to the end; the sizes in the order in which they were tried."""
    bounds = Bounds(
        ladder=ladder,
        deadline_ns=deadline_ns,
        memory_bytes=memory_bytes,
        cheap_ns=cheap_ns,
        factor=factor,
        thorough=thorough,
    )
    tried: list[Tried] = []
    while (size := next_size(tried, bounds, affordable_ns=affordable_ns)) is not None:
        tried.append(run(size))
    return tried


def sizes(tried: list[Tried]) -> list[int]:
    """Only the sizes."""
    return [each.batch for each in tried]


def test_sizes_double_up_to_the_limit() -> None:
    """Where nothing fails and the deadline is far."""
    assert sizes(climb(Device().run)) == [1, 2, 4, 8, 16, 32, 64]
    assert sizes(climb(Device().run, ladder=buckets_up_to(20))) == [1, 2, 4, 8, 16, 20]
    assert sizes(climb(Device().run, ladder=(4,))) == [4]


def test_a_failure_is_closed_in_upon() -> None:
    """Until the largest that ran and the smallest that failed are neighbours: 41 frames fit."""
    tried = climb(Device(limit_bytes=519).run)
    assert sizes(tried) == [1, 2, 4, 8, 16, 32, 64, 48]
    assert [each.batch for each in tried if each.service_ns is None] == [64, 48]


def test_a_first_size_that_fails_ends_it() -> None:
    """There is nothing smaller."""
    assert climb(Device(limit_bytes=50).run) == [Tried(batch=1)]


def test_the_first_size_beyond_the_deadline_is_the_last() -> None:
    """Two batches of 16 take 36 ms: a thorough climb sees what 32 would bring, a quick one only that 24 is too slow."""
    assert sizes(climb(Device().run, deadline_ns=40 * MS)) == [1, 2, 4, 8, 16, 32]
    assert sizes(climb(Device().run, deadline_ns=40 * MS, thorough=False)) == [1, 2, 4, 8, 16, 24]


def test_cheap_sizes_are_tried_beyond_the_deadline() -> None:
    """A batch of 16 takes 18 ms, one of 32 takes 34: what throughput and memory would allow is seen up to there."""
    assert sizes(climb(Device().run, deadline_ns=6 * MS, cheap_ns=40 * MS)) == [1, 2, 4, 8, 16, 32]
    assert sizes(climb(Device().run, deadline_ns=6 * MS, cheap_ns=40 * MS, memory_bytes=170)) == [1, 2, 4, 8]


def test_the_first_size_beyond_the_memory_is_confirmed() -> None:
    """16 frames take 260 bytes, and 24 take 340: the one that is expected to be too large is run, none beyond."""
    assert sizes(climb(Device().run, memory_bytes=300)) == [1, 2, 4, 8, 16, 24]


def test_what_a_host_does_not_have_is_not_tried() -> None:
    """24 frames would take 340 bytes."""
    bounds = Bounds(ladder=LADDER, deadline_ns=FOREVER, memory_bytes=300, room_bytes=330)
    tried = [Device().run(size) for size in (1, 2, 4, 8, 16)]
    assert next_size(tried, bounds, affordable_ns=FOREVER) is None


def test_a_quick_climb_ends_where_doublings_bring_nothing() -> None:
    """Two of them; a thorough one goes on."""
    proportional = Device(alpha_ns=0)
    assert sizes(climb(proportional.run, thorough=False)) == [1, 2, 4]
    assert sizes(climb(proportional.run)) == [1, 2, 4, 8, 16, 32, 64]


def test_what_would_eat_the_budget_is_not_tried() -> None:
    """A batch of 16 is expected to take 18 ms."""
    assert sizes(climb(Device().run, affordable_ns=17 * MS)) == [1, 2, 4, 8]


def test_larger_steps_where_each_try_is_dear() -> None:
    """By the factor that was asked for, and still no gap at a failure."""
    assert sizes(climb(Device(limit_bytes=300).run, factor=8)) == [1, 8, 64, 24, 16]


@pytest.mark.parametrize(
    ("top", "limit", "tries", "factor"), [(1, 64, 6, 2), (1, 64, 3, 4), (1, 64, 0, 64), (16, 64, 1, 4)]
)
def test_steps_are_as_large_as_the_tries_that_are_left_demand(top: int, limit: int, tries: int, factor: int) -> None:
    """So that the limit is reached."""
    assert factor_for(top, limit, tries) == factor


@given(
    st.builds(
        Device,
        alpha_ns=st.integers(0, 50 * MS),
        beta_ns=st.integers(1, 20 * MS),
        base_bytes=st.integers(1, 1000),
        frame_bytes=st.integers(0, 100),
        limit_bytes=st.integers(1, 5000),
    ),
    st.integers(MS, 1000 * MS),
    st.floats(0.1, 1),
    st.sampled_from([2, 4, 8]),
)
def test_every_size_that_a_rule_would_allow_is_covered(
    device: Device, deadline_ns: int, fraction: float, factor: int
) -> None:
    """No size is tried twice, what may be chosen lies below what ran, and a ceiling has no gap."""
    allowed = round(fraction * device.limit_bytes)
    tried = climb(device.run, deadline_ns=deadline_ns, memory_bytes=allowed, factor=factor)
    assert len(set(sizes(tried))) == len(tried)
    ran = {each.batch for each in tried if each.service_ns is not None}
    failed = {each.batch for each in tried if each.service_ns is None}
    feasible = [
        size
        for size in LADDER
        if 2 * (device.alpha_ns + device.beta_ns * size) <= deadline_ns
        and device.base_bytes + device.frame_bytes * size <= allowed
    ]
    assert max(feasible, default=1) <= max(ran, default=1)
    past = any(
        2 * (each.service_ns or 0) > deadline_ns or (each.memory_bytes or 0) > allowed
        for each in tried
        if each.service_ns is not None
    )
    if failed and ran and not past:
        assert LADDER.index(min(failed)) == LADDER.index(max(ran)) + 1


def test_time_is_foretold_along_the_last_two_sizes() -> None:
    """A single one is taken as all that is known, and nothing is expected to fall."""
    assert foretold({2: 10}, 8) == 40
    assert foretold({1: 10, 2: 12, 4: 16}, 8) == 24
    assert foretold({1: 10, 2: 8}, 8) == 8
    assert foretold({4: 16, 8: 24}, 2) == 16


def test_impossible_bounds_are_refused() -> None:
    """The value is named."""
    with pytest.raises(ValueError, match=r"ladder is \(2, 1\); it must hold sizes, and rise"):
        Bounds(ladder=(2, 1), deadline_ns=1)
    with pytest.raises(ValueError, match="factor is 1; it must be at least 2"):
        Bounds(ladder=(1, 2), deadline_ns=1, factor=1)
