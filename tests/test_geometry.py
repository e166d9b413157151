"""framebatch.detection.geometry: where pictures land, how small they may be decoded, and boxes that find their way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framebatch.detection.geometry import RESIZE_MODES, Resize, check_region, plan_resize, reduction, to_source
from framebatch.errors import InvalidFrame
from framebatch.frame import Region

NETWORK = Resize(width=64, height=48)
MODES = st.sampled_from(RESIZE_MODES)
SHARES = st.tuples(*[st.floats(0, 1)] * 4)


@st.composite
def looks(draw: st.DrawFn) -> tuple[int, int, Region | None]:
    """Draw a size up to 8000 x 6000 and, half of the time, a region of it."""
    wide, high = draw(st.integers(1, 8000)), draw(st.integers(1, 6000))
    if draw(st.booleans()):
        return wide, high, None
    x, y = draw(st.integers(0, wide - 1)), draw(st.integers(0, high - 1))
    return wide, high, Region(x, y, draw(st.integers(1, wide - x)), draw(st.integers(1, high - y)))


@pytest.mark.parametrize(
    ("mode", "wide", "high", "place"),
    [
        ("letterbox", 128, 48, (64, 24, 0, 12)),
        ("letterbox", 100, 300, (16, 48, 24, 0)),
        ("letterbox", 101, 301, (16, 48, 24, 0)),
        ("letterbox", 64, 47, (64, 47, 0, 0)),
        ("letterbox", 64, 45, (64, 45, 0, 1)),
        ("letterbox_topleft", 128, 48, (64, 24, 0, 0)),
        ("letterbox_topleft", 67, 48, (64, 45, 0, 0)),
        ("stretch", 9, 9, (64, 48, 0, 0)),
        ("letterbox", 8000, 1, (64, 1, 0, 23)),
        ("letterbox", 1, 1, (48, 48, 8, 0)),
    ],
)
def test_where_a_picture_lands(mode: str, wide: int, high: int, place: tuple[int, int, int, int]) -> None:
    """Width, height, left and top inside the network's picture, rounded as the models' authors do."""
    assert plan_resize(Resize(width=64, height=48, mode=mode), wide, high)[:4] == place


@given(looks(), MODES, st.tuples(st.integers(1, 40), st.integers(1, 40)), SHARES)
@example((8000, 1, None), "letterbox", (1, 1), (0.0, 0.0, 1.0, 1.0))
@example((1, 6000, None), "letterbox_topleft", (40, 1), (0.0, 0.0, 1.0, 1.0))
@example((8000, 6000, Region(7999, 5999, 1, 1)), "stretch", (40, 40), (0.0, 0.0, 1.0, 1.0))
def test_boxes_return_to_where_they_came_from(
    look: tuple[int, int, Region | None], mode: str, network: tuple[int, int], shares: tuple[float, ...]
) -> None:
    """A box of the source, brought into the network's picture and back in single precision, moves by less than 0.5 px."""
    wide, high, region = look
    resize = Resize(width=network[0] * 32, height=network[1] * 32, mode=mode)
    geometry = plan_resize(resize, wide, high, region)
    x, y, width, height = region or (0, 0, wide, high)
    box = np.array((x, y, x, y)) + np.array(shares) * (width, height, width, height)
    scales, shifts = [geometry.scale_x, geometry.scale_y] * 2, [geometry.left, geometry.top] * 2
    forth = ((box - (x, y, x, y)) * scales + shifts).astype(np.float32)
    back = to_source(forth[None], np.zeros(1, np.intp), [geometry])[0]
    assert back.dtype == np.float32
    assert np.abs(back - box).max() < 0.5


