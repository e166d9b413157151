"""What an ONNX file says about itself: inputs, outputs, metadata, precision, fingerprint. Nothing is run or changed here.

What these facts mean for a detector is decided in `detection.spec`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import onnx

from framebatch.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ModelFile", "Tensor", "read_model_file"]

_DTYPES: Final = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
_INTEGER_OPERATORS: Final = frozenset(
    {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "DequantizeLinear"}
)
_KNOWN_DOMAINS: Final = ("ai.onnx", "com.microsoft", "com.ms", "org.pytorch")
_OTHER_FILES: Final = {
    b"version https://git-lfs": "is a Git LFS pointer and not the file itself; fetch it with git lfs pull",
    b"PK": "is a PyTorch checkpoint or another archive, and no ONNX file; export the model to ONNX",
    b"<": "is a web page or XML, and no ONNX file; download the file itself",
}


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
        precision: Of most bytes of its weights: `float32` or `float16`; `int8` where anything is computed in 8-bit integers.
        dynamically_quantised: Its 8-bit scales are found anew on each run, over the whole batch.
        opset: Version of the standard operators; 0 where none is declared.
        suppresses: It holds an operator for non-maximum suppression.
        weight_files: Names of the files beside it that hold its weights; none where it holds them itself.
    """

    path: Path
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str]
    precision: str
    dynamically_quantised: bool
    opset: int
    suppresses: bool = False
    weight_files: tuple[str, ...] = ()


def read_model_file(path: Path) -> ModelFile:
    """Read the facts of the ONNX file at `path`; of weights kept in separate files only whether they are there.

    Raises:
        ModelError: missing, unreadable, no whole ONNX model, or one that no onnxruntime could run.

    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {path} cannot be read: {error.strerror}; give the path of an ONNX file") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError, which is not ours to import
        raise ModelError(f"model {path} {_what_else(content)}") from error
    if not model.graph.node or not model.graph.output:
        raise ModelError(f"model {path} holds no graph ({len(content)} bytes); export the model to ONNX again")
    _refuse_missing_weights(path, model)
    _refuse_foreign_operators(path, model)
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
        suppresses="NonMaxSuppression" in operators,
        weight_files=tuple(sorted(set(_weight_files(model)))),
    )


def _weight_files(model: Any) -> Iterator[str]:
    for tensor in model.graph.initializer:
        yield from (entry.value for entry in tensor.external_data if entry.key == "location")


def _what_else(content: bytes) -> str:
    """What a file is that cannot be read as ONNX, and the remedy."""
    for start, reason in _OTHER_FILES.items():
        if content.startswith(start):
            return reason
    return f"is no ONNX file, or not a whole one ({len(content)} bytes); copy it again, or export the model to ONNX"


def _refuse_missing_weights(path: Path, model: Any) -> None:
    for tensor in model.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        file = path.parent / entries.get("location", "")
        if not file.is_file():
            raise ModelError(
                f"model {path} keeps weights in {file.name}, which is not there; put {file.name} beside it"
            )
        needed = int(entries.get("offset", 0)) + int(entries.get("length", 0))
        if file.stat().st_size < needed:
            raise ModelError(
                f"model {path} keeps weights in {file.name}, which has {file.stat().st_size} bytes and needs {needed} at "
                f"least; copy {file.name} again"
            )


def _refuse_foreign_operators(path: Path, model: Any) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    foreign = {
        f"{node.domain}.{node.op_type}"
        for node in model.graph.node
        if not node.domain.startswith(_KNOWN_DOMAINS) and node.domain and (node.domain, node.op_type) not in own
    }
    if foreign:
        raise ModelError(
            f"model {path} uses operators that onnxruntime does not have ({', '.join(sorted(foreign))}); export it without "
            "them"
        )


def _tensor(value: Any) -> Tensor:
    kind = value.type.tensor_type
    shape = tuple(axis.dim_value if axis.WhichOneof("value") == "dim_value" else None for axis in kind.shape.dim)
    return Tensor(name=value.name, shape=shape, dtype=_DTYPES.get(kind.elem_type, "?"))


def _precision(operators: set[str], model: Any) -> str:
    """What most bytes of the weights are; anything computed in 8-bit integers is `int8`, whatever else is there."""
    if not operators.isdisjoint(_INTEGER_OPERATORS):
        return "int8"
    sizes = dict.fromkeys((onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16), 0)
    for tensor in model.graph.initializer:
        if tensor.data_type in sizes:
            width = 2 if tensor.data_type == onnx.TensorProto.FLOAT16 else 4
            sizes[tensor.data_type] += width * math.prod(tensor.dims)
    return "float16" if sizes[onnx.TensorProto.FLOAT16] > sizes[onnx.TensorProto.FLOAT] else "float32"
