"""One calibration: measured, kept, drawn, and told of. What is measured and decided is `framebatch.calibration`'s."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from framebatch.calibration.report import write_report
from framebatch.calibration.sweep import calibrate
from framebatch.calibration.variants import Trial, applied
from framebatch.cli.calibrate.paths import check_folder, check_target
from framebatch.cli.calibrate.progress import ProgressView
from framebatch.cli.common import print_error, print_json
from framebatch.cli.profile.finding import stdout
from framebatch.cli.profile.show import print_profile
from framebatch.profile import ProfileStore, write_profile

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.calibration.sweep import Wanted
    from framebatch.calibration.variants import Variant
    from framebatch.profile import Profile

__all__ = ["calibrate_one", "measured"]


def calibrate_one(
    wanted: Wanted, variant: Variant, *, out: Path | None, report: Path | None, store: bool, json: bool
) -> None:
    """Calibrate, keep the profile, draw the report, and print what came of it.

    Raises:
        UsageError: something cannot be written, which is found out before anything is measured where that is possible.
        DeviceError: the device cannot be used.
        typer.Exit: it was stopped; code 1.
    """
    kept_in = ProfileStore() if store else None
    if kept_in is not None:
        check_folder("the folder of profiles", kept_in.folder)
    if out is not None:
        check_target("--out", out)
    device, options = applied(variant, wanted.device, wanted.options)
    profile = measured(
        replace(wanted, device=device, options=options),
        wanted.model.stem if device.kind == "auto" else f"{wanted.model.stem} on {device}",
    )
    files = [] if kept_in is None else [kept_in.add(profile)]
    if out is not None:
        write_profile(profile, out)
        files.append(out)
    reports = write_report(report, [Trial(label=profile.model, profile=profile)]) if report else ()
    if json:
        print_json(profile.model_dump(mode="json"))
    else:
        print_profile(stdout(), profile)
        for what, paths in (("profile", files), ("report", reports)):
            for path in paths:
                stdout().print(Text.assemble((f"{what} written to ", "dim"), str(path)), soft_wrap=True)
    if not profile.run.complete:
        print_error(_stopped(profile, kept=bool(files)))
        raise typer.Exit(1)


def measured(wanted: Wanted, title: str) -> Profile:
    """Calibrate with progress on stderr.

    Args:
        wanted: what, where and how.
        title: the same for people.

    Raises:
        DeviceError: the device cannot be used.
        ModelError: the model cannot be served.
        typer.Exit: it was stopped before anything was measured; code 1.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was measured is kept
    try:
        with ProgressView(title) as view:
            return calibrate(wanted, view)
    except KeyboardInterrupt:
        print_error("stopped before anything was measured; nothing is kept")
        raise typer.Exit(1) from None


def _stopped(profile: Profile, *, kept: bool) -> str:
    sizes = ", ".join(str(bucket.batch) for bucket in profile.buckets if bucket.measured)
    told = f"stopped before the end: batches of {sizes} were measured"
    return f"{told}, and are kept as incomplete; no server uses them" if kept else f"{told}; nothing is kept"
