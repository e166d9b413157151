"""framebatch.detection.programs: each program that a model may run as is held against the plain one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import lying_models
import numpy as np
import onnx
import pytest

from framebatch.detection.loading import inspect_model
from framebatch.detection.programs import Plain, fuse, open_batch, plain
from framebatch.detection.scenes import scenes
from framebatch.device.devices import Device
from framebatch.device.graph import InputFormat
from framebatch.device.model_file import ModelFile, read_model_file
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.spec import ModelSpec

CPU = Device(kind="cpu")
PICTURES = scenes(3, lying_models.SIDE, lying_models.SIDE)


def looked_at(path: Path) -> tuple[ModelFile, ModelSpec, InputFormat]:
    """Read and recognise a model."""
    model, spec = read_model_file(path), inspect_model(path)
    form = InputFormat(
        name=spec.input_name, width=spec.input_width, height=spec.input_height, batch_size=spec.batch_size,
        scale=spec.scale, mean=spec.mean, std=spec.std,
    )  # fmt: skip
    return model, spec, form


def reference(path: Path) -> tuple[ModelFile, ModelSpec, Plain]:
    """Run a model as it is."""
    model, spec, form = looked_at(path)
    return model, spec, plain(model, spec, form, PICTURES, CPU)


def test_plain_is_the_files_own_answer_to_each_picture(tmp_path: Path) -> None:
    """Pictures are converted inside the graph, nothing else is changed."""
    _, _, found = reference(lying_models.detector(tmp_path / "m.onnx"))
    assert (found.program.pictures_in, found.program.fused, found.why_not_pictures_in) == (True, False, "")
    assert [[output.shape for output in answer] for answer in found.answers] == [[(1, 84, 189)]] * 3
    assert found.device == CPU


def test_a_file_that_does_not_load_is_refused(tmp_path: Path) -> None:
    """With the first line of what the runtime says."""
    path = lying_models.detector(tmp_path / "m.onnx")
    arguments = looked_at(path)
    model = onnx.load(path)
    model.graph.node[0].op_type = "NoSuchOperator"
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"m\.onnx: .*cannot be loaded.*NoSuchOperator"):
        plain(*arguments, PICTURES, CPU)


@pytest.mark.usefixtures("selects_always")
def test_a_fused_program_that_answers_otherwise_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Here the plain answers are those to other pictures."""
    model, spec, found = reference(lying_models.detector(tmp_path / "m.onnx"))
    right = fuse(model, spec, found, PICTURES)
    assert right.why_not == ""
    assert right.program is not None
    assert right.program.fused
    wrong = fuse(model, spec, found._replace(answers=found.answers[::-1]), PICTURES)
    assert wrong.program is None
    assert "of its best candidates are those of the model's own outputs" in wrong.why_not
    assert f"m: candidates are selected on the host, not in the graph: {wrong.why_not}" in caplog.text


@pytest.mark.usefixtures("selects_always")
def test_a_graph_that_cannot_be_built_stays_plain(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Here it is to feed an input that the file does not have."""
    model, spec, found = reference(lying_models.detector(tmp_path / "m.onnx"))
    form = dataclasses.replace(found.program.form, extras={"size": np.zeros((1, 2), np.int64)})
    fused = fuse(model, spec, found._replace(program=dataclasses.replace(found.program, form=form)), PICTURES)
    assert (fused.program, fused.why_not) == (None, "it has no input 'size'")
    assert "m: candidates are selected on the host, not in the graph: it has no input 'size'" in caplog.text


@pytest.mark.usefixtures("selects_always")
def test_an_opened_program_answers_single_frames_as_before(tmp_path: Path) -> None:
    """Or it is not used, with the reason."""
    model, spec, found = reference(lying_models.detector(tmp_path / "m.onnx", batch=1, target=1))
    fused = fuse(model, spec, found, PICTURES)
    opened = open_batch(model, spec, found, fused, PICTURES)
    assert opened.program is not None
    assert (opened.program.batch_size, opened.program.fused, opened.why_not) == (None, True, "")
    others = [[np.flip(output, axis=2) for output in answer] for answer in found.answers[::-1]]
    wrong = open_batch(model, spec, found._replace(answers=others), fused, PICTURES)
    assert wrong.program is None
    assert wrong.why_not.startswith("the file fixes its batch axis, and when that is opened: only")


def test_a_graph_that_confuses_the_tools_is_no_crash(tmp_path: Path) -> None:
    """Shapes that contradict themselves make shape inference fail; the file runs, so it is served as it is."""
    path = lying_models.detector(tmp_path / "m.onnx", batch=1, target=1)
    model, spec, found = reference(path)
    graph = onnx.load(path)
    graph.opset_import.append(onnx.helper.make_opsetid("", 999))
    onnx.save(graph, path)
    fused = fuse(model, spec, found, PICTURES)
    opened = open_batch(model, spec, found, fused, PICTURES)
    assert (fused.program, opened.program) == (None, None)
    assert fused.why_not
    assert "\n" not in fused.why_not + opened.why_not
