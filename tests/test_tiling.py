"""framebatch.detection.tiling: large pictures in overlapping tiles, and one answer for all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_boxes import overlap

from framebatch.detection.detector import Detector
from framebatch.detection.loading import load_detector
from framebatch.detection.tiling import COVERED, CUT_WITHIN, MAX_TILES, Tiles, merge_tiles, plan_tiles
from framebatch.device.devices import parse_device
from framebatch.errors import InvalidFrame
from framebatch.frame import Detections, RawPicture, Region
from framebatch_models import find
from framebatch_models.conveyor import Conveyor

if TYPE_CHECKING:
    from collections.abc import Iterator

Box = tuple[float, float, float, float]
Found = tuple[Box, float, int]


def detections(found: list[Found]) -> Detections:
    """Answer them as a detector does, best first."""
    rows = sorted(found, key=lambda each: -each[1])
    return Detections(
        np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([class_id for _, _, class_id in rows], np.int32),
    )


def listed(answer: Detections) -> list[Found]:
    """Answer detections as plain values."""
    boxes = [(x1, y1, x2, y2) for x1, y1, x2, y2 in answer.boxes.tolist()]
    return list(zip(boxes, answer.scores.tolist(), answer.class_ids.tolist(), strict=True))


# Cutting -------------------------------------------------------------------------------------------------------


@given(
    st.tuples(st.integers(1, 6000), st.integers(1, 6000)),  # no more than 256 tiles of the sizes below
    st.builds(Tiles, width=st.integers(600, 2000), height=st.integers(700, 3000), overlap=st.floats(0, 0.4)),
    st.sampled_from(["picture", "region"]),
)
def test_every_pixel_is_in_a_tile_and_neighbours_share_enough(size: tuple[int, int], tiles: Tiles, look: str) -> None:
    """All tiles lie inside, are of one size, leave nothing out, and share the set part with each neighbour."""
    width, height = size
    region = Region(7, 11, width, height) if look == "region" else None
    parts = plan_tiles(tiles, width + 20, height + 20, region) if region else plan_tiles(tiles, width, height)
    area = region or Region(0, 0, width, height)
    assert parts[0] == area
    if len(parts) == 1:
        assert width <= tiles.width
        assert height <= tiles.height
        return
    cut = parts[1:]
    wide, high = min(tiles.width, width), min(tiles.height, height)
    assert {(part.width, part.height) for part in cut} == {(wide, high)}
    for starts, begin, length, side in (
        (sorted({part.x for part in cut}), area.x, area.width, wide),
        (sorted({part.y for part in cut}), area.y, area.height, high),
    ):
        assert (starts[0], starts[-1] + side) == (begin, begin + length)
        for before, after in pairwise(starts):
            assert before + side - after >= 0
            assert before + side - after >= tiles.overlap * side - 1e-6
    assert Counter((part.x, part.y) for part in cut) == Counter(
        {(x, y): 1 for x in {part.x for part in cut} for y in {part.y for part in cut}}
    )


def test_no_more_tiles_than_needed() -> None:
    """Twelve megapixels in tiles of 640 with a fifth shared: 8 x 6 tiles, and the whole."""
    parts = plan_tiles(Tiles(width=640, height=640), 4000, 3000)
    assert (len(parts), parts[0], parts[1], parts[-1]) == (
        49, Region(0, 0, 4000, 3000), Region(0, 0, 640, 640), Region(3360, 2360, 640, 640),
    )  # fmt: skip


def test_a_small_picture_is_one_row() -> None:
    """What is no larger than a tile is not cut, and neither is a small region of a large picture."""
    tiles = Tiles(width=640, height=480)
    assert plan_tiles(tiles, 640, 480) == [Region(0, 0, 640, 480)]
    assert plan_tiles(tiles, 4000, 3000, Region(5, 6, 600, 400)) == [Region(5, 6, 600, 400)]
    assert len(plan_tiles(tiles, 641, 480)) == 3


def test_too_many_tiles_are_refused() -> None:
    """Naming the picture, the number and what helps."""
    with pytest.raises(InvalidFrame, match=f"4000 x 3000 pixels makes 2961 tiles of 80 x 80; the limit is {MAX_TILES}"):
        plan_tiles(Tiles(width=80, height=80), 4000, 3000)


def test_a_region_outside_the_picture_is_refused_before_it_is_cut() -> None:
    """It would make tiles of nothing."""
    with pytest.raises(InvalidFrame, match="region is x=0 y=0 width=9000"):
        plan_tiles(Tiles(width=80, height=80), 4000, 3000, Region(0, 0, 9000, 10))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 15, "height": 64}, "width is 15; it must be a whole number of pixels, 16 to 16384"),
        ({"width": 64, "height": 20000}, "height is 20000; it must be"),
        ({"width": 64.0, "height": 64}, "width is 64.0; it must be a whole number"),
        ({"width": 64, "height": True}, "height is True; it must be a whole number"),
        ({"width": 64, "height": 64, "overlap": 0.95}, "overlap is 0.95; it must be 0 to 0.9"),
        ({"width": 64, "height": 64, "overlap": "a fifth"}, "overlap is 'a fifth'; it must be a number"),
    ],
)
def test_impossible_tiles_are_refused_at_once(options: dict[str, Any], message: str) -> None:
    """Options are checked where they are made."""
    with pytest.raises((ValueError, TypeError), match=message):
        Tiles(**options)


# Merging -------------------------------------------------------------------------------------------------------

TILES = Tiles(width=100, height=100, overlap=0.3)
SIZE = (240, 170)
PARTS = plan_tiles(TILES, *SIZE)


def ends_at_a_cut(box: Box, part: Region) -> bool:
    """Whether a box ends at a border of its part that is none of the picture, in plain Python."""
    right, bottom = part.x + part.width, part.y + part.height
    borders = ((part.x, 0), (part.y, 0), (right, SIZE[0]), (bottom, SIZE[1]))
    near = (part.width, part.height) * 2
    return any(
        border != end and abs(corner - border) <= side * CUT_WITHIN
        for corner, (border, end), side in zip(box, borders, near, strict=True)
    )


def area_of(box: Box) -> float:
    """Width times height."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def covered(box: Box, by: Box) -> bool:
    """Whether most of a box lies in another."""
    shared = (max(box[0], by[0]), max(box[1], by[1]), min(box[2], by[2]), min(box[3], by[3]))
    return area_of(shared) > COVERED * area_of(box)


