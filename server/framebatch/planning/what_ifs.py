"""Other circumstances under which the same cameras are looked at: which there are, and how they are told. Nothing is simulated here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS, ns_to_ms
from framebatch.planning.fleet import Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framebatch.planning.capacity import Capacity
    from framebatch.planning.setting import Setting

__all__ = ["RESOURCES", "Answer", "WhatIf", "what_ifs"]

QUICKER: Final = 0.9
LONGER: Final = 1.25
RESOURCES: Final = ("device", "deadline", "decoders")
"""Of which there could be more; the others are other ways to use them."""


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """One circumstance.

    Attributes:
        kind: one word, for programs.
        words: what is different, for people.
        setting: with the difference.
    """

    kind: str
    words: str
    setting: Setting

    def guess(self, cameras: int) -> int:
        """Where to look, when so many are carried as it is."""
        return round(cameras / QUICKER) if self.kind == "device" else cameras


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a circumstance would give.

    Attributes:
        what_if: which.
        capacity: with it.
    """

    what_if: WhatIf
    capacity: Capacity


def what_ifs(setting: Setting, cameras: int) -> list[WhatIf]:
    """Those that make sense for a setting that carries so many cameras, at least 1."""
    return [*_resources(setting), *_ways(setting, cameras)]


def _resources(setting: Setting) -> Iterator[WhatIf]:
    yield WhatIf(kind="device", words="a device that takes 10 % less time", setting=setting.quicker(QUICKER))
    deadline_ns = round(setting.fleet.deadline_ns * LONGER)
    yield WhatIf(
        kind="deadline",
        words=f"a deadline of {ns_to_ms(deadline_ns):g} ms",
        setting=replace(setting, fleet=replace(setting.fleet, deadline_ns=deadline_ns)),
    )
    if setting.host.decoders:
        decoders = 2 * setting.host.decoders
        host = replace(setting.host, decoders=decoders)
        yield WhatIf(kind="decoders", words=f"{decoders} decoders", setting=replace(setting, host=host))


def _ways(setting: Setting, cameras: int) -> Iterator[WhatIf]:
    fleet = setting.fleet
    if fleet.trigger is not Trigger.BURST:
        spacing_ms = ns_to_ms(SECOND_NS / fleet.fps / cameras)
        yield WhatIf(
            kind="staggered",
            words=f"phases spread evenly over the period (each camera {spacing_ms:.3g} ms after the one before)",
            setting=replace(setting, staggered=True),
        )
    if fleet.trigger is not Trigger.FREE:
        words = "cameras that run free" if fleet.trigger is Trigger.SYNC else "the same frames at a steady rate"
        yield WhatIf(kind="free", words=words, setting=_triggered(setting, Trigger.FREE))
    if fleet.trigger is Trigger.FREE:
        words = "all cameras triggered at the same moment"
        yield WhatIf(kind="sync", words=words, setting=_triggered(setting, Trigger.SYNC))
    mode = "inspect" if fleet.live else "live"
    yield WhatIf(kind=mode, words=f"{mode} mode", setting=replace(setting, fleet=replace(fleet, live=not fleet.live)))


def _triggered(setting: Setting, trigger: Trigger) -> Setting:
    return replace(setting, fleet=replace(setting.fleet, trigger=trigger))
