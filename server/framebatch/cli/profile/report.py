"""What `framebatch profile report` does: profiles that lie there become a page and a picture, several side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from framebatch.calibration.report import report_files, write_report
from framebatch.calibration.variants import Trial
from framebatch.cli.calibrate.paths import check_target
from framebatch.cli.profile.finding import find, stdout
from framebatch.cli.profile.units import made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from framebatch.profile import Profile

__all__ = ["report_profiles", "told_apart"]


def report_profiles(names: Sequence[str], out: Path) -> None:
    """Draw one profile in full, or several side by side.

    Args:
        names: paths or ids.
        out: ends in .html or .png.

    Raises:
        UsageError: a profile cannot be found or read, or the report cannot be written.
    """
    for target in report_files(out, option="--out"):
        check_target("--out", target)
    profiles = [kept.profile for kept in find(names)]
    trials = [
        Trial(label=label, profile=profile) for label, profile in zip(told_apart(profiles), profiles, strict=True)
    ]
    for path in write_report(out, trials):
        stdout().print(Text.assemble(("report written to ", "dim"), str(path)), soft_wrap=True)


def told_apart(profiles: Sequence[Profile]) -> list[str]:
    """A short name for each: what differs between them, and a number where that does not suffice."""
    parts = [
        (
            profile.model,
            profile.fingerprint.device,
            profile.fingerprint.provider.removesuffix("ExecutionProvider"),
            profile.fingerprint.precision,
            made(profile.run),
        )
        for profile in profiles
    ]
    differing = [column for column in range(len(parts[0])) if len({row[column] for row in parts}) > 1]
    labels = [", ".join(row[column] for column in differing) or row[0] for row in parts]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{number}: {label}" for number, label in enumerate(labels, start=1)]
