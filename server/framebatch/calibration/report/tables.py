"""The tables of a report: all buckets, what each rule allows, what else was found, several trials side by side.

What a cell says is formatted here; the page decides which tables there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.calibration.report.findings import chosen_bucket, idle, kept_out, memory_limit_bytes, soak
from framebatch.calibration.report.markup import Html, element, join
from framebatch.calibration.report.units import three_digits
from framebatch.calibration.wording import amount, percent
from framebatch.clock import ns_to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.calibration.variants import Trial
    from framebatch.profile import Bucket, Fingerprint, Measurement, Profile

__all__ = ["buckets", "circumstances", "fingerprint", "rules", "side_by_side", "stages"]

_FIGURE: Final = 24
"""What is longer is no figure, and may be broken into lines."""
_NOTHING: Final = "\N{EN DASH}"
_RULES: Final = {"memory": "Memory", "deadline": "Deadline", "throughput": "Throughput"}
_STAGES: Final = {
    "fill_ns": "fill",
    "copy_in_ns": "copy in",
    "compute_ns": "compute",
    "copy_out_ns": "copy out",
    "parse_ns": "parse",
}


def buckets(profile: Profile) -> Html:
    """Every batch size: what was measured of it, and what is planned with."""
    columns: list[tuple[str, Callable[[Bucket], str]]] = [
        ("planned ms", lambda bucket: _ms(bucket.service_ns)),
        ("ms a frame", lambda bucket: _ms(bucket.service_ns / bucket.batch)),
        ("frames/s", lambda bucket: three_digits(bucket.throughput_fps)),
        ("median ms", _of(lambda found: _ms(found.median_ns))),
        ("95 % interval", _of(lambda found: f"{_ms(found.median_low_ns)} to {_ms(found.median_high_ns)}")),
        ("p10", _of(lambda found: _ms(found.p10_ns))),
        ("p90", _of(lambda found: _ms(found.p90_ns))),
        ("p99", _of(lambda found: _ms(found.p99_ns))),
        ("memory", _of(lambda found: _or_nothing(found.memory_bytes, amount))),
        ("J a frame", _of(lambda found: _or_nothing(found.energy_joules_per_frame, three_digits))),
        ("batches", _of(lambda found: f"{found.n:,}")),
    ]
    rows = {str(bucket.batch): [cell(bucket) for _, cell in columns] for bucket in profile.buckets}
    return _figures(
        "Service time of each batch size. “Planned” is the fitted median that scheduling uses; the rest was measured.",
        [head for head, _ in columns],
        rows,
        chosen=str(profile.choice.max_batch),
    )


def stages(profile: Profile) -> Html | None:
    """Where the time of a batch goes; None where nothing tells."""
    found = {bucket.batch: bucket.measured.stages for bucket in profile.buckets if bucket.measured}
    known = [name for name in _STAGES if any(getattr(parts, name) is not None for parts in found.values())]
    if not known:
        return None
    rows = {str(batch): [_or_nothing(getattr(parts, name), _ms) for name in known] for batch, parts in found.items()}
    heads = [f"{_STAGES[name]} ms" for name in known]
    return _figures("Median of each part of a batch.", heads, rows, chosen=str(profile.choice.max_batch))


def rules(profile: Profile) -> Html:
    """What each rule alone would allow."""
    choice = profile.choice
    rows = []
    for name, title in _RULES.items():
        allowed = getattr(choice, name)
        most = f"{allowed.max_batch} or more" if allowed.at_least else str(allowed.max_batch or "none")
        bound = " (decides)" if name == choice.bound_by else ""
        rows.append((f"{title}{bound}", most, allowed.why))
    return _words(("Rule", "Allows", "Why"), rows)


def circumstances(profile: Profile) -> Html:
    """What else was found out, and how the figures came about."""
    run, limit = profile.run, memory_limit_bytes(profile)
    rows = [
        ("First batch after a pause", f"longer by: {idle(profile)}" if profile.idle else idle(profile)),
        ("Soak at the chosen size", soak(profile)),
        ("Foretold without having seen it", kept_out(profile)),
        ("Two passes disagree by", f"at most {percent(profile.conditions.disagreement)}"),
        ("Memory that may be used", "not known" if limit is None else amount(limit)),
        ("Measured", f"{run.created}, in {run.seconds:.0f} s{', quickly' if run.quick else ''}"),
    ]
    return _words(None, rows)


def fingerprint(found: Fingerprint, others: Sequence[Fingerprint] = ()) -> Html:
    """What the figures hold for; fields that differ from another of `others` are marked."""
    rows = []
    for name, value in _fields(found).items():
        differs = any(_fields(other).get(name) != value for other in others)
        rows.append((f"{name}{' (differs)' if differs else ''}", value))
    return _words(None, rows)


def side_by_side(trials: Sequence[Trial], *, advised: str) -> Html:
    """One row for each trial."""
    heads = ["largest batch", "its ms", "frames/s", "ms of one", "memory", "J a frame", "detections against the first"]
    rows: dict[str, list[str]] = {}
    for trial in trials:
        drift = _NOTHING if trial.drift is None else trial.drift.text
        if trial.profile is None:
            rows[trial.label] = [_NOTHING] * (len(heads) - 1) + [trial.why]
            continue
        chosen = chosen_bucket(trial.profile)
        measured = chosen.measured
        rows[trial.label] = [
            str(chosen.batch),
            _ms(chosen.service_ns),
            three_digits(chosen.throughput_fps),
            _ms(trial.profile.buckets[0].service_ns),
            _or_nothing(measured.memory_bytes if measured else None, amount),
            _or_nothing(measured.energy_joules_per_frame if measured else None, three_digits),
            drift,
        ]
    return _figures("Each at its own largest batch.", heads, rows, chosen=advised, corner="variant")


def _of(cell: Callable[[Measurement], str]) -> Callable[[Bucket], str]:
    return lambda bucket: _NOTHING if bucket.measured is None else cell(bucket.measured)


def _or_nothing(value: float | None, wording: Callable[[float], str]) -> str:
    return _NOTHING if value is None else wording(value)


def _ms(nanoseconds: float) -> str:
    return three_digits(ns_to_ms(nanoseconds))


def _fields(found: Fingerprint) -> dict[str, str]:
    values = {name: value for name, value in found.model_dump().items() if name != "options"}
    values["input"] = f"{values.pop('input_width')} x {values.pop('input_height')}"
    values |= {f"option {name}": value for name, value in found.options.items()}
    return {name: str(value) or "none" for name, value in values.items()}


def _figures(
    caption: str, heads: Sequence[str], rows: dict[str, list[str]], *, chosen: str, corner: str = "batch"
) -> Html:
    """A wide table that scrolls by itself on a narrow screen; the chosen row is marked."""
    head = element("tr", *(element("th", name, scope="col") for name in (corner, *heads)))
    body = [
        element(
            "tr",
            element("th", name, scope="row"),
            *(element("td", cell, class_="words-cell" if len(cell) > _FIGURE else None) for cell in cells),
            class_="chosen" if name == chosen else None,
        )
        for name, cells in rows.items()
    ]
    table = element("table", element("thead", head), element("tbody", join(*body)), aria_label=caption)
    scrolled = element("div", table, class_="scroll", tabindex="0", role="group", aria_label=caption)
    return join(element("p", caption, class_="by"), scrolled)


def _words(heads: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> Html:
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in heads))) if heads else None
    body = [
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    ]
    return element("table", head, element("tbody", join(*body)), class_="words")
