"""framebatch.detection.boxes: the arithmetic agrees with plain loops that anybody can check."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.detection.boxes import areas, intersections, iou_matrix, suppress

Box = tuple[float, float, float, float]


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, in plain Python."""
    wide = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0)
    high = max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    union = sum(max(x2 - x1, 0.0) * max(y2 - y1, 0.0) for x1, y1, x2, y2 in (a, b)) - wide * high
    return wide * high / union if union > 0 else 0.0


def greedy(boxes: list[Box], scores: list[float], classes: list[int], iou: float, limit: int) -> list[int]:
    """Greedy suppression within each class, in plain Python."""
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: -scores[index]):
        rivals = (other for other in kept if classes[other] == classes[index])
        if not any(overlap(boxes[other], boxes[index]) > iou for other in rivals):
            kept.append(index)
    return kept[:limit]


def as_arrays(
    boxes: list[Box], scores: list[float], classes: list[int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Boxes, scores and class ids as a head gives them."""
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(classes, np.int32)


COORDINATES = st.integers(0, 40).map(float)
ANY_BOX = st.tuples(COORDINATES, COORDINATES, COORDINATES, COORDINATES)
SCENE = st.lists(st.tuples(ANY_BOX, st.integers(0, 8).map(lambda score: score / 8), st.integers(0, 2)), max_size=40)


@given(SCENE, st.sampled_from([0.0, 0.25, 0.45, 0.5, 1.0]), st.integers(1, 12))
def test_suppression_is_the_greedy_one(scene: list[tuple[Box, float, int]], iou: float, limit: int) -> None:
    """The same boxes in the same order as the plain loop, ties and boxes without area included."""
    boxes, scores, classes = ([entry[part] for entry in scene] for part in range(3))
    found = suppress(*as_arrays(boxes, scores, classes), iou=iou, limit=limit)  # type: ignore[arg-type]
    assert found.tolist() == greedy(boxes, scores, classes, iou, limit)  # type: ignore[arg-type]


ANYWHERE = st.floats(-8000, 8000, width=32)
SIDE = st.floats(0, 900, width=32)


@st.composite
def crowds(draw: st.DrawFn) -> list[tuple[Box, float, int]]:
    """Draw boxes of any size and place, each with some that are nearly the same."""
    scene = []
    for _ in range(draw(st.integers(0, 8))):
        x, y, wide, high = draw(ANYWHERE), draw(ANYWHERE), draw(SIDE), draw(SIDE)
        kind = draw(st.integers(0, 2))
        for _ in range(draw(st.integers(1, 6))):
            dx, dy = draw(st.floats(-0.4, 0.4)) * wide, draw(st.floats(-0.4, 0.4)) * high
            corners = np.array([x + dx, y + dy, x + dx + wide, y + dy + high], np.float32).tolist()
            scene.append(((corners[0], corners[1], corners[2], corners[3]), draw(st.floats(0, 1, width=32)), kind))
    return scene


@given(crowds(), st.sampled_from([0.1, 0.45, 0.7]), st.integers(1, 60))
def test_suppression_of_boxes_that_crowd_together(scene: list[tuple[Box, float, int]], iou: float, limit: int) -> None:
    """As above for boxes as networks give them: near doubles, fractions of pixels, places outside the picture."""
    boxes, scores, classes = ([entry[part] for entry in scene] for part in range(3))
    found = suppress(*as_arrays(boxes, scores, classes), iou=iou, limit=limit)  # type: ignore[arg-type]
    assert found.tolist() == greedy(boxes, scores, classes, iou, limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [300, 2000])
def test_suppression_of_more_boxes_than_are_compared_at_once(limit: int) -> None:
    """Blocks of boxes come to the same result as one comparison of all."""
    random = np.random.default_rng(5)
    corners = random.integers(0, 300, (1500, 2))
    boxes = [(float(x), float(y), float(x + w), float(y + h)) for (x, y), (w, h) in zip(
        corners, random.integers(1, 90, (1500, 2)), strict=True)]  # fmt: skip
    scores, classes = (random.integers(0, 500, 1500) / 512).tolist(), random.integers(0, 3, 1500).tolist()
    found = suppress(*as_arrays(boxes, scores, classes), iou=0.45, limit=limit)
    assert found.tolist() == greedy(boxes, scores, classes, 0.45, limit)


def test_boxes_far_from_the_origin_lose_no_precision() -> None:
    """Neighbouring boxes at pixel 30 000, of many classes, are told apart as at the origin."""
    near = np.array([[0, 0, 10, 10], [6, 0, 16, 10], [0.5, 0, 10.5, 10]], np.float32)
    for shift in (0, 30_000):
        found = suppress(
            near + np.float32(shift), np.array([0.9, 0.8, 0.7], np.float32), np.full(3, 79), iou=0.45, limit=9
        )
        assert found.tolist() == [0, 1]


def test_classes_do_not_suppress_one_another() -> None:
    """Two classes may see the same place."""
    twice = np.array([[0, 0, 10, 10]] * 2, np.float32)
    scores = np.array([0.5, 0.9], np.float32)
    assert suppress(twice, scores, np.array([0, 1]), iou=0.45, limit=9).tolist() == [1, 0]
    assert suppress(twice, scores, np.array([1, 1]), iou=0.45, limit=9).tolist() == [1]


def test_nothing_in_nothing_out() -> None:
    """No candidates is the usual case on an empty belt."""
    assert suppress(*as_arrays([], [], []), iou=0.5, limit=3).tolist() == []


@given(st.lists(ANY_BOX, max_size=6), st.lists(ANY_BOX, max_size=6))
def test_the_matrix_of_overlaps(first: list[Box], second: list[Box]) -> None:
    """Each element is what the plain formula gives; boxes without area overlap nothing."""
    found = iou_matrix(np.array(first).reshape(-1, 4), np.array(second).reshape(-1, 4))
    assert found.shape == (len(first), len(second))
    assert found.tolist() == [[overlap(a, b) for b in second] for a in first]


@given(st.lists(ANY_BOX, max_size=6), st.lists(ANY_BOX, max_size=6))
def test_shared_areas(first: list[Box], second: list[Box]) -> None:
    """Of each with each, and of each with itself; a box that is turned inside out has none."""
    as_array = np.array(first).reshape(-1, 4)
    found = intersections(as_array, np.array(second).reshape(-1, 4))
    assert found.tolist() == [
        [max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0) for b in second]
        for a in first
    ]
    assert areas(as_array).tolist() == [max(x2 - x1, 0) * max(y2 - y1, 0) for x1, y1, x2, y2 in first]
