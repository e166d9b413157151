"""The programs that a model may run as, each proven on the processor: plain, fused, with its batch axis opened.

Which of them goes onto the device is decided in `loading`. The processor is where they are compared, because there one
network answers the same to the last bits in every session.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from framebatch.detection.likeness import Likeness
from framebatch.detection.proof import compare_answers
from framebatch.detection.selection import is_worthwhile, selection
from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine
from framebatch.device.program import Program, Selection, build_program
from framebatch.errors import DeviceError, ModelError
from framebatch.logs import event

if TYPE_CHECKING:
    import numpy.typing as npt

    from framebatch.detection.spec import ModelSpec
    from framebatch.device.graph import InputFormat
    from framebatch.device.model_file import ModelFile

__all__ = ["Fused", "Opened", "Plain", "fuse", "open_batch", "plain"]

log = logging.getLogger(__name__)

_COMPARED: Final = 3
_PROCESSOR: Final = Device(kind="cpu")


class Plain(NamedTuple):
    """The model's own outputs: what every other program is held against."""

    program: Program
    why_not_pictures_in: str
    """Why the host must convert the pictures; empty where the graph does."""
    answers: list[list[npt.NDArray[Any]]]
    """To the first pictures, each (1, ...)."""
    device: Device
    """Where it answered: the processor, if it runs there at all."""


class Fused(NamedTuple):
    """The selection of candidates inside the graph."""

    program: Program | None
    selection: Selection | None
    why_not: str
    """Why there is no program; empty where there is."""
    off: Likeness
    """How far it is from the plain one."""


class Opened(NamedTuple):
    """The batch axis made open."""

    program: Program | None
    why_not: str
    """Why there is no program; empty where there is."""


def plain(
    model: ModelFile, spec: ModelSpec, form: InputFormat, pictures: npt.NDArray[np.uint8], device: Device
) -> Plain:
    """Run the model as it is, with pictures converted inside the graph if possible, else on the host.

    Raises:
        ModelError: it does not even run on one picture.

    """
    why_not, error = "", ModelError(f"model {model.path} cannot be run")
    places = dict.fromkeys((_PROCESSOR, device))
    for place in places:
        for pictures_in in (True, False):
            try:
                program = build_program(model, form, pictures_in=pictures_in)
                answers = _answers(program, place, pictures)
            except (ModelError, ValueError) as problem:
                why_not = why_not or str(problem)
                error = ModelError(f"model {model.path}: {problem}")
            except DeviceError as problem:
                error = ModelError(f"model {spec.path} loads but does not run: {problem}; export it again")
            else:
                if not pictures_in:
                    log.warning(
                        "%s: pictures are converted on the host, not in the graph: %s",
                        spec.name,
                        why_not,
                        extra=event("program.pictures_on_host", model=spec.name, reason=why_not),
                    )
                return Plain(program, "" if pictures_in else why_not, answers, place)
    raise error


def fuse(model: ModelFile, spec: ModelSpec, reference: Plain, pictures: npt.NDArray[np.uint8]) -> Fused:
    """Select candidates inside the graph, and compare with what the host selects."""
    nothing, program = Likeness(1.0, 0.0, 0.0), reference.program
    if reference.why_not_pictures_in:
        return Fused(None, None, "pictures are converted on the host", nothing)
    if not is_worthwhile(reference.answers[0]):
        return Fused(None, None, "the network's outputs are small", nothing)
    try:
        select = selection(spec, reference.answers[0])
        program = build_program(model, reference.program.form, select=select)
        answers = _answers(program, reference.device, pictures)
        why_not, off = compare_answers(reference.answers, answers, spec, fused=True)
    except Exception as error:  # noqa: BLE001 - whatever the edit stumbles over, the plain program still runs
        why_not, off = _reason(error), nothing
    if why_not:
        log.warning(
            "%s: candidates are selected on the host, not in the graph: %s",
            spec.name,
            why_not,
            extra=event("program.selection_on_host", model=spec.name, reason=why_not),
        )
        return Fused(None, None, why_not, off)
    return Fused(program, select, "", off)


def open_batch(
    model: ModelFile, spec: ModelSpec, reference: Plain, fused: Fused, pictures: npt.NDArray[np.uint8]
) -> Opened:
    """Open the batch axis of the fused program, or of the plain one, and see that single frames are answered as before.

    Whether batches are is not shown here.
    """
    try:
        program = build_program(
            model,
            reference.program.form,
            pictures_in=reference.program.pictures_in,
            select=fused.selection,
            open_batch=True,
        )
        answers = _answers(program, reference.device, pictures)
        why_not, _ = compare_answers(reference.answers, answers, spec, fused=program.fused)
    except Exception as error:  # noqa: BLE001 - as above
        return Opened(None, f"the file fixes its batch axis, which cannot be opened: {_reason(error)}")
    if why_not:
        return Opened(None, f"the file fixes its batch axis, and when that is opened: {why_not}")
    return Opened(program, "")


def _answers(program: Program, device: Device, pictures: npt.NDArray[np.uint8]) -> list[list[npt.NDArray[Any]]]:
    """What a program answers to the first pictures, each by itself; a fixed batch is filled with its repetition."""
    count = program.batch_size or 1
    with contextlib.closing(OnnxEngine(program, device, max_batch=count)) as engine:
        return [
            [np.atleast_1d(output)[:1] for output in engine.run(picture[None].repeat(count, axis=0))[0]]
            for picture in pictures[:_COMPARED]
        ]


def _reason(error: Exception) -> str:
    """The first line of what is said, for messages of one line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
