"""framebatch.detection.difference: which boxes of two answers are the same, and how far they moved."""

from __future__ import annotations

import numpy as np

from framebatch.detection.difference import compare, together
from framebatch.frame import Detections


def found(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    """Make an answer of x1, y1, x2, y2, score, class."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int32))


def test_boxes_are_paired_by_overlap_within_a_class() -> None:
    """The best overlap first, each box once; what has no partner was lost or gained."""
    first = found((0, 0, 10, 10, 0.9, 0), (1, 0, 11, 10, 0.8, 0), (50, 50, 60, 60, 0.7, 1))
    second = found((1, 0.5, 11, 10, 0.6, 0), (0, 0, 10, 10, 0.85, 0), (50, 50, 60, 60, 0.7, 2))
    answer = compare(first, second)
    np.testing.assert_allclose(sorted(answer.box_px), [0, 0.5])
    np.testing.assert_allclose(sorted(answer.score), [0.05, 0.2], atol=1e-6)
    assert (answer.lost, answer.gained) == (1, 1)


def test_nothing_agrees_with_nothing() -> None:
    """No pair, nothing lost, nothing gained; and several pictures are joined."""
    nothing = compare(found(), found())
    assert (len(nothing.box_px), nothing.lost, nothing.gained) == (0, 0, 0)
    some = compare(found((0, 0, 4, 4, 0.5, 0)), found())
    joined = together([nothing, some, some])
    assert (len(joined.score), joined.lost, joined.gained) == (0, 2, 0)
    assert together([]).lost == 0
