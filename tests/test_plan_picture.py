"""framebatch.planning.picture: what a plan looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from planned import make_setting

from framebatch.errors import UsageError
from framebatch.planning.picture import draw, write_picture
from framebatch.planning.plan import Plan, Wanted, make_plan

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Of two devices."""
    wanted = Wanted(setting=make_setting(), others=(make_setting("sim:8,1"),), curves=True)
    return make_plan(wanted, lambda _, __: None)


def words(axes: Axes) -> set[str]:
    """What is written into a plot."""
    return {text.get_text() for text in axes.texts}


def test_each_device_has_a_line_and_its_capacity(plan: Plan) -> None:
    """Misses with the 1 % line, latency with the deadline, both over the number of cameras."""
    misses, latency = draw(plan).axes
    capacities = {str(each.capacity.cameras) for each in plan.compared}
    assert words(misses) == {"1%", *capacities}
    assert words(latency) == {"deadline"}
    labels = misses.get_legend_handles_labels()[1]
    assert labels == [f"{each.label}: {each.capacity.cameras} cameras" for each in plan.compared]
    assert latency.get_ylim()[1] > 60


def test_one_device_alone_has_its_median_too() -> None:
    """There is room for it."""
    alone = make_plan(Wanted(setting=make_setting(), curves=True), lambda _, __: None)
    assert words(draw(alone).axes[1]) == {"deadline", "median"}


def test_nothing_carried_can_be_drawn() -> None:
    """Empty plots, which say so below."""
    nothing = make_plan(Wanted(setting=make_setting(deadline_ms=2.0), curves=True), lambda _, __: None)
    assert draw(nothing).axes[0].get_legend_handles_labels()[1] == ["sim:2,0.5: no cameras"]


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_same_plan_gives_the_same_file(plan: Plan, tmp_path: Path, suffix: str, magic: bytes) -> None:
    """In the format of its name."""
    for name in ("first", "second"):
        write_picture(plan, (tmp_path / name).with_suffix(suffix))
    first, second = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("first", "second"))
    assert first.startswith(magic)
    assert first == second


def test_what_cannot_be_written_is_told(plan: Plan, tmp_path: Path) -> None:
    """With the path and what to do."""
    with pytest.raises(UsageError, match=r"--picture .*missing.* cannot be written: .*; give another path"):
        write_picture(plan, tmp_path / "missing" / "plan.png")
