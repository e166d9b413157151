"""From the facts of an ONNX file to a `ModelSpec`: manifest first, then the exporter's metadata, then shapes and values.

Guessing ends where two families would both fit: a detector that is read wrongly answers nonsense without an error, so
an ambiguous model is refused with the manifest key that settles it. Running the model once is the caller's business
(`probe`); no runtime library is known here.
"""

# ruff: noqa: PLR2004 - the numbers are columns of output arrays, explained where they are compared
from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from framebatch.detection.heads.yolox import cells
from framebatch.detection.labels import digits
from framebatch.detection.spec import ModelSpec
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from framebatch.detection.manifest import Manifest
    from framebatch.device.model_file import ModelFile, Tensor

    Probe = Callable[[int, int], Sequence[npt.NDArray[Any]]]

__all__ = ["recognise", "suppresses_inside"]

_DEFAULT_SIDE: Final = 640
_MAX_FINAL_ROWS: Final = 1000
_YOLOX_INPUT: Final = {"color": "bgr", "scale": 1.0, "resize": "letterbox_topleft"}
_SUPPORTED: Final = "detectors of the families yolov8 (also 9, 11, 12), yolov5, yolox and end_to_end"


class _Facts(NamedTuple):
    """What the family is judged by."""

    rows: int
    columns: int
    """The last two axes of the output, as they are."""
    classes: int | None
    """Number of class names, where any are given."""
    width: int
    height: int
    final: bool
    """The metadata say that nothing is left to suppress."""


def recognise(model: ModelFile, manifest: Manifest, probe: Probe) -> ModelSpec:
    """Find out how a model must be fed and read.

    Args:
        model: The file's facts.
        manifest: What a person says about it.
        probe: Runs the model once on a picture with content of the given width and height, and answers its outputs;
            called only where shapes do not suffice.

    Raises:
        ModelError: it cannot be served, or not without a manifest; says which key settles it.

    """
    where = f"model {model.path}"
    picture = _picture_input(where, model)
    task = model.metadata.get("task", "detect")
    if task != "detect":
        raise ModelError(f"{where} was exported for the task {task!r}; export a detector (task detect)")
    width, height = _input_size(where, model, manifest, picture)
    names = manifest.labels or _metadata_labels(where, model.metadata)
    outputs: list[npt.NDArray[Any]] = []

    def probed() -> npt.NDArray[Any]:
        if not outputs:
            outputs.extend(probe(width, height))
        return outputs[0]

    rows, columns = _output_axes(where, model, probed)
    facts = _Facts(rows, columns, len(names) or None, width, height, _is_final(model.metadata))
    family = manifest.family or _family(where, model, facts, probed)
    classes = _classes(family, facts)
    if classes < 1 or (names and len(names) != classes and family != "end_to_end"):
        raise ModelError(
            f"{where}: read as {family}, its output (?, {rows}, {columns}) has {classes} classes, but {len(names)} names "
            "are given; correct the manifest keys family or labels"
        )
    given = {key: getattr(manifest, key) for key in _PASSED_ON if getattr(manifest, key) is not None}
    metadata = {key: model.metadata[key] for key in ("version", "description", "license") if key in model.metadata}
    options: dict[str, Any] = {**(_YOLOX_INPUT if family.startswith("yolox") else {}), **metadata, **given}
    return ModelSpec(
        name=model.path.stem,
        path=model.path,
        sha256=model.sha256,
        family=family,
        labels=names or digits(classes),
        input_name=picture.name,
        input_width=width,
        input_height=height,
        input_dtype=picture.dtype,
        batch_size=picture.shape[0],
        precision=model.precision,
        **options,
    )


_PASSED_ON: Final = (
    "resize",
    "color",
    "scale",
    "mean",
    "std",
    "pad",
    "confidence",
    "iou",
    "max_detections",
    "version",
    "description",
    "license",
)


def _picture_input(where: str, model: ModelFile) -> Tensor:
    if len(model.inputs) != 1:
        listed = "; ".join(str(tensor) for tensor in model.inputs) or "none"
        raise ModelError(
            f"{where} has {len(model.inputs)} inputs ({listed}); only {_SUPPORTED} are served, with one input"
        )
    picture = model.inputs[0]
    if len(picture.shape) != 4 or picture.shape[1] not in {3, None} or picture.dtype not in {"float32", "float16"}:
        raise ModelError(
            f"{where} has the input {picture}; it must be one picture, float32 or float16 (batch, 3, height, width): "
            "export it channels first"
        )
    return picture


def _input_size(where: str, model: ModelFile, manifest: Manifest, picture: Tensor) -> tuple[int, int]:
    height, width = picture.shape[2:]
    wanted_height, wanted_width = _metadata_size(model.metadata) or (_DEFAULT_SIDE, _DEFAULT_SIDE)
    if manifest.input is not None:
        wanted_width, wanted_height = manifest.input
        if width not in {None, wanted_width} or height not in {None, wanted_height}:
            raise ModelError(
                f"{where} takes {width or 'any'} x {height or 'any'} pixels; the manifest key input says "
                f"{wanted_width} x {wanted_height}: remove it or correct it"
            )
    return width or wanted_width, height or wanted_height


