"""What can be compared side by side, what came of each, and which to use. Pure: nothing is measured or read here.

A variant is one way to run a model: its precision, what computes, with how many threads. The first is what the others
are held against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from framebatch.device.devices import Device
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.device.options import EngineOptions
    from framebatch.profile import Profile

__all__ = ["Advice", "Drift", "Precision", "Provider", "Trial", "Variant", "advise", "applied", "variants_of"]

Precision = Literal["fp32", "tf32", "fp16"]
"""fp32: the file as it is; tf32: likewise, products rounded to TF32; fp16: the file converted to half precision."""

Provider = Literal["cpu", "cuda", "tensorrt"]

MOST_VARIANTS: Final = 6
ALIKE: Final = 0.03
"""Throughputs closer than this are called the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One way to run a model; None: as the settings say."""

    precision: Precision | None = None
    provider: Provider | None = None
    threads: int | None = None

    @property
    def label(self) -> str:
        """Its name, for people: only what was chosen."""
        threads = None if self.threads is None else f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return " ".join(part for part in (self.provider, self.precision, threads) if part) or "as set"

    @property
    def arithmetic(self) -> tuple[Precision | None, Provider | None]:
        """What detections depend on: variants alike in it detect alike."""
        return self.precision, self.provider


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """How far a variant's detections are from the first variant's, over all pictures.

    Attributes:
        pictures: how many were looked at.
        matched: boxes that both found.
        lost: boxes that only the first found.
        gained: boxes that only this one found.
        box_px_max: how far a box's corners moved at most, in pixels of the picture; None: no box was matched.
        score_max: how much a score changed at most; None likewise.
    """

    pictures: int
    matched: int
    lost: int
    gained: int
    box_px_max: float | None = None
    score_max: float | None = None

    @property
    def share(self) -> float:
        """The share of all boxes that only one of the two found, 0 to 1; 0 where there are none."""
        alone = self.lost + self.gained
        return alone / (self.matched + alone) if alone else 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing was found by either, so that the drift says nothing."""
        return self.matched + self.lost + self.gained == 0

    @property
    def text(self) -> str:
        """The drift in words."""
        if self.empty:
            return f"nothing was detected in {self.pictures} pictures, so the drift is not known"
        boxes = self.matched + self.lost
        changed = f"{self.lost} of {boxes} boxes lost, {self.gained} gained"
        if self.box_px_max is None or self.score_max is None:
            return changed
        return f"{changed}; boxes moved by up to {self.box_px_max:.2g} px, scores by up to {self.score_max:.2g}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A calibration with the name that it goes by beside others.

    Attributes:
        label: short and plain.
        profile: what was measured; None: it could not be.
        drift: against the first; None for the first, and where it was not looked at.
        why: why there is no profile.
    """

    label: str
    profile: Profile | None
    drift: Drift | None = None
    why: str = ""

    @property
    def throughput_fps(self) -> float:
        """At the chosen size; 0 without a profile."""
        if self.profile is None:
            return 0.0
        chosen = self.profile.choice.max_batch
        return next(bucket.throughput_fps for bucket in self.profile.buckets if bucket.batch == chosen)


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """Which of the trials to use.

    Attributes:
        label: of the trial; empty: none can be used.
        text: why, in words.
    """

    label: str
    text: str


def variants_of(
    *,
    kind: str,
    precisions: Sequence[str] = (),
    providers: Sequence[str] = (),
    threads: Sequence[str] = (),
) -> tuple[Variant, ...]:
    """Every combination of what is to be compared, in the order given; the first is what the others are held against.

    Args:
        kind: of the device that was asked for: `auto`, `cpu`, `cuda` or `sim`.
        precisions: fp32, tf32, fp16.
        providers: cpu, cuda, tensorrt.
        threads: numbers of threads.

    Raises:
        UsageError: an unknown name, one given twice, too many, or what the device does not have.
    """
    _check_names("--compare", precisions, get_args(Precision))
    _check_names("--providers", providers, get_args(Provider))
    counts = _counts(threads)
    for option, names in (("--compare", precisions), ("--providers", providers), ("--threads", threads)):
        if kind == "sim" and names:
            raise UsageError(f"{option} is {','.join(names)}, but a simulated device takes the same time; leave it out")
    if counts and (kind == "cuda" or set(providers) - {"cpu"}):
        raise UsageError(f"--threads is {','.join(threads)}, which a GPU does not look at; use it with --device cpu")
    if kind == "cpu" and set(providers) - {"cpu"}:
        raise UsageError(f"--providers is {','.join(providers)} with --device cpu; give --device cuda:N, or auto")
    if "tf32" in precisions and (kind == "cpu" or "cpu" in providers):
        raise UsageError("--compare names tf32, which only GPUs have; leave it out, or use --device cuda:N")
    if precisions and precisions[0] == "fp16" and len(precisions) > 1:
        raise UsageError("--compare begins with fp16; begin with what the others are held against: fp32,fp16")
    found = tuple(
        Variant(
            precision=cast("Precision | None", precision), provider=cast("Provider | None", provider), threads=count
        )
        for provider, precision, count in product(providers or (None,), precisions or (None,), counts or (None,))
    )
    if len(found) > MOST_VARIANTS:
        raise UsageError(f"{len(found)} variants are asked for; at most {MOST_VARIANTS} are compared at a time")
    return found


def _check_names(option: str, names: Sequence[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"{option} names {name!r}; it takes {', '.join(known)}, separated by commas")
    if len(set(names)) < len(names):
        raise UsageError(f"{option} is {','.join(names)}; give each once")


def _counts(threads: Sequence[str]) -> tuple[int, ...]:
    if any(not text.isdecimal() or not 1 <= int(text) <= 1024 for text in threads):  # noqa: PLR2004 - as in the settings
        raise UsageError(f"--threads is {','.join(threads)!r}; it takes numbers from 1 to 1024, separated by commas")
    counts = tuple(int(text) for text in threads)
    if len(set(counts)) < len(counts):
        raise UsageError(f"--threads is {','.join(threads)}; give each once")
    return counts


def applied(variant: Variant, device: Device, options: EngineOptions) -> tuple[Device, EngineOptions]:
    """Where and how a variant runs, where the settings say so much; its file is another matter."""
    if variant.provider == "cpu":
        device = Device(kind="cpu")
    elif variant.provider is not None:
        device = device if device.kind == "cuda" else Device(kind="cuda")
        options = replace(options, provider=variant.provider)
    if variant.precision is not None:
        options = replace(options, tf32=variant.precision == "tf32")
    if variant.threads is not None:
        options = replace(options, threads=variant.threads)
    return device, options


def advise(trials: Sequence[Trial], *, tolerance: float) -> Advice:
    """The fastest whose batches fit into the deadline and whose detections stay; of several alike, the first.

    Args:
        trials: what was measured, the one that the others are held against first.
        tolerance: the largest share of boxes that may be lost or gained, 0 to 1.
    """
    objections = {trial.label: _objection(trial, tolerance) for trial in trials}
    fit = [trial for trial in trials if not objections[trial.label]]
    against = [f"{label} is left out: {objection}." for label, objection in objections.items() if objection]
    if not fit:
        return Advice(label="", text=" ".join(["None of them can be recommended.", *against]))
    fastest = max(trial.throughput_fps for trial in fit)
    best = next(trial for trial in fit if trial.throughput_fps >= fastest * (1 - ALIKE))
    return Advice(label=best.label, text=" ".join([_praise(best, fit), *against, *_doubts(fit)]))


def _objection(trial: Trial, tolerance: float) -> str:
    """Why a trial cannot be recommended; empty: it can."""
    profile, drift = trial.profile, trial.drift
    if profile is None:
        return trial.why or "it could not be measured"
    if not profile.run.complete:
        return "its run was stopped"
    if profile.choice.deadline.max_batch < 1:
        return "two batches of even one frame do not fit into the deadline"
    if drift is not None and drift.empty:
        return f"{drift.text}; give pictures of your own with --pictures"
    if drift is not None and drift.share > tolerance:
        return f"{drift.share * 100:.1f} % of the boxes differ ({drift.text}), more than {tolerance * 100:.1f} %"
    return ""


def _praise(best: Trial, fit: Sequence[Trial]) -> str:
    assert best.profile is not None  # noqa: S101 - it would have been left out
    told = f"Use {best.label}: {best.throughput_fps:,.1f} frames/s in batches of {best.profile.choice.max_batch}"
    others = [trial for trial in fit if trial is not best]
    if not others:
        return told + "."
    next_best = max(others, key=lambda trial: trial.throughput_fps)
    ratio = best.throughput_fps / next_best.throughput_fps
    if abs(ratio - 1) <= ALIKE:
        return f"{told}, within {ALIKE * 100:.0f} % of {next_best.label} ({next_best.throughput_fps:,.1f})."
    return f"{told}, {ratio:.2f} times {next_best.label} ({next_best.throughput_fps:,.1f})."


def _doubts(fit: Sequence[Trial]) -> list[str]:
    """What speaks against taking the figures at their word."""
    doubtful = [
        trial.label
        for trial in fit
        if trial.profile and (trial.profile.conditions.noisy or trial.profile.conditions.busy)
    ]
    if not doubtful:
        return []
    return [f"The host was busy or noisy ({'; '.join(doubtful)}): repeat this on a quiet one before you rely on it."]
