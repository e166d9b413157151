"""framebatch.planning.plan: all that is asked for, in one go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from planned import make_setting

from framebatch.clock import MILLISECOND_NS
from framebatch.planning.capacity import Bench, find_capacity
from framebatch.planning.plan import Plan, Wanted, make_plan

if TYPE_CHECKING:
    from framebatch.planning.setting import Setting


def made(setting: Setting, **wanted: Any) -> Plan:
    """A plan of which nobody is told while it is made."""
    return make_plan(replace(Wanted(setting=setting), **wanted), lambda _, __: None)


def test_a_plan_says_how_many_and_what_binds() -> None:
    """With neighbours and advice; nothing that was not asked for."""
    setting = make_setting(deadline_ms=20.0)
    plan = made(setting)
    assert plan.capacity.cameras == find_capacity(Bench(setting=setting)).cameras
    assert plan.shown is plan.capacity.evidence
    assert plan.bound_by in {"device", "deadline"}
    assert {answer.what_if.kind for answer in plan.answers} == {"device", "deadline", "staggered", "sync", "live"}
    assert plan.capacity.cameras in dict(plan.near)
    assert plan.advice[-1].kind == "batches"
    assert (plan.asked, plan.most_fps, plan.cells, plan.compared, plan.curves) == (None, 0.0, (), (), ())


def test_the_asked_number_is_what_is_shown() -> None:
    """And at which rate it would be carried, where it is not."""
    plan = made(make_setting(deadline_ms=20.0), cameras=40)
    assert plan.asked is dict(plan.near)[40]
    assert plan.shown is plan.asked
    assert plan.asked.figures.miss_rate > 0.5
    assert 20 < plan.most_fps <= 40
    assert made(make_setting(deadline_ms=20.0), cameras=2).most_fps == 0


def test_nothing_carried_is_a_plan_too() -> None:
    """Without what binds, and without advice."""
    plan = made(make_setting(deadline_ms=2.0))
    assert (plan.capacity.cameras, plan.shown, plan.bound_by, plan.answers, plan.advice) == (0, None, "", (), ())
    assert plan.near == ()


def test_the_table_goes_over_deadlines_and_rates() -> None:
    """Each cell is the capacity with its deadline and rate."""
    deadlines_ns = (2 * MILLISECOND_NS, 60 * MILLISECOND_NS)
    plan = made(make_setting(deadline_ms=2.0), deadlines_ns=deadlines_ns, rates_fps=(100.0, 200.0))
    assert [(cell.deadline_ns, cell.fps) for cell in plan.cells] == [
        (deadline_ns, fps) for deadline_ns in deadlines_ns for fps in (100.0, 200.0)
    ]
    none, nothing, many, half = (cell.cameras for cell in plan.cells)
    assert (none, nothing) == (0, 0)
    assert 1 < half <= many / 2 + 1


def test_compared_devices_are_sorted_by_what_they_carry() -> None:
    """The one asked about among them; each has its curve, in the same order."""
    quick, slow = make_setting("sim:1,0.2"), make_setting("sim:8,1")
    plan = made(make_setting(), others=(slow, quick), curves=True)
    assert [each.label for each in plan.compared] == ["sim:1,0.2", "sim:2,0.5", "sim:8,1"]
    assert [curve.named for curve in plan.curves] == list(plan.compared)
    for curve in plan.curves:
        assert curve.named.capacity.cameras in dict(curve.points)
    assert [(each.kind, each.max_cameras) for each in plan.advice if each.kind == "device"] == [
        ("device", plan.compared[0].capacity.cameras)
    ]


def test_how_far_it_is_can_be_seen() -> None:
    """Shares of the work rise to all of it."""
    told: list[tuple[str, float]] = []
    make_plan(Wanted(setting=make_setting(deadline_ms=20.0)), lambda what, share: told.append((what, share)))
    others = [share for what, share in told if what == "other cases"]
    assert others == sorted(others)
    assert others[-1] == 1.0
    assert told[0][0].endswith("cameras")
