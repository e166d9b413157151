"""The simulated conveyor: its pictures and its truth, without any model."""

import itertools

import numpy as np
import pytest

from framebatch_models.conveyor import LABELS, Conveyor, Scene, Truth

SEEDS = (0, 3, 17)
INDICES = (0, 1, 40, 999)
PARTS = ("washer", "gear", "screw", "connector")


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Answer scenes of several cameras and moments."""
    return [Conveyor(seed).frame(index) for seed in SEEDS for index in INDICES]


def objects(scenes: list[Scene]) -> list[Truth]:
    """Answer every object of the scenes."""
    return [truth for scene in scenes for truth in scene.truth]


def whole(camera: Conveyor, index: int) -> list[Truth]:
    """Answer the parts that lie entirely within a picture and uncovered."""
    return [
        truth
        for truth in camera.frame(index).truth
        if truth.label in PARTS and truth.visible == 1.0 and truth.box[0] > 0 and truth.box[2] < 640
    ]


def test_labels_name_the_parts_and_the_defects() -> None:
    """The labels are the four kinds of part and the four kinds of defect, in the model's order."""
    assert (*PARTS, "scratch", "missing_hole", "dent", "stain") == LABELS


def test_a_seed_and_an_index_decide_the_scene() -> None:
    """Two cameras of one seed show the same scene under one index, whatever was asked before and in what order."""
    forwards, backwards = Conveyor(5), Conveyor(5)
    first = [forwards.frame(index) for index in range(0, 200, 20)]
    second = [backwards.frame(index) for index in reversed(range(0, 200, 20))]
    for one, other in zip(first, reversed(second), strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.truth == other.truth


def test_seeds_and_indices_make_a_difference() -> None:
    """Another seed, or another moment, is another picture."""
    camera = Conveyor(5)
    assert not np.array_equal(camera.frame(0).pixels, camera.frame(1).pixels)
    assert not np.array_equal(camera.frame(0).pixels, Conveyor(6).frame(0).pixels)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (320, 320), (1280, 720), (480, 640)])
def test_pictures_have_the_size_asked_for(width: int, height: int) -> None:
    """A scene is a BGR picture of bytes in the camera's size, and boxes fit that size."""
    scene = Conveyor(1, width=width, height=height).frame(12)
    assert scene.pixels.shape == (height, width, 3)
    assert scene.pixels.dtype == np.uint8
    assert all(truth.box[2] <= width and truth.box[3] <= height for truth in scene.truth)


def test_boxes_lie_in_the_picture(scenes: list[Scene]) -> None:
    """Every box has an area and ends at the picture's edges."""
    for truth in objects(scenes):
        x1, y1, x2, y2 = truth.box
        assert 0 <= x1 < x2 <= 640
        assert 0 <= y1 < y2 <= 480


def test_labels_match_class_numbers(scenes: list[Scene]) -> None:
    """Every object's label is the one of its class number, and its visible share is a share."""
    for truth in objects(scenes):
        assert truth.label == LABELS[truth.class_id]
        assert 0.0 < truth.visible <= 1.0


def test_every_class_turns_up(scenes: list[Scene]) -> None:
    """A dozen scenes hold every kind of part and of defect."""
    assert {truth.label for truth in objects(scenes)} == set(LABELS)


def test_defects_lie_on_parts() -> None:
    """A defect's box lies within the box of a part of the same scene."""
    for truth in (one for index in range(0, 400, 40) for one in Conveyor(8).frame(index).truth):
        if truth.label in PARTS:
            parts = truth
        else:  # a part's defects follow it
            assert all(near >= edge for near, edge in zip(truth.box[:2], parts.box[:2], strict=True))
            assert all(far <= edge for far, edge in zip(truth.box[2:], parts.box[2:], strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_belt_carries_its_parts(seed: int) -> None:
    """Every whole part moves by the same distance along x between two pictures, and stays in its lane."""
    camera = Conveyor(seed)
    pairs = [(whole(camera, index), whole(camera, index + 1)) for index in range(0, 200, 25)]
    moved: list[float] = []
    for before, after in pairs:
        spots = {(truth.label, truth.box[1], truth.box[3], truth.box[2] - truth.box[0]): truth for truth in after}
        for truth in before:
            same = spots.get((truth.label, truth.box[1], truth.box[3], truth.box[2] - truth.box[0]))
            if same is not None:
                moved.append(same.box[0] - truth.box[0])
    assert len(moved) > len(pairs) / 2
    assert 4.0 <= abs(np.median(moved)) <= 14.0
    assert max(moved) - min(moved) <= 1.0


def test_the_frame_rate_sets_the_pace() -> None:
    """The belt's speed is per second: at twice the rate, twice the index is the same moment."""
    slow, fast = Conveyor(9, fps=10.0), Conveyor(9, fps=20.0)
    assert slow.frame(30).truth == fast.frame(60).truth


def test_barely_visible_objects_are_difficult(scenes: list[Scene]) -> None:
    """Objects less than two fifths visible or under twelve pixels are difficult, and no others."""
    for truth in objects(scenes):
        slim = min(truth.box[2] - truth.box[0], truth.box[3] - truth.box[1]) < 12
        assert truth.difficult == (truth.visible < 0.4 or slim)
    assert {truth.difficult for truth in objects(scenes)} == {True, False}


def test_a_part_leaves_the_picture_by_and_by() -> None:
    """The visible share of a part at the edge falls from picture to picture, and it turns difficult before it goes."""
    camera = Conveyor(3)
    shares = [
        [truth for truth in camera.frame(index).truth if truth.label in PARTS and truth.visible < 1.0]
        for index in range(80)
    ]
    assert any(truth.difficult for scene in shares for truth in scene)
    assert any(not truth.difficult for scene in shares for truth in scene)


def test_stretches_of_the_belt_are_empty() -> None:
    """Some pictures of a long run show no part at all, and others show many."""
    counts = [
        sum(truth.label in PARTS for truth in camera.frame(index).truth)
        for camera, index in itertools.product([Conveyor(seed) for seed in range(4)], range(0, 2000, 100))
    ]
    assert min(counts) == 0
    assert max(counts) >= 8


@pytest.mark.parametrize("arguments", [{"width": 32}, {"height": 0}, {"fps": 0.0}])
def test_impossible_cameras_are_refused(arguments: dict[str, float]) -> None:
    """A camera without pixels or without a frame rate cannot be made."""
    with pytest.raises(ValueError, match="a conveyor needs"):
        Conveyor(0, **arguments)  # type: ignore[arg-type]  # what a caller without a type checker may pass
