"""framebatch.detection.likeness: answers are compared as sets of rows, on the scale of their own best score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.detection.likeness import Rows, Tolerance, distance, likeness

STRICT = Tolerance(pixels=0.05, share=0.0, score=1e-3, least=0.01, rows=300)
WIDE = Tolerance(pixels=1.0, share=0.01, score=0.05, least=0.1, rows=100)


def rows(count: int, *, seed: int = 0, scale: float = 1.0, floor: float = 0.0) -> Rows:
    """Make an answer of random boxes, falling by score."""
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 500, (count, 2)).astype(np.float32)
    boxes = np.concatenate((corners, corners + random.uniform(5, 100, (count, 2)).astype(np.float32)), axis=1)
    scores = np.sort(random.uniform(0.1, 1, count).astype(np.float32))[::-1] * np.float32(scale)
    return Rows(boxes, scores, random.integers(0, 5, count).astype(np.int32), floor)


@given(st.integers(1, 200), st.integers(0, 99), st.sampled_from([1.0, 1e-5]))
def test_rows_of_equal_scores_may_change_places(count: int, seed: int, scale: float) -> None:
    """Also where a detector found next to nothing."""
    one = rows(count, seed=seed, scale=scale)._replace(scores=np.full(count, scale, np.float32))
    order = np.random.default_rng(seed).permutation(count)
    other = Rows(one.boxes[order], one.scores * np.float32(1 + 1e-6), one.class_ids[order], 0.0)
    found = likeness(one, other, STRICT)
    assert (found.share, found.pixels) == (1.0, 0.0)


@pytest.mark.parametrize("scale", [1.0, 1e-5])
def test_what_is_missing_moved_or_renamed_is_seen(scale: float) -> None:
    """In either answer, whatever the scores are."""
    one = rows(50, scale=scale)
    fewer = Rows(one.boxes[:40], one.scores[:40], one.class_ids[:40], 0.0)
    assert likeness(one, fewer, STRICT).share == likeness(fewer, one, STRICT).share == pytest.approx(0.8)
    assert likeness(one, one._replace(boxes=one.boxes + np.float32(0.1)), STRICT).share < 0.1
    assert likeness(one, one._replace(class_ids=one.class_ids + 1), STRICT).share < 0.1
    assert likeness(one, one._replace(scores=one.scores * np.float32(0.5)), STRICT).share < 0.1
    assert likeness(one, one._replace(scores=one.scores * 0), WIDE).share == 0.0


def test_how_far_equal_rows_are_off_is_told() -> None:
    """The most of all rows, in pixels and in score."""
    one = rows(50)
    boxes = one.boxes.copy()
    boxes[7, 2] += 0.03
    found = likeness(one, one._replace(boxes=boxes, scores=one.scores + np.float32(0.0005)), STRICT)
    assert found.share == 1.0
    assert found.pixels == pytest.approx(0.03, abs=1e-4)
    assert found.score == pytest.approx(0.0005, abs=1e-6)


def test_rows_below_the_others_floor_may_be_missing() -> None:
    """A fused graph answers only its best."""
    one = rows(50)
    best = Rows(one.boxes[:20], one.scores[:20], one.class_ids[:20], float(one.scores[19]))
    assert likeness(one, best, STRICT).share == 1.0
    assert likeness(one, best._replace(floor=0.0), STRICT).share < 1.0


def test_two_answers_without_rows_are_the_same_and_one_is_not() -> None:
    """Nothing equals nothing."""
    nothing = rows(0)
    assert likeness(nothing, nothing, WIDE).share == 1.0
    assert likeness(rows(5), nothing, WIDE).share == 0.0
    assert (distance(nothing, nothing), distance(rows(5), nothing)) == (0.0, 2.0)


def test_the_nearest_of_several_answers_can_be_told() -> None:
    """Where all are off, by scales that changed with the batch, the own one is off least."""
    one = rows(50)
    noisy = one._replace(boxes=one.boxes + np.float32(3), scores=one.scores * np.float32(0.9))
    apart = [distance(noisy, rows(50, seed=seed)) for seed in range(6)]
    assert apart[0] == min(apart)
    assert apart[0] < 0.5 * sorted(apart)[1]
