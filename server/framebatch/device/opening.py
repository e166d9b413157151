"""Making a fixed batch axis open: what an export for one frame wrote into its graph is edited to hold for any number.

Only the edit belongs here, and it proves nothing: that the opened model answers each frame of a batch as it answers the
frame alone is found out by running it.

No operator is known by name beyond the few that are edited. Where the batch goes is seen by inferring all shapes twice,
once for the batch that the file fixes and once for 97 times as many frames: the axis that grew by 97 is the one that
carries the batch. A node that is given the batch and does not pass it on is where the export fixed it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Shape = tuple[int | None, ...]

__all__ = ["open_batch_axis"]

BATCH: Final = "batch"
"""Name of the opened axis."""
_FACTOR: Final = 97  # a prime that no axis of a detector has by chance as a factor of its growth
_SMALL: Final = 1024  # initializers of more values are weights, which say nothing about shapes
_SHAPE_ONLY: Final = frozenset({"Shape", "Size"})
_SIZES: Final = 3  # the input of Resize that holds the wanted sizes


def open_batch_axis(model: onnx.ModelProto) -> None:
    """Make the fixed batch axis of `model` symbolic, in place.

    The leading axes of inputs and outputs are renamed. Then each node that loses the batch is edited: the target of a
    Reshape (-1 takes the place of the axis that holds the batch), the sizes of a Resize (scales take their place), and
    constants that a Concat puts beside the frames (they are repeated). Reshapes of weights are not touched, and a
    constant that several nodes share stays as it is for the others.

    Args:
        model: Its first input is the picture, with a leading axis of fixed length. On an error it is left half edited.

    Raises:
        ValueError: the batch is written into the graph in a way that cannot be edited; names the node.

    """
    size = _rename_ends(model.graph)
    edited: set[str] = set()
    while True:
        graph = _Graph(model, size)
        edits = graph.edits(edited) or graph.blind_edits(edited)
        if not edits:
            break
        edited |= {edit.node.output[0] for edit in edits}
        _apply(model.graph, edits)
    graph.check()


class _Edit(NamedTuple):
    """One node's new inputs, and the nodes that make them."""

    node: onnx.NodeProto
    inputs: dict[int, str]
    before: list[onnx.NodeProto]


def _rename_ends(graph: onnx.GraphProto) -> int:
    """Open the leading axes of inputs and outputs, forget all shapes in between; answers the batch that was fixed."""
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    size: int = inputs[0].type.tensor_type.shape.dim[0].dim_value if inputs else 0
    if not size:
        raise ValueError("its batch axis is not fixed")
    for value in inputs:
        axes = value.type.tensor_type.shape.dim
        if axes and axes[0].dim_value == size:
            axes[0].dim_param = BATCH
    for value in graph.output:
        axes = value.type.tensor_type.shape.dim
        if axes and axes[0].dim_value not in {0, size}:
            raise ValueError(f"the first axis of its output {value.name!r} is {axes[0].dim_value}, and not the batch")
        if axes:
            axes[0].dim_param = BATCH
    del graph.value_info[:]
    return size


def _apply(graph: onnx.GraphProto, edits: Sequence[_Edit]) -> None:
    before = {edit.node.output[0]: edit.before for edit in edits}
    for edit in edits:
        for place, name in edit.inputs.items():
            edit.node.input[place] = name
        for place, attribute in enumerate(edit.node.attribute):
            if edit.node.op_type == "Reshape" and attribute.name == "allowzero":
                del edit.node.attribute[place]
                break
    nodes = [each for node in graph.node for each in (*before.get(node.output[0] if node.output else "", ()), node)]
    del graph.node[:]
    graph.node.extend(nodes)


