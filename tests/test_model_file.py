"""What an ONNX file says about itself, and files that are none, or not whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tiny_models
from onnx import TensorProto, helper, numpy_helper

from framebatch.device.model_file import read_model_file
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def with_weights_beside(tmp_path: Path) -> Path:
    """A model whose one weight lies in weights.bin."""
    weight = numpy_helper.from_array(np.ones((3, 64, 64), np.float32), "weight")
    shape = ("batch", 3, 64, 64)
    graph = helper.make_graph(
        [helper.make_node("Add", ["images", "weight"], ["sum"])],
        "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, shape)],
        [weight],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_the_facts_of_a_file(tmp_path: Path) -> None:
    """Inputs, outputs, open axes, metadata, operators."""
    facts = read_model_file(tiny_models.colours(tmp_path / "m.onnx"))
    assert (str(facts.inputs[0]), str(facts.outputs[0])) == (
        "images float32 (?, 3, 64, 64)",
        "output0 float32 (?, 7, 16)",
    )
    assert (facts.metadata, facts.precision, facts.opset) == (tiny_models.COLOURS, "float32", 13)


@pytest.mark.parametrize(("halves", "precision"), [(5, "float32"), (7, "float16")])
def test_precision_is_that_of_most_bytes(tmp_path: Path, halves: int, precision: str) -> None:
    """And not of most tensors: ten small ones of 4 bytes a value stand beside one of 2."""
    constants = {f"c{number}": np.zeros(3, np.float32) for number in range(10)}
    nodes = [helper.make_node("Identity", ["images"], ["same"])]
    shapes = {"same": ("batch", 3, 64, 64)}
    path = tiny_models.save(
        tmp_path / "m.onnx",
        nodes,
        output_shapes=shapes,
        constants={**constants, "large": np.zeros(10 * halves, np.float16)},
    )
    assert read_model_file(path).precision == precision


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory; give the path of an ONNX file"),
        (b"", r"holds no graph \(0 bytes\)"),
        (b"\xff\xd8\xff\xe0 no model", r"is no ONNX file, or not a whole one \(13 bytes\); copy it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer .* git lfs pull"),
        (b"PK\x03\x04 archive", "is a PyTorch checkpoint or another archive"),
        (b"<!DOCTYPE html><title>404", "is a web page"),
    ],
)
def test_files_that_are_no_models_are_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    """Missing, empty and foreign files are told apart."""
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        read_model_file(path)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    """Wherever it was cut."""
    path = tiny_models.colours(tmp_path / "m.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=r"not a whole one|holds no graph"):
        read_model_file(path)


def test_weights_beside_the_file_must_be_there_and_whole(tmp_path: Path) -> None:
    """The file that is missing or short is named."""
    path = with_weights_beside(tmp_path)
    assert read_model_file(path).inputs[0].name == "images"
    os.truncate(tmp_path / "weights.bin", 100)
    with pytest.raises(
        ModelError, match=r"weights.bin, which has 100 bytes and needs 49152 at least; copy weights.bin"
    ):
        read_model_file(path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(
        ModelError, match=r"keeps weights in weights.bin, which is not there; put weights.bin beside it"
    ):
        read_model_file(path)


def test_operators_that_no_onnxruntime_has_are_named(tmp_path: Path) -> None:
    """A TensorRT plug-in, for example; a function that the file itself brings is none of them."""
    path = tmp_path / "m.onnx"
    nodes = [helper.make_node("EfficientNMS_TRT", ["images"], ["o"], domain="TRT")]
    tiny_models.save(path, nodes, output_shapes={"o": (1, 300, 6)})
    with pytest.raises(ModelError, match=r"operators that onnxruntime does not have \(TRT.EfficientNMS_TRT\)"):
        read_model_file(path)
    model = onnx.load(path)
    opsets = [helper.make_opsetid("", 13)]
    body = [helper.make_node("Identity", ["x"], ["y"])]
    model.functions.append(helper.make_function("TRT", "EfficientNMS_TRT", ["x"], ["y"], body, opsets))
    onnx.save(model, path)
    assert read_model_file(path).outputs[0].name == "o"
