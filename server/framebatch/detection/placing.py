"""Getting a recognised model onto a device: which program runs there, proven, at which sizes, with how many threads.

How a model is recognised, and what becomes of the result, is `loading`'s business; `loading` also tells the whole story.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from framebatch.detection.measuring import rates_by_threads
from framebatch.detection.programs import Plain, fuse, open_batch, plain
from framebatch.detection.proof import BatchProof, answers_alike, prove_batches, why_not_in_batches
from framebatch.detection.recognition import confirm
from framebatch.detection.remembered import Loaded, Memory, Wanted
from framebatch.detection.report import LoadReport
from framebatch.detection.scenes import scenes
from framebatch.device.engine import OnnxEngine
from framebatch.device.graph import InputFormat
from framebatch.device.threads import smallest_sufficient
from framebatch.errors import DeviceError, DeviceMemoryError, ModelError
from framebatch.logs import event
from framebatch.profile import buckets_up_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.spec import ModelSpec
    from framebatch.device.model_file import ModelFile
    from framebatch.device.program import Program

__all__ = ["load_program"]

log = logging.getLogger(__name__)

MAX_BATCH_PROCESSOR: Final = 8
MAX_BATCH_ACCELERATOR: Final = 32
_PICTURES: Final = 6
_PROCESSOR: Final = "CPUExecutionProvider"
_OPENED: Final = "the file fixes its batch axis, and when that is opened: "
_UNPROVEN: Final = BatchProof((), "", 0)


def load_program(
    model: ModelFile, spec: ModelSpec, wanted: Wanted, *, prove: Literal["once", "always"] = "once"
) -> Loaded:
    """Open the best program that holds on a device that is not simulated, and say in the log what came of it.

    Raises:
        ModelError: it fails even on one picture.
        DeviceError: the device cannot be used.

    """
    memory = Memory(model, spec, _input_format(spec), wanted)
    loaded = memory.recall() if prove == "once" else None
    if loaded is None:
        loaded = _load(model, spec, wanted)
        if wanted.max_batch == 1:  # most likely a command that is run often, and not for long
            loaded = _with_threads(loaded, wanted)
        memory.keep(loaded)
    loaded = _with_threads(loaded, wanted)
    log.info(
        "%s: %s, %d x %d, on %s",
        spec.name,
        spec.family,
        spec.input_width,
        spec.input_height,
        loaded.engine.device,
        extra=event(
            "model.recognised",
            model=spec.name,
            family=spec.family,
            width=spec.input_width,
            height=spec.input_height,
            device=loaded.engine.device,
        ),
    )
    if loaded.report.why_not_batched:
        batch_size = loaded.report.batch_size
        size = "one by one" if batch_size == 1 else f"{batch_size} at a time"
        why_not = loaded.report.why_not_batched
        said = event("model.not_batched", model=spec.name, batch_size=batch_size, reason=why_not)
        log.warning("%s: frames are run %s, not in batches: %s", spec.name, size, why_not, extra=said)
    for sentence in loaded.report.sentences():
        log.info("%s: %s", spec.name, sentence, extra=event("model.proven", model=spec.name, finding=sentence))
    return loaded


class _Placed(NamedTuple):
    """A program on the device."""

    program: Program
    engine: OnnxEngine
    max_batch: int


def _load(model: ModelFile, spec: ModelSpec, wanted: Wanted) -> Loaded:
    """Build every program, prove it, and open the best that holds on the device."""
    pictures = scenes(_PICTURES, spec.input_width, spec.input_height)
    reference = plain(model, spec, _input_format(spec), pictures, wanted.device)
    confirm(model, spec, reference.answers[0])
    fused = fuse(model, spec, reference, pictures)
    programs = [each for each in (fused.program, reference.program) if each is not None]
    why_not = "" if wanted.max_batch == 1 else why_not_in_batches(spec, model)
    opened = None
    if spec.batch_size is not None and wanted.max_batch != 1 and not why_not:
        opened, why_not = open_batch(model, spec, reference, fused, pictures)
    placed = _place([opened, *programs] if opened else programs, spec, wanted, reference, pictures[0])
    if opened and placed.program is not opened:
        why_not = f"{_OPENED}it does not run on the device"
    proof = _UNPROVEN
    if placed.program.batch_size is None and placed.max_batch > 1 and not why_not:
        proof = _prove(model, spec, placed, pictures)
        why_not = proof.why_not
        if why_not and placed.program is opened:
            why_not = f"{_OPENED}{why_not}"
            placed.engine.close()
            placed = _place(programs, spec, wanted, reference, pictures[0])
        elif proof.out_of_memory:
            placed.engine.reopen()
            placed = placed._replace(max_batch=max(proof.proven))
    batch_size = 1 if why_not and placed.program.batch_size is None else placed.program.batch_size
    report = LoadReport(
        pictures_in=placed.program.pictures_in,
        why_not_pictures_in=reference.why_not_pictures_in,
        fused=placed.program.fused,
        why_not_fused="" if placed.program.fused else fused.why_not or "the fused program does not run on the device",
        batch_size=batch_size,
        opened=opened is not None and placed.program is opened,
        why_not_batched=why_not,
        proven=proof.proven,
        loosely=proof is not _UNPROVEN and model.dynamically_quantised,
        max_pixels=fused.off.pixels,
        max_score=fused.off.score,
        out_of_memory=proof.out_of_memory,
    )
    return Loaded(*placed, report)


def _place(
    programs: Sequence[Program], spec: ModelSpec, wanted: Wanted, reference: Plain, picture: npt.NDArray[np.uint8]
) -> _Placed:
    """Open the first of `programs` that runs on the device and answers there what the plain one answers.

    Raises:
        ModelError: the last of them does not load.
        DeviceError: it does not run, or the device cannot be used.

    """
    for program in programs:
        try:
            placed = _open(program, wanted)
        except (DeviceError, ModelError) as error:
            if program is programs[-1]:
                raise
            log.warning(
                "%s: a program is not used, because it does not load: %s",
                spec.name,
                error,
                extra=event("program.not_loaded", model=spec.name, reason=error),
            )
            continue
        why_not = _why_not_right(placed, spec, reference, picture)
        if not why_not:
            break
        if program is programs[-1]:
            log.warning(
                "%s: detections may be wrong: %s",
                spec.name,
                why_not,
                extra=event("model.doubtful", model=spec.name, reason=why_not),
            )
            break
        log.warning(
            "%s: a program is not used: %s",
            spec.name,
            why_not,
            extra=event("program.not_right", model=spec.name, reason=why_not),
        )
        placed.engine.close()
    return placed


def _why_not_right(placed: _Placed, spec: ModelSpec, reference: Plain, picture: npt.NDArray[np.uint8]) -> str:
    """Run one picture; answers what is wrong with that, for people."""
    program = placed.program
    try:
        outputs, _, _ = placed.engine.run(picture[None].repeat(program.batch_size or 1, axis=0))
    except DeviceError as error:
        return str(error)
    if answers_alike(
        reference.answers[0], [np.atleast_1d(output)[:1] for output in outputs], spec, fused=program.fused
    ):
        return ""
    return f"{placed.engine.device} answers differently than the processor does"


def _prove(model: ModelFile, spec: ModelSpec, placed: _Placed, pictures: npt.NDArray[np.uint8]) -> BatchProof:
    try:
        return prove_batches(
            placed.engine,
            spec,
            pictures,
            buckets_up_to(placed.max_batch),
            fused=placed.program.fused,
            loosely=model.dynamically_quantised,
        )
    except DeviceError:
        placed.engine.close()
        raise


def _open(program: Program, wanted: Wanted) -> _Placed:
    """Open one program; where the device has too little memory for the largest batch, for a smaller one."""
    largest = wanted.max_batch or (MAX_BATCH_PROCESSOR if wanted.device.kind == "cpu" else MAX_BATCH_ACCELERATOR)
    while True:
        try:
            engine = OnnxEngine(program, wanted.device, options=wanted.options, max_batch=largest)
        except DeviceMemoryError:
            if largest == 1:
                raise
            largest //= 2
        else:
            unset = wanted.max_batch is None and engine.provider == _PROCESSOR
            return _Placed(program, engine, MAX_BATCH_PROCESSOR if unset else largest)


def _with_threads(loaded: Loaded, wanted: Wanted) -> Loaded:
    """On a processor, where nobody chose and nothing is remembered: measure, and use as many threads as help."""
    if loaded.engine.provider != _PROCESSOR or wanted.options.threads is not None or loaded.report.threads:
        return loaded
    buckets = buckets_up_to(loaded.max_batch)
    count = loaded.report.batch_size or buckets[len(buckets) // 2]
    rates = rates_by_threads(loaded, wanted, count)
    if not rates:
        return loaded
    chosen = smallest_sufficient(rates)
    report = dataclasses.replace(loaded.report, threads=chosen, frames_per_second=rates)
    if chosen == max(rates):
        return loaded._replace(report=report)
    loaded.engine.close()
    options = dataclasses.replace(wanted.options, threads=chosen)
    engine = OnnxEngine(loaded.program, wanted.device, options=options, max_batch=loaded.max_batch)
    return loaded._replace(engine=engine, report=report)


def _input_format(spec: ModelSpec) -> InputFormat:
    return InputFormat(
        name=spec.input_name,
        width=spec.input_width,
        height=spec.input_height,
        batch_size=spec.batch_size,
        scale=spec.scale,
        mean=spec.mean,
        std=spec.std,
        dtype=spec.input_dtype,
        extras=spec.extras,
    )
