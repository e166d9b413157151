"""One plan: the capacity asked for, what binds it, and what else was wanted to be known. The order of things; all is simulated elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import SECOND_NS, now_ns
from framebatch.planning.advice import Advice, advise, bound_by
from framebatch.planning.capacity import Bench, Capacity, find_capacity
from framebatch.planning.crowd import processors, work_through
from framebatch.planning.nearby import largest_fps, near
from framebatch.planning.what_ifs import Answer, what_ifs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from framebatch.planning.evidence import Evidence
    from framebatch.planning.setting import Setting

__all__ = ["Cell", "Curve", "Named", "Plan", "Wanted", "make_plan"]

WORTH_PROCESSES_NS: Final = 3 * SECOND_NS
"""Other processes take a moment to start; less work than this is done here."""


DRAWS_OF_CURVES: Final = 4
"""A picture needs no more."""


class Cell(NamedTuple):
    """One place of a table over deadlines and rates."""

    deadline_ns: int
    fps: float
    cameras: int


class Named(NamedTuple):
    """A capacity of a device."""

    label: str
    setting: Setting
    capacity: Capacity


class Curve(NamedTuple):
    """Fleets of a device, rising in size."""

    named: Named
    points: tuple[tuple[int, Evidence], ...]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked.

    Attributes:
        setting: device, cameras and host.
        cameras: how many are asked about; None: as many as are carried.
        deadlines_ns: of a table; none: no table.
        rates_fps: of a table, likewise.
        others: settings of other devices that are compared.
        curves: whether fleets of all sizes are wanted, for a picture.
    """

    setting: Setting
    cameras: int | None = None
    deadlines_ns: tuple[int, ...] = ()
    rates_fps: tuple[float, ...] = ()
    others: tuple[Setting, ...] = ()
    curves: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was found.

    Attributes:
        wanted: what was asked.
        capacity: of the setting.
        asked: how the asked number of cameras fares; None: none was asked about.
        most_fps: frames a second at which that number would be carried, where it is not; else 0.
        answers: to the what-ifs.
        bound_by: which resource; empty where nothing is carried.
        advice: what to do, and to beware of.
        near: fleets of sizes around the capacity, rising.
        cells: of the table, by deadlines and in these by rates.
        compared: all devices, the one that carries most first; empty: none were compared.
        curves: of each device, the one that carries most first; empty: not wanted.
    """

    wanted: Wanted
    capacity: Capacity
    asked: Evidence | None = None
    most_fps: float = 0.0
    answers: tuple[Answer, ...] = ()
    bound_by: str = ""
    advice: tuple[Advice, ...] = ()
    near: tuple[tuple[int, Evidence], ...] = ()
    cells: tuple[Cell, ...] = ()
    compared: tuple[Named, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def shown(self) -> Evidence | None:
        """What is answered: how the asked number fares, or the largest; None where nothing is carried."""
        return self.capacity.evidence if self.asked is None else self.asked


def make_plan(wanted: Wanted, tell: Callable[[str, float], None]) -> Plan:
    """Simulate all that is wanted.

    Args:
        wanted: what.
        tell: called now and then with what is being done, and the share of all that is done, 0 to 1.
    """
    setting = wanted.setting
    began_ns = now_ns()
    bench = Bench(setting=setting, tell=lambda cameras: tell(f"{cameras} cameras", 0.0))
    capacity = find_capacity(bench)
    took_ns = now_ns() - began_ns
    jobs = _jobs(wanted, capacity.cameras)
    workers = processors() if took_ns * len(jobs) > WORTH_PROCESSES_NS else 1
    found = iter(work_through(_solve, jobs, workers=workers, done=_counter("other cases", len(jobs), tell)))
    questions = what_ifs(setting, capacity.cameras) if capacity.cameras else []
    answers = tuple(Answer(what_if=each, capacity=next(found)) for each in questions)
    cells = tuple(Cell(deadline_ns, fps, next(found).cameras) for deadline_ns, fps in _places(wanted))
    others = [Named(each.device.name, each, next(found)) for each in wanted.others]
    rivals = [(each.label, each.capacity.cameras) for each in others]
    every = [Named(setting.device.name, setting, capacity), *others]
    every.sort(key=lambda each: -each.capacity.cameras)
    fits = wanted.cameras is None or wanted.cameras <= capacity.cameras
    return Plan(
        wanted=wanted,
        capacity=capacity,
        asked=None if wanted.cameras is None else bench.evidence(wanted.cameras),
        most_fps=0.0 if fits or wanted.cameras is None else largest_fps(setting, wanted.cameras),
        answers=answers,
        bound_by=bound_by(capacity.cameras, answers) if answers else "",
        advice=tuple(advise(setting, capacity, answers, rivals)) if answers else (),
        near=tuple((number, bench.evidence(number)) for number in near(setting, capacity.cameras, wanted.cameras)),
        cells=cells,
        compared=tuple(every) if others else (),
        curves=tuple(_curves(every, workers, tell)) if wanted.curves else (),
    )


def _jobs(wanted: Wanted, cameras: int) -> list[tuple[Setting, int | None]]:
    """Settings whose capacity is wanted, with where to look for it: what-ifs, cells of the table, other devices."""
    questions = what_ifs(wanted.setting, cameras) if cameras else []
    fleet = wanted.setting.fleet
    return [
        *((each.setting, each.guess(cameras)) for each in questions),
        *(
            (replace(wanted.setting, fleet=replace(fleet, deadline_ns=deadline_ns, fps=fps)), None)
            for deadline_ns, fps in _places(wanted)
        ),
        *((each, None) for each in wanted.others),
    ]


def _places(wanted: Wanted) -> Iterable[tuple[int, float]]:
    return [(deadline_ns, fps) for deadline_ns in wanted.deadlines_ns for fps in wanted.rates_fps]


def _solve(job: tuple[Setting, int | None]) -> Capacity:
    setting, guess = job
    return find_capacity(Bench(setting=setting), guess)


def _curves(every: Sequence[Named], workers: int, tell: Callable[[str, float], None]) -> Iterator[Curve]:
    sizes = [near(each.setting, each.capacity.cameras, finely=True) for each in every]
    places = [(each.setting, size) for each, own in zip(every, sizes, strict=True) for size in own]
    points = iter(work_through(_evidence, places, workers=workers, done=_counter("the picture", len(places), tell)))
    for each, own in zip(every, sizes, strict=True):
        known = {each.capacity.cameras: each.capacity.evidence, each.capacity.cameras + 1: each.capacity.beyond}
        drawn = [(size, next(points)) for size in own]
        yield Curve(each, tuple((size, known.get(size) or evidence) for size, evidence in drawn))


def _evidence(point: tuple[Setting, int]) -> Evidence:
    setting, cameras = point
    return Bench(setting=setting, draws=DRAWS_OF_CURVES).evidence(cameras)


def _counter(what: str, total: int, tell: Callable[[str, float], None]) -> Callable[[], None]:
    """Tells of one more that is done each time it is called."""
    count = 0

    def done() -> None:
        nonlocal count
        count += 1
        tell(what, count / total)

    return done
