"""From the facts of an ONNX file to a `ModelSpec`: manifest first, then the exporter's metadata, then shapes and values.

Here the parts are joined: `inputs` says what is fed, `metadata` what the exporter wrote, `evidence` what may be looked at,
`rules` how each family is known, `decision` which one it is, `variants` who prepares pictures otherwise. `confirmation`
holds the result against what the model answers once it runs. Running it is the caller's business (`probe`); no runtime
library is known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.detection.heads import FAMILIES
from framebatch.detection.labels import name_classes
from framebatch.detection.recognition.confirmation import confirm
from framebatch.detection.recognition.decision import decide
from framebatch.detection.recognition.evidence import Evidence
from framebatch.detection.recognition.inputs import read_inputs
from framebatch.detection.recognition.metadata import read_metadata, suppresses_inside
from framebatch.detection.recognition.variants import variant
from framebatch.detection.spec import ModelSpec
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from framebatch.detection.manifest import Manifest
    from framebatch.device.model_file import ModelFile

    Probe = Callable[[int, int], Sequence[npt.NDArray[Any]]]

__all__ = ["confirm", "recognise", "suppresses_inside"]

_PREPARATION: Final = ("resize", "color", "scale", "mean", "std", "pad")
_PASSED_ON: Final = (
    *_PREPARATION,
    "confidence",
    "iou",
    "max_detections",
    "accept_dynamic_quantisation",
    "tiles",
    "version",
    "description",
    "license",
)


def recognise(model: ModelFile, manifest: Manifest, probe: Probe) -> ModelSpec:
    """Find out how a model must be fed and read.

    Args:
        model: The file's facts.
        manifest: What a person says about it.
        probe: Runs the model once on a picture with content of the given width and height, and answers its outputs;
            called only where names and shapes do not suffice. May raise `ModelError`.

    Raises:
        ModelError: it cannot be served, or not without a manifest; says which key settles it.

    """
    where = f"model {model.path}"
    exporter = read_metadata(where, model.metadata)
    if exporter.task != "detect":
        raise ModelError(f"{where} was exported for the task {exporter.task!r}; export a detector (task detect)")
    inputs = read_inputs(where, model, exporter, manifest)
    names = manifest.labels or exporter.names
    evidence = Evidence(
        outputs=model.outputs,
        width=inputs.width,
        height=inputs.height,
        names=len(names) or None,
        probe=lambda: _as_stated(where, model, probe(inputs.width, inputs.height)),
        extras=tuple(inputs.extras),
    )
    beside = model.path.with_suffix(".toml").name
    family, classes, seen = decide(where, evidence, exporter, manifest=beside, named=manifest.family)
    head = FAMILIES[family]
    try:
        outputs = head.arrange(evidence.tensors)
    except ValueError as error:
        raise ModelError(f"{where}: read as {family}: {error}; correct the manifest key family in {beside}") from error
    labels, named = name_classes(family, classes, manifest=manifest.labels, metadata=exporter.names)
    other = variant(family, evidence)
    given = {key: getattr(manifest, key) for key in _PASSED_ON if getattr(manifest, key) is not None}
    options: dict[str, Any] = {
        **head.input_defaults,
        **(other.options if other else {}),
        **dict(exporter.texts),
        **given,
    }
    stated = ", ".join(key for key in _PREPARATION if key in given)
    why = (
        f"family {family}: {seen}",
        f"input {inputs.width} x {inputs.height}: {inputs.why}",
        f"preparation: {other.why if other else 'the usual one of the family'}"
        + (f"; {stated} from the manifest" if stated else ""),
        f"labels: {named}",
    )
    return ModelSpec(
        name=model.path.stem,
        path=model.path,
        sha256=model.sha256,
        family=family,
        labels=labels,
        input_name=inputs.picture.name,
        input_width=inputs.width,
        input_height=inputs.height,
        input_dtype=inputs.picture.dtype,
        batch_size=inputs.picture.shape[0],
        extras=inputs.extras,
        outputs=outputs,
        precision=model.precision,
        why=why,
        **options,
    )


def _as_stated(where: str, model: ModelFile, answer: Sequence[npt.NDArray[Any]]) -> Sequence[npt.NDArray[Any]]:
    """Pass an answer on, if its shapes are those that the file states."""
    for output, values in zip(model.outputs, answer, strict=True):
        stated, real = output.shape, np.shape(values)
        if stated and (
            len(stated) != len(real) or any(a not in {None, b} for a, b in zip(stated[1:], real[1:], strict=True))
        ):
            raise ModelError(f"{where} states the output {output}, but answers an array of {real}; export it again")
    return answer
