"""framebatch.detection.heads: each family, vectorised over a batch, agrees with one plain loop per frame."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.detection.heads import FAMILIES
from framebatch.detection.heads.grid import STRIDES, cells
from framebatch.detection.reading import candidates
from framebatch.detection.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable

Array = npt.NDArray[np.float32]
Row = tuple[int, float, float, float, float, float, int]
WIDTH, HEIGHT, CONFIDENCE = 64, 32, 0.25
ROWS = cells(WIDTH, HEIGHT)


def spec(family: str) -> ModelSpec:
    """Describe a model of the family."""
    return ModelSpec(
        name="m", path=Path("m.onnx"), sha256="", family=family, labels=("a",), input_name="images",
        input_width=WIDTH, input_height=HEIGHT, confidence=CONFIDENCE,
    )  # fmt: skip


def from_centre(frame: int, box: Array, score: float, class_id: int) -> Row:
    """One candidate, given by its centre."""
    x, y, wide, high = (float(value) for value in box)
    return frame, x - wide / 2, y - high / 2, x + wide / 2, y + high / 2, score, class_id


def slow_yolov8(output: Array) -> list[Row]:
    """Anchors are columns, classes follow the box."""
    return [
        from_centre(frame, column[:4], float(column[4:].max()), int(column[4:].argmax()))
        for frame, picture in enumerate(output)
        for column in picture.T
        if column[4:].max() > CONFIDENCE
    ]


def slow_yolov5(output: Array) -> list[Row]:
    """Anchors are rows, the score is objectness times class."""
    found = []
    for frame, picture in enumerate(output):
        for row in picture:
            score = row[4] * row[5:].max()
            if score > CONFIDENCE:
                found.append(from_centre(frame, row[:4], float(score), int(row[5:].argmax())))
    return found


def slow_yolox(output: Array) -> list[Row]:
    """Walk the grids cell by cell."""
    decoded = output.copy()
    anchor = 0
    for stride in STRIDES:
        for y in range(HEIGHT // stride):
            for x in range(WIDTH // stride):
                for picture in decoded:
                    picture[anchor, 0] = (picture[anchor, 0] + x) * stride
                    picture[anchor, 1] = (picture[anchor, 1] + y) * stride
                    picture[anchor, 2:4] = [math.exp(size) * stride for size in picture[anchor, 2:4]]
                anchor += 1
    assert anchor == output.shape[1]
    return slow_yolov5(decoded)


def slow_end_to_end(output: Array) -> list[Row]:
    """Rows are final."""
    return [
        (frame, *(float(value) for value in row[:5]), int(row[5]))  # type: ignore[misc]
        for frame, picture in enumerate(output)
        for row in picture
        if row[4] > CONFIDENCE
    ]


def make(family: str, seed: int, batch: int, classes: int) -> Array:
    """Make an output as the family's networks give it, with some candidates on either side of the threshold."""
    random = np.random.default_rng(seed)
    if family == "end_to_end":
        output = random.random((batch, 20, 6))
        output[..., 5] = random.integers(0, classes, (batch, 20))
    elif family == "yolov8":
        output = random.random((batch, 4 + classes, ROWS)) ** 3
    else:
        output = random.random((batch, ROWS, 5 + classes))
    return output.astype(np.float32)


@pytest.mark.parametrize(
    ("family", "slow"),
    [
        ("yolov8", slow_yolov8),
        ("yolov5", slow_yolov5),
        ("yolox", slow_yolox),
        ("yolox_decoded", slow_yolov5),
        ("end_to_end", slow_end_to_end),
    ],
)
@given(seed=st.integers(0, 2**32 - 1), batch=st.integers(1, 4), classes=st.integers(1, 5))
def test_a_head_agrees_with_the_plain_loop(
    family: str, slow: Callable[[Array], list[Row]], seed: int, batch: int, classes: int
) -> None:
    """The same candidates, grouped by frame, in the order of the anchors."""
    output = make(family, seed, batch, classes)
    found, wanted = candidates([output], spec(family)), slow(output)
    assert found.frames.tolist() == [row[0] for row in wanted]
    assert found.class_ids.tolist() == [row[6] for row in wanted]
    np.testing.assert_allclose(found.scores, [row[5] for row in wanted], rtol=1e-6)
    np.testing.assert_allclose(found.boxes, np.array([row[1:5] for row in wanted]).reshape(-1, 4), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_array_of_zeros_holds_nothing(family: str) -> None:
    """No family finds anything in zeros, which a simulated device answers; types are those of candidates all the same."""
    found = candidates([make(family, 1, 3, 4) * np.float32(0)], spec(family))
    arrays = (found.frames, found.boxes, found.scores, found.class_ids)
    assert [array.shape for array in arrays] == [(0,), (0, 4), (0,), (0,)]
    assert [array.dtype for array in arrays] == [np.intp, np.float32, np.float32, np.int32]


def test_a_score_at_the_threshold_does_not_count() -> None:
    """Above means above."""
    output = np.zeros((1, 5, 2), np.float32)
    output[0, 4] = [0.25, 0.2500001]
    assert len(candidates([output], spec("yolov8")).frames) == 1


def test_the_number_of_yolox_cells() -> None:
    """3549 at 416 x 416, as in the published models."""
    assert cells(416, 416) == 3549
