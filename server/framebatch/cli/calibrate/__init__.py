"""`framebatch calibrate`: which option means what, and the order of things. Nothing is measured or drawn here."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framebatch.cli.calibrate import options  # noqa: TC001 - typer reads the types at run time
from framebatch.cli.calibrate.paths import check_target
from framebatch.cli.common import JsonOption, find_model, log_to_stderr
from framebatch.cli.detect import pictures_meant
from framebatch.clock import ms_to_ns
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framebatch.calibration.sweep import Wanted

__all__ = ["calibrate", "wanted_of"]


def calibrate(
    *,
    model: options.ModelOption = None,
    device: options.DeviceOption = None,
    memory_fraction: options.MemoryFractionOption = 0.8,
    deadline_ms: options.DeadlineOption = None,
    max_batch: options.MaxBatchOption = None,
    quick: options.QuickOption = False,
    config: options.ConfigOption = None,
    threads: options.ThreadsOption = None,
    providers: options.ProvidersOption = None,
    tf32: options.Tf32Option = None,
    fp16: options.Fp16Option = None,
    cuda_graph: options.CudaGraphOption = None,
    out: options.OutOption = None,
    report: options.ReportOption = None,
    store: options.StoreOption = True,
    compare: options.CompareOption = None,
    pictures: options.PicturesOption = None,
    tolerance: options.ToleranceOption = 0.02,
    keep: options.KeepOption = None,
    json: JsonOption = False,
) -> None:
    """Measure what batches cost on this device, say which largest batch to use and why, and keep the profile.

    A run that is stopped with Ctrl-C keeps what it has measured, marked as incomplete; it ends with exit code 1.
    """
    from framebatch.calibration.report import report_files  # noqa: PLC0415 - see framebatch.cli
    from framebatch.calibration.variants import variants_of  # noqa: PLC0415 - as above
    from framebatch.cli.calibrate.comparison import Comparison, compare_variants  # noqa: PLC0415 - as above
    from framebatch.cli.calibrate.single import calibrate_one  # noqa: PLC0415 - as above

    log_to_stderr()
    given = {
        "model": model,
        "device": device,
        "deadline_ms": deadline_ms,
        "max_batch": max_batch,
        "tf32": tf32,
        "fp16": fp16,
        "cuda_graph": cuda_graph,
    }
    wanted = wanted_of(config, given, memory_fraction=memory_fraction, quick=quick)
    variants = variants_of(
        kind=wanted.device.kind, precisions=_names(compare), providers=_names(providers), threads=_names(threads)
    )
    for target in report_files(report) if report else ():
        check_target("--report", target)
    if len(variants) == 1:
        _refuse_without_comparison(compare=compare, pictures=pictures, keep=keep)
        calibrate_one(wanted, variants[0], out=out, report=report, store=store, json=json)
        return
    if out is not None:
        raise UsageError(f"--out is {out}, which holds one profile; a comparison is written with --report or --json")
    comparison = Comparison(
        variants=variants,
        pictures=tuple(pictures_meant([pictures])) if pictures else (),
        tolerance=tolerance,
        keep=keep,
    )
    compare_variants(wanted, comparison, report=report, json=json)


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",")) if listed is not None else ()


def _refuse_without_comparison(*, compare: str | None, pictures: Path | None, keep: Path | None) -> None:
    if compare is not None:
        raise UsageError(f"--compare is {compare!r}, and one precision is nothing to compare; give two, e.g. fp32,fp16")
    for option, value in (("--pictures", pictures), ("--keep", keep)):
        if value is not None:
            raise UsageError(f"{option} is {value}, but nothing is compared; give --compare fp32,fp16, or leave it out")


def wanted_of(config: Path | None, given: Mapping[str, Any], *, memory_fraction: float, quick: bool) -> Wanted:
    """Put the file's settings, the variables and the options together, as a server does.

    Args:
        config: the file; None: defaults.
        given: settings by name; None where an option was not given. `model` is among them.
        memory_fraction: how much of the memory may be used, 0 to 1.
        quick: whether to measure briefly.

    Raises:
        UsageError: a setting is wrong, or no model is named.
    """
    from framebatch.app.opening import engine_options  # noqa: PLC0415 - see framebatch.cli
    from framebatch.calibration.sweep import Wanted  # noqa: PLC0415 - as above
    from framebatch.device.devices import parse_device  # noqa: PLC0415 - as above
    from framebatch.settings import load_settings  # noqa: PLC0415 - as above

    overrides = {key: value for key, value in given.items() if value is not None}
    settings = load_settings(config, overrides, os.environ, complete=False).config
    if settings.models is not None:
        raise UsageError(f"models = {settings.models} serves a folder of models; say which is meant with --model")
    if settings.model is None:
        raise UsageError("--model is missing; give an ONNX file or the name of a bundled model")
    return Wanted(
        model=find_model(settings.model),
        device=parse_device(settings.device),
        options=engine_options(settings),
        limit=settings.max_batch if settings.max_batch > 0 else None,
        deadline_ns=ms_to_ns(settings.deadline_ms),
        memory_fraction=memory_fraction,
        quick=quick,
        command=shlex.join(["framebatch", *sys.argv[1:]]),
    )