@given(looks(), MODES, st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_the_picture_lands_inside_and_fills_one_axis(
    look: tuple[int, int, Region | None], mode: str, network: tuple[int, int]
) -> None:
    """It lies within the network's picture, touches two opposite sides of it, and is centred or at the top left."""
    wide, high, region = look
    resize = Resize(width=network[0] * 32, height=network[1] * 32, mode=mode)
    place = plan_resize(resize, wide, high, region)
    spare_x, spare_y = resize.width - place.inner_width, resize.height - place.inner_height
    assert 0 <= place.left <= spare_x
    assert 0 <= place.top <= spare_y
    # Rounded down, the longer side may end one pixel short of the border.
    assert min(spare_x, spare_y) <= (1 if mode == "letterbox_topleft" else 0)
    wanted = (spare_x // 2, spare_y // 2) if mode == "letterbox" else (0, 0)
    assert (place.left, place.top) == wanted


@given(looks(), MODES, st.lists(st.tuples(*[st.floats(-1e5, 1e5, width=32)] * 4), min_size=1, max_size=5))
def test_no_box_leaves_what_the_network_saw(
    look: tuple[int, int, Region | None], mode: str, boxes: list[tuple[float, ...]]
) -> None:
    """Whatever a network says, the corners lie in the picture, or in the region of it."""
    wide, high, region = look
    geometry = plan_resize(Resize(width=640, height=384, mode=mode), wide, high, region)
    x, y, width, height = region or (0, 0, wide, high)
    found = to_source(np.array(boxes, np.float32), np.zeros(len(boxes), np.intp), [geometry])
    assert (found >= (x, y, x, y)).all()
    assert (found <= (x + width, y + height, x + width, y + height)).all()


def test_boxes_are_clipped_to_what_the_network_saw() -> None:
    """Beyond the picture, or beyond its region, there is nothing."""
    boxes = np.array([[-50, -50, 500, 500]] * 2, np.float32)
    whole, part = plan_resize(NETWORK, 100, 80), plan_resize(NETWORK, 100, 80, Region(10, 20, 30, 40))
    np.testing.assert_array_equal(
        to_source(boxes, np.array([0, 1]), [whole, part]), [[0, 0, 100, 80], [10, 20, 40, 60]]
    )


@given(looks(), MODES, st.sampled_from([32, 64, 320, 640]))
@example((4000, 3000, None), "letterbox", 640)
@example((8000, 6000, Region(8, 16, 7992, 5984)), "stretch", 32)
def test_a_picture_is_decoded_as_small_as_does_no_harm(
    look: tuple[int, int, Region | None], mode: str, side: int
) -> None:
    """The largest of 8, 4, 2 and 1 that leaves three pixels for one on both axes and divides every length."""
    wide, high, region = look
    place = plan_resize(Resize(width=side, height=side, mode=mode), wide, high, region)
    lengths = [wide, high, *(region or (0, 0))]
    harmless = [
        factor
        for factor in (8, 4, 2, 1)
        if factor == 1
        or (
            all(length % factor == 0 for length in lengths)
            and place.width / factor >= 3 * place.inner_width - 1e-6
            and place.height / factor >= 3 * place.inner_height - 1e-6
        )
    ]
    assert reduction(wide, high, [place]) == harmless[0]


def test_the_part_that_needs_most_detail_decides() -> None:
    """Where a picture is looked at as a whole and in tiles, it is decoded for the tiles."""
    whole, tile = plan_resize(NETWORK, 6400, 4800), plan_resize(NETWORK, 6400, 4800, Region(0, 0, 640, 480))
    assert (reduction(6400, 4800, [whole]), reduction(6400, 4800, [whole, tile])) == (8, 2)


@pytest.mark.parametrize("region", [Region(0, 0, 11, 6), Region(5, 5, 1, 2), Region(-1, 0, 2, 2), Region(0, 0, 0, 3)])
def test_a_region_lies_inside(region: Region) -> None:
    """All of it, and it holds at least one pixel."""
    with pytest.raises(InvalidFrame, match=r"region is x=.* it must lie inside the picture of 10 x 6"):
        check_region(region, 10, 6)
    check_region(Region(0, 0, 10, 6), 10, 6)
    check_region(Region(9, 5, 1, 1), 10, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0, "height": 4}, "0 x 4; both must be at least 1"),
        ({"width": 4, "height": 4, "mode": "crop"}, "mode is 'crop'; it must be one of letterbox"),
        ({"width": 4, "height": 4, "pad": 256}, "pad is 256; it must be 0 to 255"),
    ],
)
def test_impossible_resizing_is_refused_at_once(options: dict[str, int], message: str) -> None:
    """Options are checked where they are made."""
    with pytest.raises(ValueError, match=message):
        Resize(**options)  # type: ignore[arg-type]


def test_boxes_are_scaled_as_the_models_authors_do() -> None:
    """By the lengths really used, on each axis; at the top left by the one ratio, although lengths are cut there."""
    centred = plan_resize(Resize(width=640, height=640, mode="letterbox"), 1441, 731)
    assert (centred.inner_height, centred.scale_x, centred.scale_y) == (325, 640 / 1441, 325 / 731)
    top_left = plan_resize(Resize(width=640, height=640, mode="letterbox_topleft"), 1441, 731)
    assert (top_left.inner_height, top_left.scale_x, top_left.scale_y) == (324, 640 / 1441, 640 / 1441)
