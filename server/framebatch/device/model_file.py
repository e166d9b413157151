"""What an ONNX file says about itself: inputs, outputs, metadata, precision, fingerprint. Nothing is run or changed here.

What these facts mean for a detector is decided in `detection.spec`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import onnx

from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ModelFile", "Tensor", "read_model_file"]

_DTYPES: Final = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
_INTEGER_OPERATORS: Final = frozenset(
    {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "DequantizeLinear"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One input or output of a model.

    Attributes:
        name: As the graph names it.
        shape: Length of each axis, or None where it is open.
        dtype: Name in NumPy's spelling, or `?`.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        axes = ", ".join("?" if length is None else str(length) for length in self.shape)
        return f"{self.name} {self.dtype} ({axes})"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """The facts of one ONNX file.

    Attributes:
        path: Where it lies.
        sha256: Of the file's bytes, in hexadecimal.
        inputs: Without those that have a stored value (old exports list their weights as inputs).
        outputs: All of them.
        metadata: The key-value pairs that the exporter left.
        precision: `float32`, `float16` or `int8` (anything computed in 8-bit integers).
        dynamically_quantised: Its 8-bit scales are found anew on each run, over the whole batch.
        opset: Version of the standard operators; 0 where none is declared.
    """

    path: Path
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str]
    precision: str
    dynamically_quantised: bool
    opset: int


def read_model_file(path: Path) -> ModelFile:
    """Read the facts of the ONNX file at `path`; weights kept in separate files are not touched.

    Raises:
        ModelError: missing, unreadable, or no ONNX model.

    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {path} cannot be read: {error.strerror}; give the path of an ONNX file") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError, which is not ours to import
        raise ModelError(f"model {path} is no ONNX file ({len(content)} bytes); export the model to ONNX") from error
    if not model.graph.node:
        raise ModelError(f"model {path} holds no graph ({len(content)} bytes); export the model to ONNX again")
    stored = {tensor.name for tensor in model.graph.initializer}
    stored |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    operators = {node.op_type for node in model.graph.node}
    return ModelFile(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        inputs=tuple(_tensor(value) for value in model.graph.input if value.name not in stored),
        outputs=tuple(_tensor(value) for value in model.graph.output),
        metadata={entry.key: entry.value for entry in model.metadata_props},
        precision=_precision(operators, model),
        dynamically_quantised="DynamicQuantizeLinear" in operators,
        opset=max((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), default=0),
    )


def _tensor(value: Any) -> Tensor:
    kind = value.type.tensor_type
    shape = tuple(axis.dim_value if axis.WhichOneof("value") == "dim_value" else None for axis in kind.shape.dim)
    return Tensor(name=value.name, shape=shape, dtype=_DTYPES.get(kind.elem_type, "?"))


def _precision(operators: set[str], model: Any) -> str:
    if not operators.isdisjoint(_INTEGER_OPERATORS):
        return "int8"
    kinds = [tensor.data_type for tensor in model.graph.initializer]
    return "float16" if kinds.count(onnx.TensorProto.FLOAT16) > kinds.count(onnx.TensorProto.FLOAT) else "float32"