def slowly_merged(parts: list[list[Found]], iou: float) -> list[Found]:
    """Merge as the documentation says, in plain Python."""
    everything = [
        (ends_at_a_cut(each[0], region), each) for region, part in zip(PARTS, parts, strict=True) for each in part
    ]
    everything.sort(key=lambda one: (one[0], -area_of(one[1][0]) if one[0] else 0.0, -one[1][1], one[1][2], one[1][0]))
    kept: list[Found] = []
    for cut, each in everything:
        rivals = [other[0] for other in kept if other[2] == each[2]]
        if not any(overlap(other, each[0]) > iou or (cut and covered(each[0], other)) for other in rivals):
            kept.append(each)
    return sorted(kept, key=lambda each: -each[1])


@st.composite
def sightings(draw: st.DrawFn) -> list[list[Found]]:
    """Draw what a detector may say of each part: boxes inside it, some of which end at its borders."""
    found = []
    for part in PARTS:
        boxes = []
        for _ in range(draw(st.integers(0, 4))):
            x = sorted(draw(st.tuples(st.integers(0, part.width // 10), st.integers(0, part.width // 10))))
            y = sorted(draw(st.tuples(st.integers(0, part.height // 10), st.integers(0, part.height // 10))))
            box = (part.x + x[0] * 10.0, part.y + y[0] * 10.0, part.x + x[1] * 10.0, part.y + y[1] * 10.0)
            boxes.append((box, draw(st.integers(1, 64)) / 64, draw(st.integers(0, 1))))
        found.append(boxes)
    return found


@given(sightings(), st.sampled_from([0.3, 0.45, 0.6]))
def test_merging_is_the_plain_one(found: list[list[Found]], iou: float) -> None:
    """The same boxes as the plain loop, best first, and the first of them where there is a limit."""
    wanted = slowly_merged(found, iou)
    answer = listed(merge_tiles([detections(part) for part in found], PARTS, iou=iou, limit=100))
    assert sorted(answer) == sorted(wanted)
    assert [score for _, score, _ in answer] == [score for _, score, _ in wanted]
    assert listed(merge_tiles([detections(part) for part in found], PARTS, iou=iou, limit=2)) == answer[:2]


@given(sightings(), st.randoms(use_true_random=False))
def test_the_order_of_the_parts_does_not_matter(found: list[list[Found]], random: Any) -> None:
    """However they come back from the device, the answer is the same, and in the same order."""
    pairs = list(zip(found, PARTS, strict=True))
    random.shuffle(pairs)
    answers = [
        listed(merge_tiles([detections(part) for part, _ in each], [part for _, part in each], iou=0.45, limit=50))
        for each in (pairs, list(zip(found, PARTS, strict=True)))
    ]
    assert answers[0] == answers[1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), unique=True), st.integers(12, 30), st.integers(12, 30))
def test_each_thing_is_found_once(places: list[tuple[int, int]], wide: int, high: int) -> None:
    """A perfect eye over every part, that sees pieces too: things smaller than the overlap come out once, as they are."""
    truth = [(5.0 + x * 39, 5.0 + y * 40, 5.0 + x * 39 + wide, 5.0 + y * 40 + high) for x, y in places]
    parts = []
    for number, part in enumerate(PARTS):
        seen: list[Found] = []
        for box in truth:
            piece = (
                max(box[0], part.x), max(box[1], part.y),
                min(box[2], part.x + part.width), min(box[3], part.y + part.height),
            )  # fmt: skip
            if number and area_of(piece) > 0.2 * area_of(box) and piece[2] > piece[0] and piece[3] > piece[1]:
                seen.append((piece, 0.9 if piece != box else 0.6, 0))  # even surer of a piece than of the whole
        parts.append(detections(seen))
    answer = merge_tiles(parts, PARTS, iou=0.45, limit=100)
    assert sorted(box for box, _, _ in listed(answer)) == sorted(truth)


def test_what_is_larger_than_a_tile_comes_from_the_whole() -> None:
    """The pieces that the tiles see of it go; something small of its class that lies on it, and was seen whole, stays."""
    large: Found = ((20.0, 20.0, 220.0, 150.0), 0.6, 0)
    small: Found = ((40.0, 40.0, 60.0, 60.0), 0.8, 0)
    pieces = [
        [((max(20.0, part.x), max(20.0, part.y), min(220.0, part.x + 100.0), min(150.0, part.y + 100.0)), 0.9, 0)]
        for part in PARTS[1:]
    ]
    pieces[0].append(small)
    found = [detections([large]), *map(detections, pieces)]
    assert [box for box, _, _ in listed(merge_tiles(found, PARTS, iou=0.45, limit=9))] == [small[0], large[0]]


def test_distinct_neighbours_stay_apart() -> None:
    """Two things side by side, one of them cut, are two; and so are two classes at one place."""
    left, right = ((50.0, 10.0, 71.0, 30.0), 0.9, 0), ((70.0, 10.0, 100.0, 30.0), 0.9, 0)
    other = ((50.0, 10.0, 71.0, 30.0), 0.8, 1)
    found = [detections([]), detections([left, right, other]), *[detections([])] * (len(PARTS) - 2)]
    assert len(merge_tiles(found, PARTS, iou=0.45, limit=9)) == 3


def test_one_part_is_its_own_answer() -> None:
    """Nothing is done to what was not cut."""
    found = detections([((0.0, 0.0, 5.0, 5.0), 0.5, 0)])
    assert merge_tiles([found], [Region(0, 0, 9, 9)], iou=0.45, limit=9) is found


# With a detector -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conveyor() -> Iterator[Detector]:
    """Answer the bundled detector on the processor, set to tiles of the pictures that it was trained on."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    plain = load_detector(find("conveyor"), device=parse_device("cpu"), max_batch=8)
    spec = replace(plain.spec, tiles=Tiles(width=640, height=640))
    yield Detector(spec, plain._engine, max_batch=8, report=plain.report)
    plain.close()


@pytest.fixture(scope="module")
def hall() -> tuple[RawPicture, list[tuple[Box, int]]]:
    """Answer 2880 x 2000 pixels of belts with small parts, and where each lies that is easy to see."""
    pixels = np.empty((2000, 2880, 3), np.uint8)
    truth: list[tuple[Box, int]] = []
    for number in range(16):
        x, y = number % 4 * 720, number // 4 * 500
        scene = Conveyor(7_100_000 + number, width=720, height=500).frame(70)
        pixels[y : y + 500, x : x + 720] = scene.pixels
        boxes = [(each.box, each.class_id) for each in scene.truth if not each.difficult]
        truth += [((x1 + x, y1 + y, x2 + x, y2 + y), class_id) for (x1, y1, x2, y2), class_id in boxes]
    return RawPicture(pixels.tobytes(), 2880, 2000, "bgr"), truth


def right(answer: Detections, truth: list[tuple[Box, int]]) -> int:
    """How many parts were found, at an overlap of 0.5."""
    found = listed(answer)
    return sum(
        any(kind == class_id and overlap(box, other) >= 0.5 for other, _, kind in found) for box, class_id in truth
    )


def test_small_parts_are_found_in_a_large_picture(
    conveyor: Detector, hall: tuple[RawPicture, list[tuple[Box, int]]]
) -> None:
    """In the whole picture they are a few pixels each, and nearly all are missed; in tiles nearly all are found."""
    picture, truth = hall
    assert len(conveyor.parts(conveyor.header(picture))) == 25
    whole = conveyor.detect([conveyor.prepare(picture)]).detections[0]
    assert len(truth) > 100
    assert right(whole, truth) < 0.1 * len(truth)
    assert right(conveyor.detect_picture(picture), truth) > 0.9 * len(truth)


def test_a_region_is_cut_like_a_picture(conveyor: Detector, hall: tuple[RawPicture, list[tuple[Box, int]]]) -> None:
    """What is found lies inside, and one that fits into a tile is looked at as it is."""
    picture, _ = hall
    region = Region(720, 500, 1440, 500)
    answer = conveyor.detect_picture(picture, region)
    assert len(answer) > 10
    assert (answer.boxes >= (720, 500, 720, 500)).all()
    assert (answer.boxes <= (2160, 1000, 2160, 1000)).all()
    small = Region(0, 0, 640, 480)
    expected = conveyor.detect([conveyor.prepare(picture, small)]).detections[0]
    np.testing.assert_array_equal(conveyor.detect_picture(picture, small).boxes, expected.boxes)
