"""Section of gpu_check.py: does a calibration foretell what it was not shown, and hold what it chose?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from framebatch.calibration.sweep import Wanted, calibrate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gpu_check import Run

    from framebatch.profile import Bucket, KeptOut, Profile

MEGABYTE: Final = 1 << 20
SOAK_BATCHES: Final = 2_000
MEMORY_ERROR: Final = 0.03
LATENCY_ERROR: Final = 0.05
BUDGET_SECONDS: Final = 120.0
RESERVED_SECONDS: Final = 60.0
"""Of the time that is left, for the soak: its batches come whatever the budget is."""


def calibration(run: Run) -> dict[str, Any]:
    """Calibrate each model in full; on a GPU, what was kept out of the fits must have been foretold, and the soak hold."""
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for number, path in enumerate(run.models):
        profile = calibrate(_wanted(run, path, left_models=len(run.models) - number))
        found[path.stem] = profile.model_dump(mode="json")
        _show(run, path.stem, profile)
        wrong += [f"{path.stem}: {text}" for text in faults(profile, soak_batches=SOAK_BATCHES)] if run.gpu else []
    if not run.gpu:
        run.say("\non a processor these are figures and no goals: other programs have their share in them")
    if wrong:
        found["missed"] = "; ".join(wrong)
    return found


def faults(profile: Profile, *, soak_batches: int) -> list[str]:
    """Answer what a profile falls short of, one clause each."""
    line = profile.memory.line if profile.memory else None
    wrong = []
    for what, kept_out, allowed in (
        ("memory", line.kept_out if line else (), MEMORY_ERROR),
        ("latency", profile.kept_out, LATENCY_ERROR),
    ):
        worst = _worst(kept_out)
        if worst is None:
            wrong.append(f"no size was kept out of the fit of {what}")
        elif abs(worst.error) > allowed:
            wrong.append(f"{what} of a batch of {worst.batch} was foretold {worst.error:+.1%} off")
    soak = profile.soak
    if soak is None or soak.failed:
        wrong.append(f"the soak did not hold{f': {soak.failed}' if soak else ''}")
    elif soak.batches < soak_batches:
        wrong.append(f"the soak had {soak.batches} of {soak_batches} batches")
    return wrong


def _wanted(run: Run, path: Path, *, left_models: int) -> Wanted:
    """A quick run has the shortest soak; a full one as many batches as the goal names, beyond its budget if need be."""
    if run.quick:
        return Wanted(model=path, device=run.device, quick=True)
    share = run.left_seconds / left_models - RESERVED_SECONDS
    return Wanted(
        model=path,
        device=run.device,
        budget_seconds=max(30.0, min(BUDGET_SECONDS, share)),
        soak_batches=SOAK_BATCHES if run.gpu else None,
        command="gpu_check.py",
    )


def _show(run: Run, name: str, profile: Profile) -> None:
    run.say(f"\n{name}: {profile.choice.text}\n")
    run.say("| batch | ms | frames/s | MiB | J/frame | copy in, ms | computing, ms | copy out, ms | batches |")
    run.say("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for bucket in profile.buckets:
        run.say(_row(bucket))
    memory = profile.memory.line.kept_out if profile.memory and profile.memory.line else ()
    for what, kept_out in (("memory", memory), ("latency", profile.kept_out)):
        errors = ", ".join(f"{kept.batch}: {kept.error:+.1%}" for kept in kept_out)
        run.say(f"\n- {what} foretold for sizes kept out: {errors or 'none was'}")
    if profile.soak:
        soak = profile.soak
        run.say(
            f"- soak: {soak.batches} batches of {soak.batch} in {soak.seconds:.1f} s, last tenth over first "
            f"{soak.last_over_first:.3f}{f', {soak.failed}' if soak.failed else ''}"
        )
    for text in profile.conditions.text:
        run.say(f"- {text}")
    run.say(f"- {profile.run.seconds:.0f} s in all")


def _row(bucket: Bucket) -> str:
    """A bucket's row; a size that was not run has its fitted time only."""
    measured = bucket.measured
    figures: list[str] = [str(bucket.batch), f"{bucket.service_ns / 1e6:.2f}", f"{bucket.throughput_fps:.0f}"]
    if measured is None:
        return f"| {' | '.join([*figures, *['-'] * 5, '0'])} |"
    stages = measured.stages
    figures.append("-" if measured.memory_bytes is None else f"{measured.memory_bytes / MEGABYTE:.0f}")
    figures.append("-" if measured.energy_joules_per_frame is None else f"{measured.energy_joules_per_frame:.3f}")
    parts = (stages.copy_in_ns, stages.compute_ns, stages.copy_out_ns)
    figures += ["-" if part is None else f"{part / 1e6:.3f}" for part in parts]
    return f"| {' | '.join([*figures, str(measured.n)])} |"


def _worst(kept_out: Sequence[KeptOut]) -> KeptOut | None:
    return max(kept_out, key=lambda kept: abs(kept.error), default=None)
