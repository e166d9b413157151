"""framebatch.detection.heads: each family, vectorised over a batch, agrees with one plain loop per frame."""

from __future__ import annotations

import numpy as np
import pytest
from head_cases import CASES, CONFIDENCE, Case, spec_of
from hypothesis import given
from hypothesis import strategies as st

from framebatch.detection.geometry import plan_resize
from framebatch.detection.heads import FAMILIES
from framebatch.detection.heads.grid import cells, grid
from framebatch.detection.reading import candidates, read_batch
from framebatch.detection.spec import ModelSpec
from framebatch.device.model_file import Tensor

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_family_has_a_case() -> None:
    """So that the other tests leave none out."""
    assert {case.family for case in CASES.values()} == set(FAMILIES)


@EVERY
@given(seed=st.integers(0, 2**32 - 1), batch=st.integers(1, 4), classes=st.integers(1, 5))
def test_a_head_agrees_with_the_plain_loop(case: Case, seed: int, batch: int, classes: int) -> None:
    """The same candidates, grouped by frame, in the order of the anchors."""
    outputs = case.make(np.random.default_rng(seed), batch, classes)
    found = candidates(outputs, spec_of(case, outputs))
    wanted = [
        (frame, *row)
        for frame in range(batch)
        for row in case.slow([output[frame] for output in outputs])
        if row[4] > CONFIDENCE
    ]
    assert found.frames.tolist() == [row[0] for row in wanted]
    assert found.class_ids.tolist() == [row[6] for row in wanted]
    np.testing.assert_allclose(found.scores, [row[5] for row in wanted], rtol=1e-6)
    np.testing.assert_allclose(found.boxes, np.array([row[1:5] for row in wanted]).reshape(-1, 4), rtol=1e-4, atol=1e-4)


@EVERY
def test_zeros_hold_nothing(case: Case) -> None:
    """A simulated device answers them; no frame then has a detection, not even where a logit of 0 is a score of 0.5."""
    outputs = [output * 0 for output in case.make(np.random.default_rng(1), 3, 4)]
    spec = spec_of(case, outputs)
    geometry = plan_resize(spec.fit, 64, 32)
    assert [len(found) for found in read_batch(outputs, [geometry] * 3, spec)] == [0, 0, 0]


@EVERY
@pytest.mark.parametrize("confidence", [0.25, 1.0], ids=["some", "none"])
def test_the_types_of_candidates_are_one(case: Case, confidence: float) -> None:
    """Whatever the family computes with, and however many there are."""
    outputs = case.make(np.random.default_rng(1), 3, 4)
    found = candidates(outputs, spec_of(case, outputs, confidence=confidence))
    count = len(found.frames)
    assert (count > 0) == (confidence < 1)
    arrays = (found.frames, found.boxes, found.scores, found.class_ids)
    assert [array.shape for array in arrays] == [(count,), (count, 4), (count,), (count,)]
    assert [array.dtype for array in arrays] == [np.intp, np.float32, np.float32, np.int32]


@EVERY
def test_what_is_no_number_is_no_candidate(case: Case) -> None:
    """Rows without a NaN are found as if the others had scored nothing."""
    outputs = case.make(np.random.default_rng(7), 2, 3)
    spec = spec_of(case, outputs)
    before = candidates(outputs, spec)
    broken = [output.copy() for output in outputs]
    for output in broken:
        if output.dtype == np.float32:
            output[0] = np.nan
    found = candidates(broken, spec)
    assert set(found.frames.tolist()) == {1}
    np.testing.assert_array_equal(found.boxes, before.boxes[before.frames == 1])


@pytest.mark.parametrize("place", [(0, 0), (0, 5)], ids=["box", "score"])
def test_a_nan_or_an_infinite_box_takes_only_its_own_row(place: tuple[int, int]) -> None:
    """The neighbours stay."""
    for value in (np.nan, np.inf):
        output = np.full((1, 6, 3), 0.9, np.float32)
        output[place[0], place[1], 1] = value
        found = candidates([output], spec_of(CASES["yolov8"], [output]))
        infinite_score = value == np.inf and place[1] == 5
        assert len(found.frames) == (3 if infinite_score else 2)


