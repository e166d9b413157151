"""framebatch.detection.selection and device.graph_ops: a graph selects what the plain path finds, whatever the opset."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from head_cases import CASES, Case, spec_of
from onnx import helper

from framebatch.detection.reading import candidates
from framebatch.detection.selection import MAX_ROWS, is_worthwhile, selection
from framebatch.device.graph import InputFormat
from framebatch.device.model_file import read_model_file
from framebatch.device.program import Selection, build_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from framebatch.detection.heads import Candidates
    from framebatch.detection.spec import ModelSpec

Array = npt.NDArray[Any]
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def run_selected(path: Path, selected: Selection, outputs: Sequence[Array], names: Sequence[str], opset: int) -> Any:
    """Run a model whose outputs are its inputs, with a selection behind it."""
    kinds = [helper.np_dtype_to_tensor_dtype(output.dtype) for output in outputs]
    shapes = [["batch", *output.shape[1:]] for output in outputs]
    given = [f"in_{name}" for name in names]
    graph = helper.make_graph(
        [helper.make_node("Identity", [one], [other]) for one, other in zip(given, names, strict=True)],
        "same",
        [helper.make_tensor_value_info(*value) for value in zip(given, kinds, shapes, strict=True)],
        [helper.make_tensor_value_info(*value) for value in zip(names, kinds, shapes, strict=True)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6), path)
    form = InputFormat(
        name=given[0],
        width=64,
        height=32,
        batch_size=None,
        scale=1.0,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        extras=dict.fromkeys(given[1:], np.zeros((1, 1))),
    )
    program = build_program(read_model_file(path), form, pictures_in=False, select=selected)
    onnx.checker.check_model(onnx.load_model_from_string(program.content), full_check=True)
    session = onnxruntime.InferenceSession(program.content, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == [
        "framebatch_boxes",
        "framebatch_scores",
        "framebatch_classes",
    ]
    needed = {value.name for value in session.get_inputs()}
    return session.run(None, {name: value for name, value in zip(given, outputs, strict=True) if name in needed})


def best_first(found: Candidates) -> list[tuple[Array, ...]]:
    """The candidates of every frame, best first, of equal ones the earlier anchor."""
    frames: list[tuple[Array, ...]] = []
    for frame in range(int(found.frames.max(initial=-1)) + 1):
        own = np.flatnonzero(found.frames == frame)
        order = own[np.argsort(-found.scores[own], kind="stable")]
        frames.append((found.boxes[order], found.scores[order], found.class_ids[order]))
    return frames


def assert_alike(path: Path, case: Case, outputs: list[Array], spec: ModelSpec, opset: int = 13) -> None:
    """Compare both paths on the same outputs."""
    answered = run_selected(path, selection(spec, outputs), outputs, case.names, opset)
    assert [array.dtype for array in answered] == [np.float32, np.float32, np.int32]
    found, wanted = candidates(answered, spec, fused=True), candidates(outputs, spec)
    assert len(wanted.frames) > 0
    assert found.frames.tolist() == wanted.frames.tolist()
    for one, other in zip(best_first(found), best_first(wanted), strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(one[1], other[1], rtol=1e-6)
        assert one[2].tolist() == other[2].tolist()


@pytest.mark.parametrize("opset", [11, 13, 18, 20])
@EVERY
def test_the_graph_finds_what_the_host_finds(tmp_path: Path, case: Case, opset: int) -> None:
    """The same boxes, scores and classes in every frame of a batch."""
    outputs = case.make(np.random.default_rng(opset), 3, 4)
    assert_alike(tmp_path / "m.onnx", case, outputs, spec_of(case, outputs), opset)


@EVERY
def test_what_is_no_number_neither_wins_nor_hides_others(tmp_path: Path, case: Case) -> None:
    """A NaN anywhere in a row, on either path, takes that row and no other."""
    random = np.random.default_rng(3)
    outputs = case.make(random, 4, 5)
    for output in outputs:
        if output.dtype == np.float32:
            output[random.random(output.shape) < 0.02] = np.nan
    assert_alike(tmp_path / "m.onnx", case, outputs, spec_of(case, outputs))


@EVERY
def test_only_the_best_rows_come_back(tmp_path: Path, case: Case) -> None:
    """Where there are more anchors than rows, those that score highest, best first."""
    outputs = case.make(np.random.default_rng(5), 2, 3)
    spec = spec_of(case, outputs, confidence=0.0)
    few = dataclasses.replace(selection(spec, outputs), rows=4)
    boxes, scores, class_ids = run_selected(tmp_path / "m.onnx", few, outputs, case.names, 13)
    for frame, wanted in enumerate(best_first(candidates(outputs, spec))):
        np.testing.assert_allclose(boxes[frame], wanted[0][:4], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(scores[frame], wanted[1][:4], rtol=1e-6)
        assert class_ids[frame].tolist() == wanted[2][:4].tolist()


@pytest.mark.parametrize("name", ["yolov8", "yolov5", "end_to_end"])
def test_scores_that_are_no_numbers_take_no_row_from_others(tmp_path: Path, name: str) -> None:
    """Even where nearly all are, and there are fewer rows than anchors."""
    case = CASES[name]
    outputs = case.make(np.random.default_rng(4), 2, 3)
    spec = spec_of(case, outputs)
    if name == "yolov8":
        outputs[0][:, :, :-3] = np.nan
    else:
        outputs[0][:, :-3, 4:] = np.nan
    few = dataclasses.replace(selection(spec, outputs), rows=4)
    answered = run_selected(tmp_path / "m.onnx", few, outputs, case.names, 13)
    found, wanted = candidates(answered, spec, fused=True), candidates(outputs, spec)
    assert found.frames.tolist() == wanted.frames.tolist()
    assert len(wanted.frames) > 1


def test_of_equal_scores_the_earlier_anchor_and_the_earlier_class_come_first(tmp_path: Path) -> None:
    """As on the host, so that suppression keeps the same boxes."""
    case = CASES["yolov8"]
    output = np.round(case.make(np.random.default_rng(1), 2, 4)[0] * 2) / np.float32(2)
    assert_alike(tmp_path / "m.onnx", case, [output], spec_of(case, [output]))


@pytest.mark.parametrize("name", ["yolov8", "yolov5", "nanodet", "detr_raw"])
def test_numbers_of_16_bits_are_widened_first(tmp_path: Path, name: str) -> None:
    """Scores and boxes are computed in float32, as the host does with what it is given."""
    case = CASES[name]
    outputs = [output.astype(np.float16) for output in case.make(np.random.default_rng(2), 2, 3)]
    spec = spec_of(case, outputs)
    answered = run_selected(tmp_path / "m.onnx", selection(spec, outputs), outputs, case.names, 13)
    found = candidates(answered, spec, fused=True)
    wanted = candidates([output.astype(np.float32) for output in outputs], spec)
    for one, other in zip(best_first(found), best_first(wanted), strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(one[1], other[1], rtol=1e-6)


def test_a_selection_has_no_more_rows_than_anchors() -> None:
    """And at most so many."""
    case = CASES["yolov5"]
    for anchors, rows in ((5, 5), (2000, MAX_ROWS)):
        outputs = [np.zeros((2, anchors, 7), np.float32)]
        assert selection(spec_of(case, outputs), outputs).rows == rows


def test_small_outputs_need_no_selection() -> None:
    """300 final rows are 7 kB; 8400 anchors are 2.8 MB, whatever the batch."""
    assert not is_worthwhile([np.zeros((64, 300, 6), np.float32)])
    assert is_worthwhile([np.zeros((1, 84, 8400), np.float32)])
