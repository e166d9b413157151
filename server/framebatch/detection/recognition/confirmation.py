"""Whether a model that was recognised really answers what its file states: checked once, on what it answered when it ran."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from framebatch.detection.reading import candidates
from framebatch.detection.recognition.evidence import Evidence
from framebatch.detection.recognition.rules import RULES
from framebatch.device.model_file import Tensor
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.spec import ModelSpec
    from framebatch.device.model_file import ModelFile

__all__ = ["confirm"]


def confirm(model: ModelFile, spec: ModelSpec, answer: Sequence[npt.NDArray[Any]]) -> None:
    """See that an answer of the model can be read as its family.

    Args:
        model: The file's facts.
        spec: How it was recognised.
        answer: All outputs for one picture, each (1, ...).

    Raises:
        ModelError: its outputs have other shapes than the file states, or than the family that the manifest names.

    """
    tensors = [
        Tensor(name=output.name, shape=values.shape, dtype=str(values.dtype))
        for output, values in zip(model.outputs, answer, strict=True)
    ]
    evidence = Evidence(
        outputs=tensors,
        width=spec.input_width,
        height=spec.input_height,
        names=len(spec.labels),
        probe=lambda: answer,
        extras=tuple(spec.extras),
    )
    classes = RULES[spec.family].classes(evidence)
    reason = "" if classes in {0, len(spec.labels)} else f"{classes or 'no'} classes and {len(spec.labels)} labels"
    if not reason:
        try:
            candidates(answer, dataclasses.replace(spec, confidence=0.0))
        except (ValueError, IndexError) as error:
            reason = str(error)
    if reason:
        raise ModelError(
            f"model {model.path}: recognised as {spec.family}, but when it is run it answers "
            f"{'; '.join(map(str, tensors))}, which cannot be read as that ({reason}); export it again, or correct the "
            "manifest key family"
        )