class _Graph:
    """A graph, and the shapes of its arrays for the fixed batch and for 97 times as many frames."""

    def __init__(self, model: onnx.ModelProto, size: int) -> None:
        self._graph = model.graph
        self._size = size
        self._shapes, self._grown = (_infer(model, frames) for frames in (size, size * _FACTOR))

    def edits(self, done: set[str]) -> list[_Edit]:
        """For the first nodes that lose the batch, on every way through the graph; what follows them is seen later."""
        edits, waiting = [], set[str]()
        for node in self._graph.node:
            if not waiting.isdisjoint(node.input):
                waiting.update(node.output)
            elif node.output and node.output[0] not in done and (edit := self._edit(node)):
                edits.append(edit)
                waiting.update(node.output)
        return edits

    def blind_edits(self, done: set[str]) -> list[_Edit]:
        """For Reshapes of frames behind operators of unknown shape, whose constant target begins with the fixed batch."""
        constants = _constants(self._graph)
        reached = {value.name for value in self._graph.input} - {tensor.name for tensor in self._graph.initializer}
        edits = []
        for node in self._graph.node:
            if node.op_type in _SHAPE_ONLY or reached.isdisjoint(node.input):
                continue
            reached.update(node.output)
            target = constants.get(node.input[1]) if node.op_type == "Reshape" else None
            unknown = self._shapes.get(node.input[0]) is None and node.output[0] not in done
            if target is not None and unknown and target[0] == self._size:
                edits.append(_new_target(node, [0 if -1 in target else -1, *target[1:]]))
        return edits

    def check(self) -> None:
        """Raise ValueError, naming the node, where the batch is still lost."""
        for node in self._graph.node:
            if node.op_type == "NonMaxSuppression" or self._loses(node):
                raise ValueError(f"{_label(node)} does not pass a batch on")
        for value in self._graph.output:
            shape = self._shapes.get(value.name)
            if shape and None not in shape and (self._axis(value.name) != 0 or shape[0] != self._size):
                raise ValueError(f"the first axis of its output {value.name!r} does not become the batch")

    def _edit(self, node: onnx.NodeProto) -> _Edit | None:
        """What makes a node pass the batch on, if it loses it; None for every other node, or where nothing helps."""
        if node.op_type == "Reshape":
            return self._edit_reshape(node)
        if node.op_type == "Resize" and len(node.input) > _SIZES and node.input[_SIZES] and self._loses(node):
            return self._edit_resize(node)
        return self._edit_concat(node) if node.op_type == "Concat" else None

    def _axis(self, name: str) -> int | None:
        """Which axis of an array carries the batch, as the slower part of it where it carries more."""
        shape, grown = self._shapes.get(name), self._grown.get(name)
        if shape is None or grown is None or len(shape) != len(grown):
            return None
        axes = [axis for axis, (length, longer) in enumerate(zip(shape, grown, strict=True)) if length != longer]
        if len(axes) != 1:
            return None
        length, longer = shape[axes[0]], grown[axes[0]]
        return axes[0] if length is not None and longer == length * _FACTOR else None

    def _loses(self, node: onnx.NodeProto) -> bool:
        if node.op_type in _SHAPE_ONLY or all(self._axis(name) is None for name in node.input):
            return False
        shapes = [self._shapes.get(name) for name in node.output if name]
        known = bool(shapes) and all(shape is not None and None not in shape for shape in shapes)
        return known and all(self._axis(name) is None for name in node.output)

    def _edit_reshape(self, node: onnx.NodeProto) -> _Edit | None:
        """Put -1 where as many values lie before the batch in the new shape as in the old one."""
        axis, old, new = self._axis(node.input[0]), self._shapes.get(node.input[0]), self._shapes.get(node.output[0])
        if axis is None or old is None or new is None or None in old[:axis] or None in new:
            return None
        outer = _volume(old[:axis])
        places = (at for at, length in enumerate(new) if _volume(new[:at]) == outer and not (length or 0) % self._size)
        place = next(places, None)  # of several it is the first: the others follow axes of length 1
        if place is None or place == self._axis(node.output[0]):
            return None
        return _new_target(node, [-1 if each == place else length for each, length in enumerate(new)])

    def _edit_resize(self, node: onnx.NodeProto) -> _Edit | None:
        """Say by how much instead of to which sizes, where that comes to the same sizes."""
        old, new = self._shapes.get(node.input[0]), self._shapes[node.output[0]]
        if old is None or new is None or None in old:
            return None
        was, wanted = np.array(old, np.float32), np.array(new, np.float32)
        scales = wanted / was
        if not np.array_equal(np.floor(was * scales), wanted):
            return None
        name = f"framebatch_scales_{node.output[0]}"
        return _Edit(node, {_SIZES - 1: name, _SIZES: ""}, [_constant(name, scales)])

    def _edit_concat(self, node: onnx.NodeProto) -> _Edit | None:
        """Repeat constants of one frame (tokens that a transformer puts before its patches) for every frame."""
        axes = {self._axis(name) for name in node.input}
        carried = axes - {None}
        if len(axes) < 2 or len(carried) > 1:  # noqa: PLR2004 - some inputs carry the batch, some do not
            return None
        (axis,) = carried
        source = next(name for name in node.input if self._axis(name) is not None)
        inputs: dict[int, str] = {}
        before: list[onnx.NodeProto] = []
        for place, name in enumerate(node.input):
            shape = self._shapes.get(name)
            if self._axis(name) is not None:
                continue
            if (
                axis is None
                or shape is None
                or self._grown.get(name) != shape
                or axis >= len(shape)
                or shape[axis] != 1
            ):
                return None
            repeated = f"framebatch_repeated_{place}_{node.output[0]}"
            before += _repeat(name, source, axis, len(shape), repeated)
            inputs[place] = repeated
        return _Edit(node, inputs, before)


