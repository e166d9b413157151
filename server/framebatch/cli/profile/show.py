"""What `framebatch profile show` prints: the curve, the choice and its evidence, doubts, and what the profile holds for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from framebatch.cli.common import print_json
from framebatch.cli.profile.curve import curve_pictures, curve_table
from framebatch.cli.profile.finding import find, history, shown_path, stdout
from framebatch.cli.profile.units import bytes_text, digits_for, kind_of, made, ms_text
from framebatch.clock import ns_to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from framebatch.profile import Allowed, KeptOut, Measurement, Memory, Profile, Soak

__all__ = ["print_profile", "show_profiles"]

_MEGA: Final = 1_000_000


def show_profiles(names: Sequence[str], *, json: bool) -> None:
    """Print profiles, by default the newest of the user's folder.

    Raises:
        UsageError: one cannot be found or read.
    """
    found = find(names) if names else history()[:1]
    if json:
        documents = [kept.profile.model_dump(mode="json") for kept in found]
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    console = stdout()
    for kept in found:
        print_profile(console, kept.profile, kept.path)


def print_profile(console: Console, profile: Profile, path: Path | None = None) -> None:
    """Print one profile, and where it lies."""
    run = profile.run
    simulated = " (simulated)" if profile.simulated else ""
    console.print(Text(f"{profile.model} on {profile.fingerprint.device}{simulated}", style="bold"))
    how = f"{made(run)} UTC, {kind_of(run)} calibration in {run.seconds:.0f} s, framebatch {run.framebatch}"
    console.print(Text(how, style="dim"))
    if path is not None:
        console.print(Text(shown_path(path), style="dim"), soft_wrap=True)
    console.print()
    console.print(curve_table(profile, console.width))
    console.print()
    console.print(curve_pictures(profile, console.width))
    console.print()
    console.print(Text(profile.choice.text, style="bold green"))
    console.print(_facts((*_rules(profile), *_evidence(profile))))
    console.print()
    for doubt in _doubts(profile):
        console.print(Text(doubt, style="yellow"), end="\n\n")
    console.print(Text("Measured for", style="bold"))
    console.print(_facts(_identity(profile)))
    console.print()


def _facts(rows: Iterable[tuple[str, str | Text]]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value if isinstance(value, Text) else Text(value))
    return table


def _rules(profile: Profile) -> Iterator[tuple[str, Text]]:
    choice = profile.choice
    for name, allowed in (("memory", choice.memory), ("deadline", choice.deadline), ("throughput", choice.throughput)):
        binds = choice.bound_by == name
        extent = _extent(allowed) + (" (binds)" if binds else "")
        yield name, Text.assemble((extent, "bold green" if binds else "bold"), f": {allowed.why}")


def _extent(allowed: Allowed) -> str:
    return "none" if allowed.max_batch == 0 else f"{allowed.max_batch}{' or more' if allowed.at_least else ''}"


def _evidence(profile: Profile) -> Iterator[tuple[str, str]]:
    ceiling = profile.ceiling
    failed = "" if ceiling.smallest_failed is None else f"; {ceiling.smallest_failed} did not: {ceiling.why}"
    yield "ran", f"batches up to {ceiling.largest_ran}{failed}"
    if profile.soak is not None:
        yield "soak", _soak(profile.soak)
    if profile.kept_out:
        yield "latency fit", _foretold(profile.kept_out)
    if profile.memory is not None:
        yield "memory has", _memory(profile.memory)
        line = profile.memory.line
        if line is not None:
            text = f"{bytes_text(line.base_bytes)} and {bytes_text(line.bytes_per_frame)} a frame"
            yield "memory line", text + (f"; {_foretold(line.kept_out)}" if line.kept_out else "")
    if profile.idle:
        yield (
            "idling",
            ", ".join(f"{_ms(each.penalty_ns)} more after {ns_to_seconds(each.idle_ns):g} s" for each in profile.idle),
        )
    measured = profile.bucket(profile.choice.max_batch).measured
    if measured is not None:
        yield from _at_the_chosen(measured)


def _at_the_chosen(measured: Measurement) -> Iterator[tuple[str, str]]:
    """What is known of the chosen size beside its time."""
    parts = [
        f"{name.removesuffix('_ns').replace('_', ' ')} {_ms(time)}"
        for name, time in measured.stages.model_dump().items()
        if time is not None
    ]
    if parts:
        yield "stages", ", ".join(parts)
    state = []
    if measured.power_watts is not None:
        state.append(f"{measured.power_watts:.0f} W")
    if measured.clock_hz is not None:
        state.append(f"{measured.clock_hz / _MEGA:.0f} MHz")
    if measured.temperature_celsius is not None:
        state.append(f"{measured.temperature_celsius:.0f} \N{DEGREE SIGN}C")
    if state:
        yield "device at it", ", ".join(state)


def _ms(nanoseconds: float) -> str:
    return f"{ms_text(nanoseconds, digits_for(nanoseconds))} ms"


def _memory(memory: Memory) -> str:
    others = bytes_text(memory.others_bytes) if memory.others_bytes else "none"
    total = f"{bytes_text(memory.total_bytes)} on the {memory.kind}"
    return f"{total}, {others} of it taken by others; {memory.fraction:.0%} may be used"


def _soak(soak: Soak) -> str:
    slower = "slower" if soak.last_over_first >= 1 else "quicker"
    end = f"ended early: {soak.failed}" if soak.failed else f"{abs(soak.last_over_first - 1):.1%} {slower} at the end"
    return (
        f"{soak.batches} batches of {soak.batch} in {soak.seconds:.1f} s; median {_ms(soak.median_ns)}, "
        f"p99 {_ms(soak.p99_ns)}, {end}"
    )


def _foretold(kept_out: Sequence[KeptOut]) -> str:
    errors = ", ".join(f"{each.batch} ({each.error:+.1%})" for each in kept_out)
    return f"foretold without having seen it: {errors}"


def _doubts(profile: Profile) -> Iterator[str]:
    conditions = profile.conditions
    if not profile.run.complete:
        yield "! The run was stopped before its end; a server does not use it."
    yield from (f"! {text}" for text in conditions.text)
    if not conditions.text:
        named = {"noisy": conditions.noisy, "busy": conditions.busy, "throttled": conditions.throttled}
        yield from (f"! The device or its host was {name}." for name, noticed in named.items() if noticed)


def _identity(profile: Profile) -> Iterator[tuple[str, str]]:
    fingerprint = profile.fingerprint
    yield "device", fingerprint.device + (f", driver {fingerprint.driver}" if fingerprint.driver else "")
    yield "runtime", f"{fingerprint.runtime}, {fingerprint.provider}"
    yield "options", ", ".join(f"{name} = {value}" for name, value in fingerprint.options.items()) or "none"
    yield "input", f"{fingerprint.input_width} x {fingerprint.input_height}, {fingerprint.precision}"
    yield "model", fingerprint.model_sha256
    yield "command", profile.run.command
