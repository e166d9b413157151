"""Several calibrations of one model side by side: measured one after the other, held against each other, and told of.

Which variants there are and which to use is decided by `framebatch.calibration.variants`.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table
from rich.text import Text

from framebatch.calibration.drift import detections_of, drift_between, read_pictures
from framebatch.calibration.report import title_of, write_report
from framebatch.calibration.report.units import three_digits
from framebatch.calibration.variants import Trial, advise, applied
from framebatch.calibration.wording import amount, duration
from framebatch.cli.calibrate.paths import check_folder
from framebatch.cli.calibrate.single import measured
from framebatch.cli.common import print_error, print_json
from framebatch.cli.profile.finding import stdout
from framebatch.device.convert import to_half
from framebatch.errors import FramebatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from framebatch.calibration.sweep import Wanted
    from framebatch.calibration.variants import Advice, Drift, Variant
    from framebatch.frame import Detections, Picture
    from framebatch.profile import Profile

__all__ = ["Comparison", "compare_variants"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What is compared, and how.

    Attributes:
        variants: two or more; the first is what the others are held against.
        pictures: what detections are held against; none: made-up scenes.
        tolerance: the largest share of boxes that may be lost or gained, 0 to 1.
        keep: where converted models stay; None: nowhere.
    """

    variants: tuple[Variant, ...]
    pictures: tuple[Path, ...]
    tolerance: float
    keep: Path | None

    @property
    def drifts(self) -> bool:
        """Whether any variant computes otherwise than the first."""
        return any(variant.arithmetic != self.variants[0].arithmetic for variant in self.variants)


def compare_variants(
    wanted: Wanted,
    comparison: Comparison,
    *,
    report: Path | None,
    json: bool,
    measure: Callable[[Wanted, str], Profile] = measured,
) -> None:
    """Calibrate each variant quickly, measure the drift of its detections, and say which to use.

    Args:
        wanted: what all have in common.
        comparison: what differs.
        report: where to draw it; None: nowhere.
        json: whether to print one JSON document.
        measure: calibrates one variant, given its title for people.

    Raises:
        UsageError: the model, a picture or a path cannot be used; or nothing is known of the first variant.
        DeviceError: the first variant cannot be measured.
        typer.Exit: it was stopped; code 1.
    """
    pictures = read_pictures(comparison.pictures) if comparison.pictures or comparison.drifts else []
    with _workshop(comparison.keep) as folder:
        plans = [_plan(wanted, variant, folder) for variant in comparison.variants]
        profiles = list(_measured_in_turn(plans, comparison.variants, measure))
        trials = _with_drift(plans, comparison.variants, profiles, pictures)
    stopped = len(trials) < len(plans) or any(trial.profile and not trial.profile.run.complete for trial in trials)
    advice = advise(trials, tolerance=comparison.tolerance)
    reports = write_report(report, trials, advice) if report else ()
    if json:
        print_json(_document(trials, comparison, advice))
    else:
        _print(trials, advice)
        for path in reports:
            stdout().print(Text.assemble(("report written to ", "dim"), str(path)), soft_wrap=True)
    if stopped:
        print_error("stopped before the end; what was measured is shown")
        raise typer.Exit(1)


@contextlib.contextmanager
def _workshop(keep: Path | None) -> Iterator[Path]:
    """A folder for converted models and TensorRT's engines."""
    if keep is not None:
        check_folder("--keep", keep)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="framebatch-") as folder:
        yield Path(folder)


def _plan(wanted: Wanted, variant: Variant, folder: Path) -> Wanted:
    """How one variant is measured; converts its model where that takes another file."""
    device, options = applied(variant, wanted.device, wanted.options)
    model = wanted.model
    if variant.precision == "fp16":
        model = folder / f"{wanted.model.stem}-fp16.onnx"
        if not model.exists():
            to_half(wanted.model, model)
    options = replace(options, cache_dir=options.cache_dir or folder)
    name = wanted.name or wanted.model.stem
    return replace(wanted, model=model, name=name, device=device, options=options, quick=True)


def _measured_in_turn(
    plans: Sequence[Wanted], variants: Sequence[Variant], measure: Callable[[Wanted, str], Profile]
) -> Iterator[Profile | str]:
    """The profile of each plan, or why there is none; fewer than plans when it is stopped."""
    for number, (plan, variant) in enumerate(zip(plans, variants, strict=True)):
        try:
            profile = measure(plan, f"{variant.label} ({number + 1} of {len(plans)})")
        except FramebatchError as error:
            if number == 0:
                raise
            yield str(error)
            continue
        except typer.Exit:  # stopped before anything was measured
            if number == 0:
                raise
            return
        yield profile
        if not profile.run.complete:
            return


def _with_drift(
    plans: Sequence[Wanted],
    variants: Sequence[Variant],
    profiles: Sequence[Profile | str],
    pictures: Sequence[Picture],
) -> list[Trial]:
    """Trials, with the drift of those that compute otherwise than the first."""
    trials: list[Trial] = []
    expected: list[Detections] | None = None
    for plan, variant, profile in zip(plans, variants, profiles, strict=False):
        if isinstance(profile, str):
            trials.append(Trial(label=variant.label, profile=None, why=profile))
            continue
        drift: Drift | None = None
        if variant.arithmetic != variants[0].arithmetic:
            expected = expected or _detections(plans[0], pictures)
            drift = drift_between(expected, _detections(plan, pictures))
        trials.append(Trial(label=variant.label, profile=profile, drift=drift))
    return trials


def _detections(plan: Wanted, pictures: Sequence[Picture]) -> list[Detections]:
    return detections_of(plan.model, pictures, device=plan.device, options=plan.options, max_batch=1)


def _document(trials: Sequence[Trial], comparison: Comparison, advice: Advice) -> dict[str, Any]:
    """The comparison as JSON."""
    rows = [
        {
            **asdict(variant),
            "label": trial.label,
            "profile": None if trial.profile is None else trial.profile.model_dump(mode="json"),
            "why": trial.why,
            "drift": None if trial.drift is None else {**asdict(trial.drift), "share": trial.drift.share},
        }
        for trial, variant in zip(trials, comparison.variants, strict=False)
    ]
    return {"variants": rows, "tolerance": comparison.tolerance, "advice": asdict(advice)}


def _print(trials: Sequence[Trial], advice: Advice) -> None:
    console = stdout()
    console.print(Text(title_of(trials), style="bold"), end="\n\n")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("variant", no_wrap=True)
    for heading in ("batch", "takes", "frames/s", "memory"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("detections against the first", overflow="fold")
    for trial in trials:
        drift = trial.drift.text if trial.drift else trial.why
        used = trial.label == advice.label
        name = f"{'▸ ' if used else '  '}{trial.label}"
        table.add_row(name, *_cells(trial), Text(drift), style="bold green" if used else "")
    console.print(table)
    console.print()
    console.print(Text(advice.text))
    console.print()


def _cells(trial: Trial) -> tuple[str, str, str, str]:
    """Batch, time, throughput and memory at the chosen size."""
    if trial.profile is None:
        return "-", "-", "-", "-"
    chosen = next(bucket for bucket in trial.profile.buckets if bucket.batch == trial.profile.choice.max_batch)
    memory = chosen.measured.memory_bytes if chosen.measured else None
    return (
        str(chosen.batch),
        duration(chosen.service_ns),
        three_digits(chosen.throughput_fps),
        "-" if memory is None else amount(memory),
    )
