"""How many cameras a device carries, and how so many fare. Simulates; prints and draws nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from framebatch.clock import MILLISECOND_NS, ns_to_ms
from framebatch.planning.evidence import Evidence, draws_for, gather
from framebatch.planning.search import largest
from framebatch.planning.stretch import play

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.planning.setting import Setting

__all__ = ["Bench", "Capacity", "find_capacity", "smallest_deadline_ms"]

LONGEST_MS: Final = 60_000
"""No deadline beyond this is looked at."""


@dataclass(kw_only=True)
class Bench:
    """Fleets of one setting, each simulated at most once.

    Attributes:
        setting: of all.
        tell: called with each number of cameras before it is simulated.
        draws: at most; None: as many as it takes.
    """

    setting: Setting
    tell: Callable[[int], None] = lambda _: None
    draws: int | None = None
    _known: dict[int, Evidence] = field(default_factory=dict, repr=False)

    def evidence(self, cameras: int) -> Evidence:
        """How so many fare; at least 1."""
        if cameras not in self._known:
            self.tell(cameras)
            draws = self.draws or draws_for(cameras)
            self._known[cameras] = gather(lambda seed: play(self.setting, cameras, seed), draws)
        return self._known[cameras]


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """The largest fleet with at most 1 % misses.

    Attributes:
        cameras: how many; 0: not even one is carried.
        evidence: how they fare; None where there are none.
        beyond: how one more would fare; None: nobody looked, because it would be more than the device can do at its best.
        why: of `cameras` 0, for people; else empty.
    """

    cameras: int
    evidence: Evidence | None = None
    beyond: Evidence | None = None
    why: str = ""


def find_capacity(bench: Bench, guess: int | None = None) -> Capacity:
    """Search for it.

    A fleet that asks for more frames a second than the device does at its best is never the answer, even where it would
    miss less than 1 %.

    Args:
        bench: what is simulated, and where the fleets looked at are found afterwards.
        guess: where to begin; by default what the curve suggests.
    """
    setting = bench.setting
    cameras = largest(
        lambda number: bench.evidence(number).fits,
        guess=setting.guess() if guess is None else guess,
        limit=setting.limit,
    )
    if not cameras:
        return Capacity(cameras=0, why=_why_none(setting))
    beyond = bench.evidence(cameras + 1) if cameras < setting.limit else None
    return Capacity(cameras=cameras, evidence=bench.evidence(cameras), beyond=beyond)


def _why_none(setting: Setting) -> str:
    fps = setting.fleet.fps
    if not setting.limit:
        return (
            f"one camera sends {fps:g} frames/s, and the device does {setting.limit_fps:.4g} at its best; "
            "give a smaller --fps or another device"
        )
    asked_ms = ns_to_ms(setting.fleet.deadline_ns)
    needed_ms = smallest_deadline_ms(setting)
    if needed_ms is None:
        return (
            f"not even one camera at {fps:g} frames/s is answered in time, whatever the deadline; give a smaller --fps"
        )
    return f"a deadline of {asked_ms:g} ms is too short; the smallest that works for one camera is {needed_ms} ms"


def smallest_deadline_ms(setting: Setting) -> int | None:
    """In whole milliseconds, for one camera; simulated. None: more than a minute."""

    def fails(deadline_ms: int) -> bool:
        fleet = replace(setting.fleet, deadline_ns=deadline_ms * MILLISECOND_NS)
        return not Bench(setting=replace(setting, fleet=fleet)).evidence(1).fits

    alone_ns = setting.device.table.by_size_ns[1] + setting.overhead_ns
    longest = largest(fails, guess=ceil(ns_to_ms(alone_ns)), limit=LONGEST_MS)
    return longest + 1 if longest < LONGEST_MS else None
