"""From a model's file to the graph that a device runs: pictures in, and where wanted the best candidates out.

Nothing is run here. What is asked of the graph is decided by the caller; what cannot be done is said in a `ValueError`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import onnx
from onnx import helper, version_converter

from framebatch.device.graph import PICTURES, InputFormat, input_nodes
from framebatch.device.graph_ops import OLDEST, GraphOps, Value
from framebatch.device.opening import open_batch_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from framebatch.device.model_file import ModelFile

__all__ = ["Program", "Selection", "build_program"]

_OLDEST_INPUT: Final = 8  # arithmetic broadcasts by itself from 7 on, Expand is there from 8 on
_IR_FREE_INITIALIZERS: Final = 4  # from here on a stored value need not be listed among the inputs
_FLOAT: Final = onnx.TensorProto.FLOAT
_FLOATS: Final = {onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16}


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a graph shall select from its outputs.

    Attributes:
        rows: K, how many candidates of each frame to answer; no more than there are.
        read: Given the operations and the model's outputs, answers boxes (B, K, 4), scores (B, K) and class ids (B, K).
    """

    rows: int
    read: Callable[[GraphOps, Sequence[Value]], tuple[Value, Value, Value]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Program:
    """A model as a device shall run it.

    Attributes:
        content: The ONNX model, serialised.
        folder: Where weights lie that the model keeps in files of their own.
        form: What the model's own inputs want.
        pictures_in: Its only input is `graph.PICTURES`, uint8 (b, H, W, 3); else `graph.convert_on_host` makes its inputs.
        fused: Its outputs are `framebatch_boxes` float32 (b, K, 4), `framebatch_scores` float32 (b, K), falling, and
            `framebatch_classes` int32 (b, K), instead of the model's own.
        batch_size: The only batch that it takes, or None where its batch axis is open.
    """

    content: bytes
    folder: Path
    form: InputFormat
    pictures_in: bool
    fused: bool
    batch_size: int | None


def build_program(
    model: ModelFile,
    form: InputFormat,
    *,
    pictures_in: bool = True,
    select: Selection | None = None,
    open_batch: bool = False,
) -> Program:
    """Edit the graph of the file at `model.path`; weights in separate files stay there, and are not read.

    Args:
        model: The file.
        form: What its inputs want.
        pictures_in: Whether the conversion of pictures goes into the graph.
        select: What to answer in place of the model's outputs; None leaves them.
        open_batch: Whether to open a fixed batch axis; whether the answer is right then must be proven by running.

    Raises:
        ValueError: such an edit is impossible; says why.

    """
    if open_batch:
        form = dataclasses.replace(form, batch_size=None)
    _check_inputs(model, form)
    proto = onnx.load(str(model.path), load_external_data=False)
    _fix_weights(proto)
    if open_batch:
        open_batch_axis(proto)
    if select is not None:
        proto = _select(_modern(proto, OLDEST), select, form)
    if pictures_in:
        _take_pictures(proto, form)
    return Program(
        content=proto.SerializeToString(),
        folder=model.path.parent,
        form=form,
        pictures_in=pictures_in,
        fused=select is not None,
        batch_size=form.batch_size,
    )


def _check_inputs(model: ModelFile, form: InputFormat) -> None:
    given, wanted = {form.name, *form.extras}, {tensor.name for tensor in model.inputs}
    if missing := sorted(given - wanted):
        raise ValueError(f"it has no input {missing[0]!r}")
    if missing := sorted(wanted - given):
        raise ValueError(f"nothing is known of what its input {missing[0]!r} wants")


def _fix_weights(proto: onnx.ModelProto) -> None:
    """Take stored values out of the inputs, where old exports list them; nothing can be computed ahead of them there."""
    proto.ir_version = max(proto.ir_version, _IR_FREE_INITIALIZERS)
    stored = {tensor.name for tensor in proto.graph.initializer}
    _replace(proto.graph.input, [value for value in proto.graph.input if value.name not in stored])


def _take_pictures(proto: onnx.ModelProto, form: InputFormat) -> None:
    """Make `PICTURES` the only input, in place."""
    if (opset := _opset(proto)) < _OLDEST_INPUT:
        raise ValueError(f"its operators are of opset {opset}; at least {_OLDEST_INPUT} is needed")
    graph = proto.graph
    for value in [value for value in graph.input if value.name in {form.name, *form.extras}]:
        graph.input.remove(value)
    shape = [_batch_axis(form), form.height, form.width, 3]
    graph.input.insert(0, helper.make_tensor_value_info(PICTURES, onnx.TensorProto.UINT8, shape))
    _replace(graph.node, [*input_nodes(form), *graph.node])


def _select(proto: onnx.ModelProto, select: Selection, form: InputFormat) -> onnx.ModelProto:
    """Answer the best candidates instead of the model's outputs; what only those needed goes."""
    graph = proto.graph
    ops = GraphOps(_opset(proto), rows=select.rows)
    values = [_as_float32(ops, value) for value in graph.output]
    boxes, scores, class_ids = select.read(ops, values)
    axes = (_batch_axis(form), select.rows)
    results = (
        ("framebatch_boxes", boxes, _FLOAT, (*axes, 4)),
        ("framebatch_scores", scores, _FLOAT, axes),
        ("framebatch_classes", class_ids, onnx.TensorProto.INT32, axes),
    )
    casts = [helper.make_node("Cast", [value.name], [name], to=dtype) for name, value, dtype, _ in results]
    _replace(graph.output, [helper.make_tensor_value_info(name, dtype, shape) for name, _, dtype, shape in results])
    _replace(graph.node, _needed([*graph.node, *ops.nodes, *casts], {name for name, *_ in results}))
    return proto


def _as_float32(ops: GraphOps, output: onnx.ValueInfoProto) -> Value:
    """An output as the host would see it, where 16-bit numbers are widened before anything is computed of them."""
    value = Value(ops, output.name)
    return ops.cast(value, _FLOAT) if output.type.tensor_type.elem_type in _FLOATS else value


def _needed(nodes: Sequence[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """The nodes, in their order, without which the `wanted` values could not be computed."""
    kept = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.output):
            kept.append(node)
            wanted.update(set(_reads(node)) - {""})
    return kept[::-1]


def _reads(node: onnx.NodeProto) -> Iterable[str]:
    """What a node reads, also from within the branches and loops that it holds."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _reads(inner)
            yield from (value.name for value in graph.output)


def _modern(proto: onnx.ModelProto, oldest: int) -> onnx.ModelProto:
    """The model in operators of opset `oldest` or later."""
    if (opset := _opset(proto)) >= oldest:
        return proto
    try:
        return version_converter.convert_version(proto, oldest)
    except Exception as error:  # the converter's own types, and whatever it stumbles over
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"its operators of opset {opset} cannot be converted to opset {oldest}: {reason}") from error


def _opset(proto: onnx.ModelProto) -> int:
    return max((entry.version for entry in proto.opset_import if entry.domain in {"", "ai.onnx"}), default=0)


def _batch_axis(form: InputFormat) -> int | str:
    return form.batch_size or "batch"


def _replace(field: Any, values: Sequence[Any]) -> None:
    """Put other entries into a repeated field."""
    del field[:]
    field.extend(values)
