"""ONNX models of a few nodes, written for tests: what they answer is known without a computation worth the name.

Only making files belongs here. The models take float32 pictures (b, 3, height, width), as real detectors do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

SIDE = 64
ANCHORS = 16
COLOURS = {"names": "{0: 'red', 1: 'green', 2: 'blue'}", "task": "detect"}


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    input_shape: Sequence[int | str] = ("batch", 3, SIDE, SIDE),
    output_shapes: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, npt.NDArray[Any]] | None = None,
    metadata: Mapping[str, str] | None = None,
    opset: int = 13,
    dtype: int = TensorProto.FLOAT,
) -> Path:
    """Write a model whose input is called `images`."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info("images", dtype, list(input_shape))],
        [helper.make_tensor_value_info(name, dtype, list(shape)) for name, shape in output_shapes.items()],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


def identity(path: Path, *, opset: int = 13, batch: int | str = "batch", dtype: int = TensorProto.FLOAT) -> Path:
    """Write a model that answers its own input."""
    shape = (batch, 3, SIDE, SIDE)
    nodes = [helper.make_node("Identity", ["images"], ["same"])]
    return save(path, nodes, input_shape=shape, output_shapes={"same": shape}, opset=opset, dtype=dtype)


def hungry(path: Path) -> Path:
    """Write a model that answers its own input, and needs four petabytes for every frame after the first."""
    constants: dict[str, npt.NDArray[Any]] = {
        "first": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "many": np.array([10**15], np.int64),
    }
    nodes = [
        helper.make_node("Shape", ["images"], ["axes"]),
        helper.make_node("Gather", ["axes", "first"], ["frames"]),
        helper.make_node("Sub", ["frames", "one"], ["others"]),
        helper.make_node("Mul", ["others", "many"], ["rest"]),
        helper.make_node("Add", ["rest", "one"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["nought"], keepdims=0),
        helper.make_node("Add", ["images", "nought"], ["same"]),
    ]
    return save(path, nodes, output_shapes={"same": ("batch", 3, SIDE, SIDE)}, constants=constants)


def colours(
    path: Path, *, batch: int | str = "batch", mixes: bool = False, rows: int = 0, metadata: Mapping[str, str] = COLOURS
) -> Path:
    """Write a YOLOv8-like detector that answers one box in the middle, scored by how red, green and blue a picture is.

    Args:
        path: Where to.
        batch: Its batch axis.
        mixes: Whether each frame's scores depend on the whole batch, as a wrong export's do.
        rows: If not 0, the batch that a careless export fixed inside the graph.
        metadata: What the exporter leaves.

    """
    middle = np.zeros((1, 4, ANCHORS), np.float32)
    middle[0, :, :] = np.array([[SIDE / 2], [SIDE / 2], [SIDE / 2], [SIDE / 4]])
    constants: dict[str, npt.NDArray[Any]] = {
        "shape": np.array([rows, 3, 1], np.int64),
        "ones": np.ones((1, 1, ANCHORS), np.float32),
        "nought": np.zeros((1, 4, ANCHORS), np.float32),
        "middle": middle,
    }
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["means"], axes=[2, 3], keepdims=1),
        helper.make_node("Reshape", ["means", "shape"], ["column"]),
        helper.make_node("Mul", ["column", "ones"], ["own"]),
        helper.make_node("ReduceMean", ["own"], ["shared"], axes=[0], keepdims=1),
        helper.make_node("Min" if mixes else "Max", ["own", "shared" if mixes else "own"], ["scores"]),
        helper.make_node("ReduceMean", ["own"], ["any"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["any", "nought"], ["nothing"]),
        helper.make_node("Add", ["nothing", "middle"], ["boxes"]),
        helper.make_node("Concat", ["boxes", "scores"], ["output0"], axis=1),
    ]
    return save(
        path,
        nodes,
        input_shape=(batch, 3, SIDE, SIDE),
        output_shapes={"output0": (batch, 7, ANCHORS)},
        constants=constants,
        metadata=metadata,
    )


def constant(
    path: Path,
    output: npt.NDArray[np.float32],
    *,
    metadata: Mapping[str, str] | None = None,
    size: tuple[int | str, int | str] = (SIDE, SIDE),
    declared: Sequence[int | str] | None = None,
) -> Path:
    """Write a model of fixed batch 1 that always answers `output` (1, ...), for pictures of `size` (width, height)."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
        helper.make_node("Add", ["nothing", "answer"], ["output"]),
    ]
    return save(
        path,
        nodes,
        input_shape=(1, 3, size[1], size[0]),
        output_shapes={"output": declared or output.shape},
        constants={"nought": np.zeros((), np.float32), "answer": output.astype(np.float32)},
        metadata=metadata,
    )


def answering(
    path: Path,
    answer: Mapping[str, npt.NDArray[Any]],
    *,
    size: tuple[int, int],
    further: Mapping[str, int] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a model of fixed batch 1 that always answers these outputs.

    Args:
        path: Where to.
        answer: Each output's name and its value; whole numbers become int64, the others float32.
        size: Width and height of its pictures.
        further: Names and ONNX types of inputs (1, 2) beside the picture; they are not looked at.
        metadata: What the exporter leaves.

    """
    nodes, constants = (
        [helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0)],
        {"nought": np.zeros((), np.float32)},
    )
    nodes.append(helper.make_node("Mul", ["mean", "nought"], ["nothing"]))
    outputs = []
    for name, value in answer.items():
        whole = np.issubdtype(value.dtype, np.integer)
        constants[f"of_{name}"] = value.astype(np.int64 if whole else np.float32)
        if whole:
            nodes.append(helper.make_node("Identity", [f"of_{name}"], [name]))
        else:
            nodes.append(helper.make_node("Add", ["nothing", f"of_{name}"], [name]))
        kind = TensorProto.INT64 if whole else TensorProto.FLOAT
        outputs.append(helper.make_tensor_value_info(name, kind, value.shape))
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, size[1], size[0]))]
    inputs += [helper.make_tensor_value_info(name, kind, (1, 2)) for name, kind in (further or {}).items()]
    weights = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, text in (metadata or {}).items():
        model.metadata_props.add(key=key, value=text)
    onnx.save(model, path)
    return path
