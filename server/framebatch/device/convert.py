"""A model's weights and arithmetic in half precision: the ONNX file rewritten, offline. Nothing is run here but a proof.

What the rewriting costs in boxes and scores is measured by the caller, on photos.
"""

from __future__ import annotations

import importlib.util
import shutil
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import onnx
import onnxruntime
from onnx import numpy_helper

from framebatch.device.failures import reason
from framebatch.device.model_file import read_model_file
from framebatch.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from framebatch.device.model_file import ModelFile

__all__ = ["Conversion", "to_half"]

_LARGEST_FILE: Final = 2_000_000_000  # bytes; a protobuf message ends at 2^31
_FLOAT: Final = onnx.TensorProto.FLOAT
_HALF: Final = onnx.TensorProto.FLOAT16
_ERRORS_ONLY: Final = 3


class Conversion(NamedTuple):
    """What became of a model."""

    bytes_before: int
    """Of weights, with those in files of their own."""
    bytes_after: int
    """Of weights."""
    operators_kept: tuple[str, ...]
    """Operators that still compute in float32: onnxruntime has none in half precision, or it would cost too much."""


def to_half(source: Path, target: Path) -> Conversion:
    """Write the model at `source` to `target` with float16 inside; its inputs and outputs stay float32.

    Uses `onnxruntime.transformers.float16`, which leaves operators in float32 that need it, between casts. Metadata is
    kept; a manifest beside the source is copied, because everything in it still holds.

    Args:
        source: Of the ONNX file.
        target: Must be another file; overwritten.

    Raises:
        UsageError: `target` is `source`, or cannot be written.
        ModelError: the file cannot be read, or gains nothing: it is quantised, or in half precision already; or what
            came out cannot be loaded.

    """
    if target.resolve() == source.resolve():
        raise UsageError(f"--out is {target}, the model itself; give another path")
    model = read_model_file(source)
    _check_gain(model)
    try:
        loaded = onnx.load(str(source))
        before = _weight_bytes(loaded)
        _hide_weights(loaded)
        converted = _converter()(loaded, keep_io_types=True)
        _tidy(converted.graph)
    except Exception as error:
        raise ModelError(f"model {source} cannot be converted: {reason(error)}") from error
    conversion = Conversion(before, _weight_bytes(converted), _still_float(converted))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        apart = conversion.bytes_after >= _LARGEST_FILE
        onnx.save_model(converted, str(target), save_as_external_data=apart, location=f"{target.name}.data")
        manifest = source.with_suffix(".toml")
        if manifest.is_file():
            shutil.copyfile(manifest, target.with_suffix(".toml"))
    except OSError as error:
        raise UsageError(f"--out is {target}, which cannot be written: {error.strerror}") from error
    _check_loads(target)
    return conversion


def _check_gain(model: ModelFile) -> None:
    if model.precision == "float16":
        raise ModelError(f"model {model.path} is in half precision already; use it as it is")
    if model.precision == "int8":
        raise ModelError(
            f"model {model.path} is quantised to 8 bits, which half precision would not speed up; convert the model "
            "that it was made of"
        )


def _converter() -> Callable[..., onnx.ModelProto]:
    """Load the one file: its package would put a folder of top-level modules (`benchmark`, `metrics`) on `sys.path`."""
    path = Path(onnxruntime.__file__).parent / "transformers" / "float16.py"
    spec = importlib.util.spec_from_file_location("framebatch_onnxruntime_float16", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"onnxruntime has no {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    converter: Callable[..., onnx.ModelProto] = module.convert_float_to_float16
    return converter


def _hide_weights(model: onnx.ModelProto) -> None:
    """Take the weights from among the inputs, where files of IR version 3 list them: they are not to be fed."""
    stored = {tensor.name for tensor in model.graph.initializer}
    for value in [value for value in model.graph.input if value.name in stored]:
        model.graph.input.remove(value)
    model.ir_version = max(model.ir_version, 4)


def _tidy(graph: onnx.GraphProto) -> None:
    """Make of what the converter leaves what ONNX demands.

    Each node comes after what it reads; the converter puts its casts last. A value has one maker; the converter casts
    one once for each reader. Weights are stored as bytes; the converter leaves those stored as numbers in a longer form.
    """
    nodes: list[onnx.NodeProto] = []
    makers: dict[str, int] = {}
    for node in graph.node:
        if not any(name in makers for name in node.output if name):
            makers |= {name: len(nodes) for name in node.output if name}
            nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
    before = {place: {makers[name] for name in _reads(node) if name in makers} for place, node in enumerate(nodes)}
    graph.ClearField("node")
    graph.node.extend(nodes[place] for place in TopologicalSorter(before).static_order())
    for tensor in graph.initializer:
        if tensor.data_type == _HALF and not tensor.raw_data:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """What a node reads, also from within the branches and loops that it holds."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _reads(inner)


def _still_float(model: onnx.ModelProto) -> tuple[str, ...]:
    """The kinds of operators, other than casts, that read or write float32 inside."""
    kinds = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    kinds |= {tensor.name: tensor.data_type for tensor in model.graph.initializer if tensor.dims}
    return tuple(
        sorted(
            {
                node.op_type
                for node in model.graph.node
                if node.op_type != "Cast" and _FLOAT in {kinds.get(name) for name in (*node.input, *node.output)}
            }
        )
    )


def _weight_bytes(model: onnx.ModelProto) -> int:
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in model.graph.initializer)


def _check_loads(path: Path) -> None:
    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    try:
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        path.unlink(missing_ok=True)
        raise ModelError(f"what became of the model cannot be loaded by onnxruntime: {reason(error)}") from error
