"""framebatch.planning.capacity: the largest fleet with at most 1 % misses."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from planned import make_setting

from framebatch.planning.capacity import Bench, find_capacity, smallest_deadline_ms
from framebatch.planning.fleet import Trigger

if TYPE_CHECKING:
    from framebatch.planning.setting import Setting


def cameras(setting: Setting) -> int:
    """How many are carried."""
    return find_capacity(Bench(setting=setting)).cameras


def test_the_largest_fleet_fits_and_one_more_does_not() -> None:
    """At most 1 % missed, more with one more; and no more than the device does at its best."""
    setting = make_setting(deadline_ms=20.0)
    capacity = find_capacity(Bench(setting=setting))
    assert capacity.evidence is not None
    assert capacity.beyond is not None
    assert capacity.evidence.figures.miss_rate <= 0.01 < capacity.beyond.figures.miss_rate
    assert 1 <= capacity.cameras < setting.limit


def test_never_more_than_the_device_does_at_its_best() -> None:
    """Though a little too much would miss less than 1 %; then nobody looks beyond."""
    setting = make_setting(deadline_ms=500.0, fps=99.5)
    capacity = find_capacity(Bench(setting=setting), guess=40)
    assert (capacity.cameras, capacity.beyond) == (16, None)


def test_the_guess_changes_questions_and_not_the_answer() -> None:
    """Where misses set in sharply."""
    setting = make_setting(deadline_ms=25.0)
    assert len({find_capacity(Bench(setting=setting), guess=guess).cameras for guess in (1, 9, 14, 99)}) == 1


@pytest.mark.parametrize(
    ("trigger", "deadlines_ms"), [(Trigger.FREE, (18, 25, 40, 120)), (Trigger.SYNC, (6, 9, 12, 15))]
)
def test_longer_deadlines_carry_no_fewer(trigger: Trigger, deadlines_ms: tuple[float, ...]) -> None:
    """Within a camera: phases and noise are drawn."""
    found = [cameras(make_setting(deadline_ms=deadline_ms, trigger=trigger)) for deadline_ms in deadlines_ms]
    assert all(later >= sooner - 1 for sooner, later in pairwise(found))
    assert found[0] < found[-1]


def test_triggers_are_told_apart() -> None:
    """All cameras at the same moment are fewest, cameras that run free most; parts at random moments are between."""
    settings = [
        make_setting(fps=20.0, deadline_ms=18.0, trigger=each) for each in (Trigger.SYNC, Trigger.BURST, Trigger.FREE)
    ]
    sync, burst, free = map(cameras, settings)
    assert 0 < sync < burst < free


def test_quicker_devices_carry_no_fewer() -> None:
    """Within a camera."""
    setting = make_setting(deadline_ms=20.0)
    found = [cameras(setting.quicker(factor)) for factor in (1.5, 1.0, 0.8, 0.5)]
    assert all(quicker >= slower - 1 for slower, quicker in pairwise(found))
    assert found[0] < found[-1]


def test_a_deadline_that_is_too_short_is_told_the_shortest_that_works() -> None:
    """It does work, and a millisecond less does not."""
    capacity = find_capacity(Bench(setting=make_setting(deadline_ms=2.0)))
    shortest_ms = smallest_deadline_ms(make_setting())
    assert shortest_ms is not None
    assert (capacity.cameras, capacity.evidence) == (0, None)
    assert f"the smallest that works for one camera is {shortest_ms} ms" in capacity.why
    assert cameras(make_setting(deadline_ms=shortest_ms)) >= 1
    assert cameras(make_setting(deadline_ms=shortest_ms - 1)) == 0


def test_a_rate_that_one_camera_alone_must_not_have_is_told() -> None:
    """With what the device does at its best; nothing is simulated."""
    asked: list[int] = []
    capacity = find_capacity(Bench(setting=make_setting(fps=2_000.0), tell=asked.append))
    assert (capacity.cameras, asked) == (0, [])
    assert "one camera sends 2000 frames/s, and the device does 1600 at its best" in capacity.why


def test_a_bench_simulates_each_fleet_once() -> None:
    """And says which it begins with."""
    asked: list[int] = []
    bench = Bench(setting=make_setting(), tell=asked.append)
    assert bench.evidence(3) is bench.evidence(3)
    assert asked == [3]
