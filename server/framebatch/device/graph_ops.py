"""Array operations that put ONNX nodes into a graph instead of computing anything; what they are used for is unknown here.

Every operation is written so that opset `OLDEST` and all later ones understand it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

__all__ = ["OLDEST", "ChosenRows", "GraphOps", "Value"]

OLDEST: Final = 12  # GatherND takes whole rows of every frame from here on
_REDUCE_SUM_13: Final = 13
_REDUCE_MAX_18: Final = 18
_UNSQUEEZE_13: Final = 13
_END: Final = 2**31 - 1


class Value:
    """One array that the graph will hold when it runs; arithmetic on it adds a node."""

    __slots__ = ("_ops", "name")

    def __init__(self, ops: GraphOps, name: str) -> None:
        self._ops = ops
        self.name: Final = name

    def __repr__(self) -> str:
        return f"<Value {self.name}>"

    def __add__(self, other: Any) -> Value:
        return self._ops.node("Add", self, other)

    def __sub__(self, other: Any) -> Value:
        return self._ops.node("Sub", self, other)

    def __mul__(self, other: Any) -> Value:
        return self._ops.node("Mul", self, other)

    def __truediv__(self, other: Any) -> Value:
        return self._ops.node("Div", self, other)


class ChosenRows(NamedTuple):
    """The K best rows of each frame."""

    scores: Value
    """(B, K), best first; where fewer than K rows have a score above 0, the rest have 0."""
    anchors: Value
    """int64 (B, K) which rows they are."""
    take: Callable[[Value], Value]
    """From (B, N, ...) to (B, K, ...)."""


class GraphOps:
    """Collects nodes for one graph; float32 throughout.

    Attributes:
        nodes: What was emitted so far, in an order that runs.
    """

    def __init__(self, opset: int, *, rows: int) -> None:
        """Begin with no nodes.

        Args:
            opset: Of the graph's standard operators, at least `OLDEST`.
            rows: K, how many rows `choose` answers; no more than there are to choose from.

        """
        self.nodes: list[onnx.NodeProto] = []
        self._opset = opset
        self._count = rows

    def __repr__(self) -> str:
        return f"<GraphOps opset {self._opset}, {len(self.nodes)} nodes, the best {self._count} rows>"

    def node(self, operator: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Value:
        """Add a node; what is no `Value` becomes a constant. Answers the first output, or the last of several."""
        names = [value.name if isinstance(value, Value) else self._constant(value) for value in inputs]
        results = [f"framebatch_{len(self.nodes)}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(operator, names, results, **attributes))
        return Value(self, results[-1])

    def choose(self, scores: Value, refine: Callable[[Callable[[Value], Value]], Value] | None = None) -> ChosenRows:
        """Choose the K best rows of each frame by (B, N), of equal ones the first.

        NaN, which some implementations would sort first, compares as not above 0 and becomes 0.
        """
        if refine is not None:
            scores = refine(lambda value: value)
        scores = self.node("Where", self.node("Greater", scores, 0.0), scores, 0.0)
        anchors = self.node("TopK", scores, np.array([self._count]), outputs=2, axis=1)
        best = Value(self, self.nodes[-1].output[0])
        places = self._unsqueeze(anchors, 2)
        return ChosenRows(best, anchors, lambda value: self.node("GatherND", value, places, batch_dims=1))

    def rows(self, array: Value) -> Value:
        """Change the places of the second axis and of all behind it, as one.

        Measured: turning the whole array once costs less than collecting the K columns element by element.
        """
        flat = self.node("Reshape", array, np.array([0, 0, -1]))
        return self.node("Transpose", flat, perm=[0, 2, 1])

    def part(self, array: Value, start: int, stop: int | None = None) -> Value:
        """Slice the last axis."""
        end = _END if stop is None else stop
        return self.node("Slice", array, np.array([start]), np.array([end]), np.array([-1]))

    def column(self, array: Value, index: int) -> Value:
        """Take one entry of the last axis, which goes."""
        return self.node("Gather", array, np.array(index), axis=-1)

    def join(self, arrays: Sequence[Value], axis: int = -1) -> Value:
        """Concatenate."""
        return self.node("Concat", *arrays, axis=axis)

    def max(self, array: Value) -> Value:
        """Reduce the last axis, which goes."""
        return self._reduce("ReduceMax", array, since=_REDUCE_MAX_18, keepdims=0)

    def argmax(self, array: Value) -> Value:
        """Reduce the last axis, which goes; the first of equal ones is the operator's own choice.

        A row with a NaN is answered with -1: ReduceMax passes over a NaN here and there, so its score may look sound.
        """
        broken = self.node("IsNaN", self._reduce("ReduceSum", array, since=_REDUCE_SUM_13, keepdims=0))
        return self.node("Where", broken, np.array(-1), self.node("ArgMax", array, axis=-1, keepdims=0))

    def sum(self, array: Value) -> Value:
        """Reduce the last axis to 1."""
        return self._reduce("ReduceSum", array, since=_REDUCE_SUM_13, keepdims=1)

    def softmax(self, array: Value) -> Value:
        """Along the last axis, where the meanings before and since opset 13 are one."""
        return self.node("Softmax", array, axis=-1)

    def sigmoid(self, array: Value) -> Value:
        """Add the operator."""
        return self.node("Sigmoid", array)

    def exp(self, array: Value) -> Value:
        """Add the operator."""
        return self.node("Exp", array)

    def tanh(self, array: Value) -> Value:
        """Add the operator."""
        return self.node("Tanh", array)

    def power(self, array: Value, exponent: float) -> Value:
        """Add the operator."""
        return self.node("Pow", array, exponent)

    def clip(self, array: Value, low: float, high: float) -> Value:
        """Add the operator."""
        return self.node("Clip", array, low, high)

    def lookup(self, table: npt.NDArray[np.float32], anchors: Value) -> Value:
        """Keep the table as a constant of the graph."""
        return self.node("Gather", table, anchors, axis=0)

    def cast(self, array: Value, dtype: int) -> Value:
        """Add the operator; `dtype` is one of `onnx.TensorProto`'s."""
        return self.node("Cast", array, to=dtype)

    def _constant(self, value: Any) -> str:
        """Numbers become float32; arrays keep their type."""
        array = np.float32(value) if isinstance(value, int | float) else value
        name = f"framebatch_{len(self.nodes)}_constant"
        tensor = numpy_helper.from_array(np.asarray(array))
        self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        return name

    def _reduce(self, operator: str, array: Value, *, since: int, keepdims: int) -> Value:
        """Reduce the last axis, which was an attribute and is an input `since` some opset."""
        if self._opset < since:
            return self.node(operator, array, axes=[-1], keepdims=keepdims)
        return self.node(operator, array, np.array([-1]), keepdims=keepdims)

    def _unsqueeze(self, array: Value, axis: int) -> Value:
        if self._opset < _UNSQUEEZE_13:
            return self.node("Unsqueeze", array, axes=[axis])
        return self.node("Unsqueeze", array, np.array([axis]))