def test_a_score_at_the_threshold_does_not_count() -> None:
    """Above means above."""
    output = np.zeros((1, 5, 2), np.float32)
    output[0, 4] = [0.25, 0.2500001]
    assert len(candidates([output], spec_of(CASES["yolov8"], [output])).frames) == 1


def test_the_number_of_cells() -> None:
    """As in the published models: YOLOX and NanoDet at 416, NanoDet-Plus at 416, whose coarsest grid does not fit."""
    assert cells(416, 416) == 3549
    assert cells(416, 416, (8, 16, 32, 64)) == 3598 == len(grid(416, 416, (8, 16, 32, 64)))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_defaults_of_a_family_are_fields_of_a_specification(family: str) -> None:
    """And values that it takes."""
    case = next(case for case in CASES.values() if case.family == family)
    spec = spec_of(case, case.make(np.random.default_rng(1), 1, 2))
    fields = {name: getattr(spec, name) for name in ModelSpec.__slots__}
    made = ModelSpec(**{**fields, **FAMILIES[family].input_defaults})
    assert (made.resize == "letterbox") == (family in {"yolov8", "yolov5", "end_to_end"})


def tensors(*shapes: tuple[int, ...], names: tuple[str, ...] = (), dtype: str = "float32") -> list[Tensor]:
    """Describe outputs."""
    named = names or tuple(f"out{place}" for place in range(len(shapes)))
    return [Tensor(name=name, shape=shape, dtype=dtype) for name, shape in zip(named, shapes, strict=True)]


@pytest.mark.parametrize(
    ("family", "outputs", "order"),
    [
        ("ssd", tensors((1, 9, 4), (1, 9, 2)), (0, 1)),
        ("ssd", tensors((1, 9, 4), (1, 9, 4), names=("scores", "boxes")), (1, 0)),
        ("detr_raw", tensors((1, 9, 4), (1, 9, 91), names=("dets", "labels")), (0, 1)),
        ("detr", tensors((1, 9), (1, 9, 4), (1, 9), names=("scores", "boxes", "labels")), (2, 1, 0)),
        ("nanodet", tensors(*((1, n, c) for c in (32, 80) for n in (4, 16, 64))), (5, 4, 3, 2, 1, 0)),
        ("nanodet", tensors(*((1, n, 32) for _ in range(2) for n in (64, 16, 4))), (0, 1, 2, 3, 4, 5)),
        ("yunet", tensors(*((1, n, c) for n in (4, 16, 64) for c in (1, 1, 4, 10))), (8, 4, 0, 9, 5, 1, 10, 6, 2)),
        ("yolov8", tensors((1, 84, 8400), (1, 32, 160, 160)), (0,)),
    ],
)
def test_outputs_are_told_by_shape_and_name(family: str, outputs: list[Tensor], order: tuple[int, ...]) -> None:
    """Whatever order an exporter gives them."""
    assert FAMILIES[family].arrange(outputs) == order


@pytest.mark.parametrize("family", ["ssd", "detr", "detr_raw", "nanodet", "yunet"])
def test_outputs_of_another_family_are_refused(family: str) -> None:
    """With what there should be, and what there is."""
    with pytest.raises(ValueError, match=r".* it has out0 float32 \(1, 9, 4\); out1 float32 \(1, 9, 4\)"):
        FAMILIES[family].arrange(tensors((1, 9, 4), (1, 9, 4)))


def test_a_model_without_outputs_is_refused() -> None:
    """Instead of an index that is out of range."""
    with pytest.raises(ValueError, match="it has no output"):
        FAMILIES["yolov8"].arrange([])