def _new_target(node: onnx.NodeProto, target: Sequence[int | None]) -> _Edit:
    name = f"framebatch_target_{node.output[0]}"
    return _Edit(node, {1: name}, [_constant(name, np.array(target, np.int64))])


def _repeat(name: str, source: str, axis: int, rank: int, repeated: str) -> list[onnx.NodeProto]:
    """Nodes that make `repeated` from `name`, which has `rank` axes: as often along `axis` as `source` is long there."""
    parts = {"before": axis, "batch": 1, "after": rank - axis - 1}
    nodes = [
        _constant(f"{repeated}_{part}", np.ones(parts[part], np.int64)) for part in ("before", "after") if parts[part]
    ]
    return [
        *nodes,
        _constant(f"{repeated}_axis", np.array([axis])),
        helper.make_node("Shape", [source], [f"{repeated}_all"]),
        helper.make_node("Gather", [f"{repeated}_all", f"{repeated}_axis"], [f"{repeated}_batch"], axis=0),
        helper.make_node(
            "Concat", [f"{repeated}_{part}" for part in parts if parts[part]], [f"{repeated}_shape"], axis=0
        ),
        helper.make_node("Expand", [name, f"{repeated}_shape"], [repeated]),
    ]


def _constant(name: str, values: npt.NDArray[Any]) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values, name))


def _infer(model: onnx.ModelProto, frames: int) -> dict[str, Shape | None]:
    """The shapes of all arrays in a batch of `frames`; None in place of what cannot be inferred.

    Weights are left out: their shapes suffice, and a copy without them is small.
    """
    graph = helper.make_graph([], "shapes", [], [])
    graph.node.extend(model.graph.node)
    stored = {tensor.name for tensor in model.graph.initializer}
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _SMALL and not tensor.external_data:
            graph.initializer.append(tensor)
        else:
            graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    for value in model.graph.input:
        if value.name not in stored:
            graph.input.append(value)
            axes = graph.input[-1].type.tensor_type.shape.dim
            if axes and axes[0].dim_param == BATCH:
                axes[0].dim_value = frames
    for value in model.graph.output:
        graph.output.append(helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, None))
    bare = helper.make_model(graph, opset_imports=model.opset_import, ir_version=max(model.ir_version, 4))
    inferred = shape_inference.infer_shapes(bare, data_prop=True).graph
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    shapes: dict[str, Shape | None] = {tensor.name: tuple(tensor.dims) for tensor in inferred.initializer}
    return shapes | {value.name: _shape(value.type.tensor_type) for value in values}


def _shape(tensor: onnx.TypeProto.Tensor) -> Shape | None:
    if not tensor.HasField("shape"):
        return None
    return tuple(axis.dim_value if axis.WhichOneof("value") == "dim_value" else None for axis in tensor.shape.dim)


def _constants(graph: onnx.GraphProto) -> dict[str, list[int]]:
    """The values of small constants of whole numbers, by name, wherever the exporter keeps them."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
    return {
        name: numpy_helper.to_array(tensor).ravel().tolist()
        for name, tensor in tensors.items()
        if tensor.data_type == onnx.TensorProto.INT64
        and 0 < math.prod(tensor.dims) <= _SMALL
        and not tensor.external_data
    }


def _volume(lengths: Sequence[int | None]) -> int:
    return math.prod(length or 0 for length in lengths)


def _label(node: onnx.NodeProto) -> str:
    return f"its node {node.name or node.output[0]!r} ({node.op_type})"