def _output_axes(where: str, model: ModelFile, probed: Callable[[], npt.NDArray[Any]]) -> tuple[int, int]:
    if len(model.outputs) != 1:
        raise ModelError(
            f"{where} has {len(model.outputs)} outputs ({', '.join(output.name for output in model.outputs)}); "
            f"only {_SUPPORTED} are served, with one output"
        )
    shape: Sequence[int | None] = model.outputs[0].shape
    if len(shape) != 3 or None in shape[1:]:
        shape = probed().shape
    if len(shape) != 3 or not shape[1] or not shape[2]:
        raise ModelError(f"{where} answers an array of {len(shape)} axes {tuple(shape)}; only {_SUPPORTED} are served")
    return shape[1], shape[2]


def _family(where: str, model: ModelFile, facts: _Facts, probed: Callable[[], npt.NDArray[Any]]) -> str:
    """Weigh the facts; every rule that answers a family excludes the others."""
    rows, columns, classes, width, height, final = facts
    grid = cells(width, height)
    coarser, finer = (width // 64) * (height // 64), (width // 4) * (height // 4)  # some have a fourth grid
    if columns == 6 and rows not in {grid, 3 * grid, 3 * (grid + coarser)}:
        # (?, K, 6): corners, score, class; or centre, size and two classes (RT-DETR).
        if final or classes not in {None, 2} or (rows <= _MAX_FINAL_ROWS and _looks_final(probed())):
            return "end_to_end"
    elif classes in {None, columns - 5} and columns > 5 and rows in {3 * grid, 3 * (grid + coarser)}:
        return "yolov5"
    elif classes in {None, columns - 5} and columns > 5 and rows == grid:
        return "yolox_decoded" if _spans_picture(probed(), width, height) else "yolox"
    elif rows > 4 and (classes == rows - 4 or (classes is None and columns in {grid, grid + coarser, grid + finer})):
        return "yolov8"
    named, remedy = (f" and its {classes} class names", "; or correct its labels") if classes else ("", "")
    raise ModelError(
        f"{where}: no family of detectors is certain from its output {model.outputs[0]}{named}; name it in "
        f"{model.path.with_suffix('.toml').name} beside it with the key family (yolov8, yolov5, yolox, yolox_decoded or "
        f"end_to_end){remedy}"
    )


def _classes(family: str, facts: _Facts) -> int:
    """How many classes the output has, read as `family`; final rows do not say, names or the COCO count must do."""
    if family == "end_to_end":
        return (facts.classes or 80) if facts.columns == 6 else 0
    return facts.rows - 4 if family == "yolov8" else facts.columns - 5


def _looks_final(output: npt.NDArray[Any]) -> bool:
    """Whether rows are corners in pixels, a score and a whole class id, as no other family's are."""
    rows = output[0]
    rows = rows[rows[:, 4] > 0]
    return (
        len(rows) > 0
        and bool(np.all(rows[:, 5] == np.round(rows[:, 5])))
        and bool(np.all(rows[:, 2:4] >= rows[:, :2]))
        and float(rows[:, :4].max()) > 2.0
    )


def _spans_picture(output: npt.NDArray[Any], width: int, height: int) -> bool:
    """Whether box centres lie all over the picture (pixels) rather than near their own cells' corners."""
    centres = output[0, :, :2]
    return bool(centres[:, 0].max() > width / 2 and centres[:, 1].max() > height / 2)


def _metadata_labels(where: str, metadata: Mapping[str, str]) -> tuple[str, ...]:
    names = _literal(metadata.get("names", ""))
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise ModelError(
                f"{where}: its class names are not numbered from 0 up; name them in the manifest key labels"
            )
        names = [names[number] for number in range(len(names))]
    return tuple(str(name) for name in names) if isinstance(names, list | tuple) else ()


def _metadata_size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    """Height and width that the exporter used."""
    size = _literal(metadata.get("imgsz", ""))
    if isinstance(size, int):
        return size, size
    if isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size):
        return size[0], size[1]
    return None


def suppresses_inside(metadata: Mapping[str, str]) -> bool:
    """Whether the exporter put non-maximum suppression into the graph, as far as it says."""
    arguments = _literal(metadata.get("args", ""))
    return isinstance(arguments, dict) and bool(arguments.get("nms"))


def _is_final(metadata: Mapping[str, str]) -> bool:
    return suppresses_inside(metadata) or metadata.get("end2end", "").lower() == "true"


def _literal(text: str) -> Any:
    """Read a value as the exporter's `str()` wrote it; None where it is no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
