"""framebatch.planning.what_ifs: other circumstances, and how they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planned import make_setting

from framebatch.planning.durations import Fixed
from framebatch.planning.fleet import Trigger
from framebatch.planning.host import Host
from framebatch.planning.what_ifs import WhatIf, what_ifs

if TYPE_CHECKING:
    from framebatch.planning.setting import Setting


def by_kind(setting: Setting) -> dict[str, WhatIf]:
    """All of a setting with ten cameras."""
    return {each.kind: each for each in what_ifs(setting, 10)}


def test_each_trigger_has_its_own_questions() -> None:
    """What the cameras do already is not asked about; parts that pass cannot be told when to."""
    kinds = {trigger: set(by_kind(make_setting(trigger=trigger))) for trigger in Trigger}
    assert kinds == {
        Trigger.FREE: {"device", "deadline", "staggered", "sync", "live"},
        Trigger.SYNC: {"device", "deadline", "staggered", "free", "live"},
        Trigger.BURST: {"device", "deadline", "free", "live"},
    }
    assert "inspect" in by_kind(make_setting(live=True))


def test_decoders_are_asked_about_where_they_are_counted() -> None:
    """Twice as many."""
    asked = by_kind(make_setting(host=Host(decoders=3, decode=Fixed(1))))["decoders"]
    assert (asked.setting.host.decoders, asked.words) == (6, "6 decoders")


def test_each_changes_one_thing_and_names_it() -> None:
    """With the value that it has then."""
    setting = make_setting()
    asked = by_kind(setting)
    assert asked["deadline"].setting.fleet.deadline_ns == 75_000_000
    assert asked["deadline"].words == "a deadline of 75 ms"
    assert asked["device"].setting.limit == 17
    assert asked["device"].guess(9) == 10
    assert asked["staggered"].setting.staggered
    assert "1 ms after the one before" in asked["staggered"].words
    assert asked["sync"].setting.fleet.trigger is Trigger.SYNC
    assert asked["live"].setting.fleet.live
