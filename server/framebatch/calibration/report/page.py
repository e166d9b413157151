"""The report as one HTML page that needs nothing else: what is on it, and in which order.

Pictures come from `drawing`, sentences from `findings`, tables from `tables`.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from framebatch.calibration.report import findings, tables
from framebatch.calibration.report.drawing import plots_of, to_svg
from framebatch.calibration.report.markup import Html, element, join
from framebatch.calibration.report.palette import DARK, LIGHT, as_css
from framebatch.calibration.report.units import rate
from framebatch.calibration.wording import amount, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.calibration.report.drawing import Plot
    from framebatch.calibration.variants import Advice, Trial
    from framebatch.profile import Profile

__all__ = ["page", "title_of", "words_of"]

_FINDINGS: Final[dict[str, Callable[[Profile], str]]] = {
    "latency": findings.latency,
    "throughput": findings.throughput,
    "memory": findings.memory,
    "energy": findings.energy,
}


def page(trials: Sequence[Trial], advice: Advice | None = None) -> str:
    """Write the page: of one profile in full, of several side by side.

    Args:
        trials: at least one has a profile.
        advice: which of them to use.
    """
    measured = [(trial, trial.profile) for trial in trials if trial.profile is not None]
    body = _one(trials[0], measured[0][1]) if len(trials) == 1 else _several(trials, measured, advice)
    title = title_of(trials)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(_style())),
    )
    by = " ".join(sorted({f"framebatch {profile.run.framebatch}" for _, profile in measured}))
    header = element("header", element("h1", title), element("p", _subtitle(trials), class_="by"))
    footer = element("footer", element("p", f"Written by {by}.", class_="by"))
    return join(Html("<!DOCTYPE html>"), element("html", head, element("body", header, body, footer), lang="en")) + "\n"


def title_of(trials: Sequence[Trial]) -> str:
    """What the report is about."""
    names = list(dict.fromkeys(trial.profile.model for trial in trials if trial.profile is not None))
    devices = list(dict.fromkeys(trial.profile.fingerprint.device for trial in trials if trial.profile is not None))
    return f"{', '.join(names)} on {', '.join(devices)}"


def words_of(trials: Sequence[Trial], advice: Advice | None = None) -> str:
    """What stands beside a picture without a page: the choice, or the advice, and what to know before relying on it."""
    if len(trials) > 1 or trials[0].profile is None:
        return advice.text if advice else _subtitle(trials)
    profile = trials[0].profile
    return "\n".join((profile.choice.text, *findings.trust(profile)))


def _subtitle(trials: Sequence[Trial]) -> str:
    if len(trials) > 1:
        return f"{len(trials)} calibrations side by side"
    profile = trials[0].profile
    assert profile is not None  # noqa: S101 - the only one has one
    found = profile.fingerprint
    made = profile.run.created[:16].replace("T", " ")
    how = dict.fromkeys((found.precision, found.provider, found.runtime))
    return f"Calibrated {made}: {found.input_width} x {found.input_height}, {', '.join(how)}"


def _one(trial: Trial, profile: Profile) -> Html:
    chosen = findings.chosen_bucket(profile)
    answer = element(
        "section",
        _key(profile),
        element("p", profile.choice.text),
        class_="answer",
        aria_label=f"The largest batch is {chosen.batch}",
    )
    parts = tables.stages(profile)
    return element(
        "main",
        answer,
        _notes(findings.trust(profile)),
        element("h2", "What was measured"),
        _figures([trial], lambda plot: _FINDINGS[plot.name](profile)),
        _not_available(profile),
        element("h2", "Why this batch"),
        tables.rules(profile),
        element("h2", "All batch sizes"),
        tables.buckets(profile),
        None if parts is None else element("h3", "Where the time goes"),
        parts,
        element("h2", "And besides"),
        tables.circumstances(profile),
        element("h2", "What this holds for"),
        tables.fingerprint(profile.fingerprint),
        element("h3", "The command"),
        element("pre", element("code", profile.run.command)),
    )


def _several(trials: Sequence[Trial], measured: Sequence[tuple[Trial, Profile]], advice: Advice | None) -> Html:
    named = [(trial.label, profile) for trial, profile in measured]
    everyone = [profile.fingerprint for _, profile in measured]
    answer = None if advice is None else element("section", element("p", advice.text), class_="answer")
    details = [
        join(
            element("h2", trial.label),
            element("p", profile.choice.text),
            _notes(findings.trust(profile), level="h3"),
            tables.buckets(profile),
            element("h3", "What this holds for"),
            tables.fingerprint(profile.fingerprint, everyone),
            element("pre", element("code", profile.run.command)),
        )
        for trial, profile in measured
    ]
    return element(
        "main",
        answer,
        element("h2", "Side by side"),
        tables.side_by_side(trials, advised=advice.label if advice else ""),
        element("h2", "What was measured"),
        _figures(trials, lambda plot: findings.compared(plot.name, named)),
        *details,
    )


def _key(profile: Profile) -> Html:
    """The figures to remember."""
    chosen = findings.chosen_bucket(profile)
    known = [("largest batch", str(chosen.batch)), ("takes", duration(chosen.service_ns))]
    known.append(("carries", rate(chosen.throughput_fps)))
    if chosen.measured and chosen.measured.memory_bytes is not None:
        known.append(("of memory", amount(chosen.measured.memory_bytes)))
    return element(
        "dl", *(element("div", element("dt", name), element("dd", value)) for name, value in known), class_="key"
    )


def _notes(told: Sequence[str], *, level: str = "h2") -> Html | None:
    if not told:
        return None
    listed = element("ul", *(element("li", sentence) for sentence in told))
    return element("section", element(level, "Before you rely on it"), listed, class_="notes")


def _figures(trials: Sequence[Trial], caption: Callable[[Plot], str]) -> Html:
    drawn = []
    for plot in plots_of(trials):
        words = caption(plot)
        svg = Html(to_svg(plot, trials, label=f"{plot.title} over the batch size. {words}"))
        drawn.append(element("figure", element("h3", plot.title), svg, element("figcaption", words)))
    return element("div", join(*drawn), class_="figures")


def _not_available(profile: Profile) -> Html | None:
    missing = []
    if not findings.has_memory(profile):
        missing.append("Memory could not be read here.")
    if not findings.has_energy(profile):
        missing.append("Energy per frame is not available: this device does not tell.")
    return element("p", " ".join(missing), class_="by") if missing else None


def _style() -> str:
    css = files("framebatch.calibration.report").joinpath("style.css").read_text(encoding="utf-8")
    return css.replace("LIGHT", as_css(LIGHT)).replace("DARK", as_css(DARK))
