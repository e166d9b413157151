"""What the options of `framebatch plan` ask for: checked, with one clear line for what is wrong. Nothing is simulated here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Final, TypeVar

from framebatch.cli.plan.devices import device_named
from framebatch.clock import ms_to_ns
from framebatch.errors import UsageError
from framebatch.planning.durations import NOTHING, Durations, Fixed, Lognormal
from framebatch.planning.fleet import Fleet, Trigger
from framebatch.planning.host import Host
from framebatch.planning.plan import Wanted
from framebatch.planning.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MOST_CAMERAS", "Asked", "wanted_of"]

MOST_CAMERAS: Final = 5_000
_LONGEST_MS: Final = 60_000
_MOST_FPS: Final = 10_000
_MOST_DECODERS: Final = 1_024
_MOST_VARIATION: Final = 10
_PICTURES: Final = (".png", ".svg")
_AROUND: Final = (0.5, 1.0, 2.0)
_MOST_PLACES: Final = 10
_MODES: Final = ("inspect", "live")

N = TypeVar("N", int, float)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options as they were given; see `framebatch.cli.plan.options`."""

    profile: str | None
    fps: float | None
    deadline_ms: float | None
    cameras: int | None = None
    trigger: str = "free"
    mode: str = "inspect"
    seed: int = 0
    network_ms: str | None = None
    decoders: int | None = None
    decode_ms: str | None = None
    max_batch: int | None = None
    compare: tuple[str, ...] = ()
    table: bool = False
    deadlines_ms: str | None = None
    fps_list: str | None = None
    picture: Path | None = None


def wanted_of(asked: Asked) -> Wanted:
    """Check them all.

    Raises:
        UsageError: one is missing, out of range or no such thing; the message names it, its value and what to give.
    """
    if asked.profile is None:
        raise UsageError("--profile is missing; give a profile of `framebatch calibrate`, or sim:ALPHA_MS,BETA_MS")
    fps = _number("--fps", asked.fps, most=_MOST_FPS)
    deadline_ms = _number("--deadline-ms", asked.deadline_ms, most=_LONGEST_MS)
    if asked.cameras is not None:
        _number("--cameras", asked.cameras, most=MOST_CAMERAS)
    if asked.picture is not None and asked.picture.suffix.lower() not in _PICTURES:
        raise UsageError(f"--picture is {asked.picture}; give a path that ends in .png or .svg")
    setting = Setting(
        device=device_named(asked.profile, "--profile", asked.max_batch),
        fleet=Fleet(
            cameras=1,
            fps=fps,
            deadline_ns=ms_to_ns(deadline_ms),
            trigger=Trigger(_one_of("--trigger", asked.trigger, tuple(Trigger))),
            live=_one_of("--mode", asked.mode, _MODES) == "live",
            network=_durations("--network-ms", asked.network_ms),
        ),
        host=_host(asked),
        max_batch=asked.max_batch,
        seed=asked.seed,
    )
    others = tuple(_others(setting, asked))
    for each in (setting, *others):
        if each.limit > MOST_CAMERAS:
            raise UsageError(
                f"--fps is {fps:g}, at which {each.device.name} could do {each.limit} cameras; plans go up to "
                f"{MOST_CAMERAS}: give a larger --fps"
            )
    deadlines, rates = _places(asked, deadline_ms, fps)
    return Wanted(
        setting=setting,
        cameras=asked.cameras,
        deadlines_ns=tuple(map(ms_to_ns, deadlines)),
        rates_fps=rates,
        others=others,
        curves=asked.picture is not None,
    )


def _others(setting: Setting, asked: Asked) -> Iterator[Setting]:
    """The compared devices, each with a name of its own."""
    taken = {setting.device.name}
    for name in asked.compare:
        device = device_named(name, "--compare", asked.max_batch)
        if device.name in taken:
            device = replace(device, name=f"{device.name} ({name})")
        taken.add(device.name)
        yield replace(setting, device=device)


def _number(option: str, value: N | None, *, most: float) -> N:
    if value is None:
        raise UsageError(f"{option} is missing; give a number above 0, at most {most:g}")
    if not 0 < value <= most:
        raise UsageError(f"{option} is {value:g}; it must be above 0, and at most {most:g}")
    return value


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise UsageError(f"{option} is {value!r}; it must be {', '.join(allowed[:-1])} or {allowed[-1]}")
    return value


def _host(asked: Asked) -> Host:
    if (asked.decoders is None) != (asked.decode_ms is None):
        there, missing = ("--decoders", "--decode-ms") if asked.decode_ms is None else ("--decode-ms", "--decoders")
        raise UsageError(f"{there} is given without {missing}; give both, or neither: decoding is not counted then")
    if asked.decoders is None:
        return Host()
    decoders = _number("--decoders", asked.decoders, most=_MOST_DECODERS)
    return Host(decoders=decoders, decode=_durations("--decode-ms", asked.decode_ms))


def _durations(option: str, text: str | None) -> Durations:
    if text is None:
        return NOTHING
    mean_ms, *variation = _numbers(option, text, "MEAN or MEAN,VARIATION", most=_LONGEST_MS)
    if len(variation) > 1 or (variation and variation[0] > _MOST_VARIATION):
        raise UsageError(f"{option} is {text!r}; it must be MEAN or MEAN,VARIATION, and a variation at most 10")
    mean_ns = ms_to_ns(mean_ms)
    return Lognormal(mean_ns, variation[0]) if variation and variation[0] else Fixed(mean_ns)


def _places(asked: Asked, deadline_ms: float, fps: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Deadlines and rates of the table, rising; none where none is wanted."""
    if not asked.table and asked.deadlines_ms is None and asked.fps_list is None:
        return (), ()
    deadlines = _listed("--deadlines-ms", asked.deadlines_ms, deadline_ms, most=_LONGEST_MS)
    return deadlines, _listed("--fps-list", asked.fps_list, fps, most=_MOST_FPS)


def _listed(option: str, text: str | None, middle: float, *, most: float) -> tuple[float, ...]:
    if text is None:
        return tuple(min(most, share * middle) for share in _AROUND)
    values = _numbers(option, text, "numbers with commas between them", most=most)
    if not all(values) or len(values) > _MOST_PLACES:
        raise UsageError(f"{option} is {text!r}; it must be at most {_MOST_PLACES} numbers above 0")
    return tuple(sorted(set(values)))


def _numbers(option: str, text: str, form: str, *, most: float) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or not all(isfinite(value) and 0 <= value <= most for value in values):
        raise UsageError(f"{option} is {text!r}; it must be {form}, from 0 to {most:g}")
    return values
