"""framebatch.device.program and graph: what the edited graph takes and answers, and what cannot be edited."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import tiny_models
from onnx import TensorProto, helper, numpy_helper

from framebatch.device.graph import PICTURES, InputFormat, convert_on_host
from framebatch.device.graph_ops import GraphOps, Value
from framebatch.device.model_file import read_model_file
from framebatch.device.program import Program, Selection, build_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Array = npt.NDArray[Any]
FORM = InputFormat(
    name="images", width=64, height=64, batch_size=None, scale=1 / 255, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
)
SIZE = np.array([[64, 48]])


def run(program: Program, images: Array) -> list[Array]:
    """Run a program on the processor, with pictures or with what the host makes of them."""
    session = onnxruntime.InferenceSession(program.content, providers=["CPUExecutionProvider"])
    feeds = {PICTURES: images} if program.pictures_in else convert_on_host(images, program.form)
    answered: list[Array] = session.run(None, feeds)
    return answered


def pictures(count: int) -> Array:
    """Make noise."""
    return np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), np.uint8)


def with_size(path: Path, batch: int | str = "batch") -> Path:
    """Write a model that answers its second input, the size of the picture, times the first sample of each picture."""
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["large"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["large", "one"], ["column"]),
        helper.make_node("Cast", ["size"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "column"], ["product"]),
    ]
    tiny_models.save(
        path,
        nodes,
        input_shape=(batch, 3, 64, 64),
        output_shapes={"product": (batch, 2)},
        constants={"one": np.array([1])},
    )
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("size", TensorProto.INT64, [batch, 2]))
    onnx.save(model, path)
    return path


def best_two(ops: GraphOps, outputs: Sequence[Value]) -> tuple[Value, Value, Value]:
    """Select among rows of box and score."""
    rows = ops.choose(ops.column(outputs[0], 4))
    chosen = rows.take(outputs[0])
    return ops.part(chosen, 0, 4), rows.scores, ops.argmax(chosen)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("pictures_in", [True, False])
def test_further_inputs_get_the_same_value_for_every_frame(tmp_path: Path, batch: int, *, pictures_in: bool) -> None:
    """Inside the graph, repeated by the number of pictures, or from the host."""
    form = dataclasses.replace(FORM, extras={"size": SIZE})
    program = build_program(read_model_file(with_size(tmp_path / "m.onnx")), form, pictures_in=pictures_in)
    (found,) = run(program, pictures(batch))
    np.testing.assert_allclose(found, np.tile([[64.0, 48.0]], (batch, 1)))
    if pictures_in:
        assert [value.name for value in onnx.load_model_from_string(program.content).graph.input] == [PICTURES]


def test_a_fixed_batch_stays_fixed(tmp_path: Path) -> None:
    """The new input says what the old one said, and further inputs are plain constants."""
    form = dataclasses.replace(FORM, batch_size=2, extras={"size": SIZE})
    program = build_program(read_model_file(with_size(tmp_path / "m.onnx", batch=2)), form)
    model = onnx.load_model_from_string(program.content)
    (picture,) = model.graph.input
    assert [axis.dim_value for axis in picture.type.tensor_type.shape.dim] == [2, 64, 64, 3]
    assert "Expand" not in {node.op_type for node in model.graph.node}
    assert program.batch_size == 2
    assert run(program, pictures(2))[0].tolist() == [[64, 48], [64, 48]]


def test_a_fixed_batch_can_be_declared_open(tmp_path: Path) -> None:
    """Where nothing inside depends on it, any batch then runs."""
    model = read_model_file(tiny_models.identity(tmp_path / "m.onnx", batch=1))
    program = build_program(model, dataclasses.replace(FORM, batch_size=1), open_batch=True)
    assert (program.batch_size, program.form.batch_size) == (None, None)
    assert run(program, pictures(3))[0].shape == (3, 3, 64, 64)


def test_what_only_the_replaced_outputs_needed_is_gone(tmp_path: Path) -> None:
    """Also what a branch reads stays."""
    inner = helper.make_graph(
        [helper.make_node("Identity", ["outer"], ["inner"])],
        "branch",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["outer"]),
        helper.make_node("If", ["yes"], ["rows"], then_branch=inner, else_branch=inner),
        helper.make_node("Exp", ["images"], ["unread"]),
    ]
    path = tiny_models.save(
        tmp_path / "m.onnx",
        nodes,
        output_shapes={"rows": ("batch", 1, 64), "unread": ("batch", 3, 64, 64)},
        constants={"axis": np.array([1]), "yes": np.array(True)},  # noqa: FBT003 - a constant
    )
    program = build_program(read_model_file(path), FORM, select=Selection(rows=1, read=best_two))
    operators = {node.op_type for node in onnx.load_model_from_string(program.content).graph.node}
    assert "Exp" not in operators
    assert {"If", "Unsqueeze"} <= operators
    boxes, scores, class_ids = run(program, pictures(2))
    plain = build_program(read_model_file(path), FORM)
    rows, _ = run(plain, pictures(2))
    np.testing.assert_allclose(boxes, rows[:, :, :4])
    np.testing.assert_allclose(scores, rows[:, :, 4])
    assert (program.fused, plain.fused) == (True, False)
    assert class_ids.tolist() == rows.argmax(axis=2).tolist()


def test_an_old_opset_is_converted_for_a_selection_only(tmp_path: Path) -> None:
    """The rest stays as its author wrote it."""
    nodes = [helper.make_node("ReduceMean", ["images"], ["rows"], axes=[1], keepdims=0)]
    path = tiny_models.save(tmp_path / "m.onnx", nodes, output_shapes={"rows": ("batch", 64, 64)}, opset=9)
    model = read_model_file(path)
    fused = build_program(model, FORM, select=Selection(rows=3, read=best_two))
    plain = build_program(model, FORM)
    opsets = [onnx.load_model_from_string(program.content).opset_import[0].version for program in (fused, plain)]
    assert opsets == [12, 9]
    (rows,) = run(plain, pictures(2))
    np.testing.assert_allclose(run(fused, pictures(2))[1], -np.sort(-rows[:, :, 4], axis=1)[:, :3], rtol=1e-6)


def test_weights_among_the_inputs_become_constants(tmp_path: Path) -> None:
    """As old exports list them, nothing could be computed ahead."""
    nodes = [helper.make_node("Mul", ["images", "weight"], ["product"])]
    path = tiny_models.save(
        tmp_path / "m.onnx",
        nodes,
        output_shapes={"product": ("batch", 3, 64, 64)},
        constants={"weight": np.array(2, np.float32)},
    )
    model = onnx.load(path)
    model.ir_version = 3
    model.graph.input.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, []))
    onnx.save(model, path)
    program = build_program(read_model_file(path), FORM)
    edited = onnx.load_model_from_string(program.content)
    assert ([value.name for value in edited.graph.input], edited.ir_version) == ([PICTURES], 4)
    np.testing.assert_array_equal(run(program, pictures(1))[0], convert_on_host(pictures(1), FORM)["images"] * 2)


@pytest.mark.parametrize("options", [{}, {"select": Selection(rows=3, read=best_two)}], ids=["plain", "fused"])
@pytest.mark.parametrize("opset", [11, 18])
def test_weights_in_a_file_of_their_own_stay_there(tmp_path: Path, opset: int, options: dict[str, Any]) -> None:
    """They are neither read nor copied; the program names their folder."""
    weight = np.random.default_rng(1).random((64, 64)).astype(np.float32)
    nodes = [
        helper.make_node("Slice", ["images", "start", "stop", "axis"], ["red"]),
        helper.make_node("Reshape", ["red", "shape"], ["plane"]),
        helper.make_node("MatMul", ["plane", "weight"], ["rows"]),
    ]
    constants = {"start": np.array([0]), "stop": np.array([1]), "axis": np.array([1]), "shape": np.array([0, 64, 64])}
    path = tiny_models.save(
        tmp_path / "m.onnx",
        nodes,
        output_shapes={"rows": ("batch", 64, 64)},
        constants={**constants, "weight": weight},
        opset=opset,
    )
    before = run(build_program(read_model_file(path), FORM, **options), pictures(2))
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, location="m.data", size_threshold=1000)
    program = build_program(read_model_file(path), FORM, **options)
    assert program.folder == tmp_path
    assert len(program.content) < weight.nbytes
    settings = onnxruntime.SessionOptions()
    settings.add_session_config_entry("session.model_external_initializers_file_folder_path", str(program.folder))
    session = onnxruntime.InferenceSession(program.content, settings, providers=["CPUExecutionProvider"])
    for found, wanted in zip(session.run(None, {PICTURES: pictures(2)}), before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_an_input_that_nobody_knows_is_named(tmp_path: Path) -> None:
    """One that is missing, and one that is left over."""
    model = read_model_file(with_size(tmp_path / "m.onnx"))
    with pytest.raises(ValueError, match="nothing is known of what its input 'size' wants"):
        build_program(model, FORM)
    with pytest.raises(ValueError, match="it has no input 'pixels'"):
        build_program(model, dataclasses.replace(FORM, name="pixels", extras={"size": SIZE}))


def test_operators_that_are_too_old_are_said_to_be(tmp_path: Path) -> None:
    """Neither edit is tried."""
    model = read_model_file(tiny_models.identity(tmp_path / "m.onnx", opset=6))
    with pytest.raises(ValueError, match="its operators are of opset 6; at least 8 is needed"):
        build_program(model, FORM)


def test_operators_that_cannot_be_converted_are_said_to_be(tmp_path: Path) -> None:
    """Upsample with a size that is computed has no counterpart."""
    nodes = [
        helper.make_node("Upsample", ["images", "scales"], ["large"]),
        helper.make_node("NoSuchOperator", ["large"], ["rows"]),
    ]
    path = tiny_models.save(
        tmp_path / "m.onnx",
        nodes,
        output_shapes={"rows": ("batch", 64, 64)},
        constants={"scales": np.ones(4, np.float32)},
        opset=9,
    )
    with pytest.raises(ValueError, match="its operators of opset 9 cannot be converted to opset 12: "):
        build_program(read_model_file(path), FORM, select=Selection(rows=1, read=best_two))


def test_operations_show_themselves() -> None:
    """For whoever debugs a graph."""
    ops = GraphOps(13, rows=5)
    value = Value(ops, "scores") * 2.0
    assert repr(value) == "<Value framebatch_1_0>"
    assert repr(ops) == "<GraphOps opset 13, 2 nodes, the best 5 rows>"
    assert numpy_helper.to_array(ops.nodes[0].attribute[0].t) == 2.0
