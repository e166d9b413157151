"""framebatch.app.live.shots: pictures for the page, made once for all who ask, with boxes in source pixels."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import pytest_asyncio
from test_headers import segment, tiff

from framebatch.app.live.pictures import Kept
from framebatch.app.live.shots import Shots
from framebatch.clock import SECOND_NS
from framebatch.detection.headers import Limits, read_header
from framebatch.errors import InvalidFrame
from framebatch.frame import Detections, EncodedPicture, Model, Outcome, Picture, RawPicture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MODEL = Model("conveyor", "1", ("gear", "bolt"))
NOISE = np.random.default_rng(7).integers(0, 256, (960, 1280, 3), np.uint8)
FOUND = Detections(
    np.array([[10.04, 20, 1200, 900], [1, 2, 3, 4]], np.float32),
    np.array([0.9, 0.4], np.float32),
    np.array([1, 7], np.int32),
)


@pytest_asyncio.fixture
async def shots() -> AsyncIterator[Shots]:
    """Answer shots, and close them."""
    made = Shots()
    yield made
    made.close()


def encoded(suffix: str, high: int = 48, wide: int = 64, value: int = 90) -> bytes:
    """Answer a small file of one colour."""
    return cv2.imencode(suffix, np.full((high, wide, 3), value, np.uint8))[1].tobytes()


def kept(picture: Picture, *, number: int = 1, found: Detections | None = None, decoded: bool = True) -> Kept:
    """Answer a picture as it is kept."""
    header = read_header(picture, Limits())
    outcome, reason = (Outcome.OK, "") if found is not None else (Outcome.REJECTED, "overload")
    return Kept(number, "press-3", picture, header, MODEL, outcome, reason, found, 0, decoded)


async def shot(shots: Shots, picture: Kept, *, large: bool = False) -> tuple[dict[str, Any], bytes]:
    """Answer the document and the picture in it."""
    document = json.loads(await shots.get(picture, large=large, now_ns=SECOND_NS // 4))
    head, _, data = document.pop("picture").partition(",")
    assert head == "data:image/jpeg;base64"
    return document, b64decode(data)


async def test_a_small_jpeg_goes_out_as_it_came(shots: Shots) -> None:
    """Byte by byte, with all that is known of it."""
    data = encoded(".jpg")
    document, sent = await shot(shots, kept(EncodedPicture(data), number=5, found=FOUND))
    assert sent == data
    assert document == {
        "number": 5,
        "camera": "press-3",
        "width": 64,
        "height": 48,
        "age_seconds": 0.25,
        "outcome": "OK",
        "reason": "",
        "detections": [
            {"box": [10.0, 20.0, 1200.0, 900.0], "score": 0.9, "label": "bolt", "class_id": 1},
            {"box": [1.0, 2.0, 3.0, 4.0], "score": 0.4, "label": "7", "class_id": 7},
        ],
    }


@pytest.mark.parametrize("kind", ["raw", "png", "heavy jpeg", "wide jpeg"])
async def test_other_pictures_are_drawn_smaller(shots: Shots, kind: str) -> None:
    """At most 640 pixels, at most 1920 where more is asked for; the size told stays the source's."""
    pictures: dict[str, Picture] = {
        "raw": RawPicture(NOISE.tobytes(), 1280, 960, "bgr"),
        "png": EncodedPicture(encoded(".png", 960, 1280)),
        "heavy jpeg": EncodedPicture(cv2.imencode(".jpg", NOISE, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()),
        "wide jpeg": EncodedPicture(encoded(".jpg", 1920, 2560)),
    }
    picture = pictures[kind]
    size = read_header(picture, Limits())
    for large, longest in ((False, 640), (True, min(1920, size.width))):
        document, sent = await shot(shots, kept(picture, found=FOUND), large=large)
        header = read_header(EncodedPicture(sent), Limits())
        assert (header.width, header.height, header.format) == (longest, longest * 3 // 4, "jpeg")
        assert (document["width"], document["height"]) == size[:2]
        assert document["detections"][0]["box"] == [10.0, 20.0, 1200.0, 900.0]


async def test_only_what_a_decoder_got_through_is_decoded_here(shots: Shots) -> None:
    """Another picture could be the one of which this process dies; a small JPEG goes out without being decoded."""
    with pytest.raises(InvalidFrame, match="answered REJECTED before its picture was decoded"):
        await shot(shots, kept(EncodedPicture(encoded(".png")), decoded=False))
    data = encoded(".jpg")
    assert (await shot(shots, kept(EncodedPicture(data), decoded=False)))[1] == data


async def test_a_turned_jpeg_is_sent_upright(shots: Shots) -> None:
    """Boxes are in pixels of the upright picture, and not every reader turns pictures."""
    plain = encoded(".jpg", 40, 80)
    turned = plain[:2] + segment(0xE1, b"Exif\0\0" + tiff(6)) + plain[2:]
    document, sent = await shot(shots, kept(EncodedPicture(turned), found=FOUND))
    assert (document["width"], document["height"]) == (40, 80)
    assert read_header(EncodedPicture(sent), Limits())[:2] == (40, 80)


async def test_a_shot_is_made_once_for_all(shots: Shots) -> None:
    """Who asks while it is being made waits for the same, and who asks later gets it with its new age."""
    picture = kept(EncodedPicture(encoded(".png")))
    first, second = await asyncio.gather(*(shots.get(picture, large=False, now_ns=0) for _ in range(2)))
    assert first == second
    assert repr(shots).startswith("Shots(1 made, ")
    later = json.loads(await shots.get(picture, large=False, now_ns=3 * SECOND_NS))
    assert (later.pop("age_seconds"), later) == (
        3.0,
        {k: v for k, v in json.loads(first).items() if k != "age_seconds"},
    )


async def test_a_newer_picture_takes_the_place_of_the_older(shots: Shots) -> None:
    """Of each camera one is kept, in each size."""
    for number in (1, 2, 3):
        document, _ = await shot(shots, kept(EncodedPicture(encoded(".png", value=number)), number=number))
        assert document["number"] == number
    await shot(shots, kept(EncodedPicture(encoded(".png")), number=3), large=True)
    assert repr(shots).startswith("Shots(2 made, ")


async def test_what_is_kept_is_bounded() -> None:
    """The oldest goes."""
    shots = Shots(cache_bytes=1)
    document, _ = await shot(shots, kept(EncodedPicture(encoded(".png"))))
    assert (document["outcome"], document["reason"]) == ("REJECTED", "overload")
    assert repr(shots) == "Shots(0 made, 0 bytes, 0 being made)"
    shots.close()


async def test_a_broken_picture_is_an_error_each_time(shots: Shots) -> None:
    """Which says so; another one of the camera is made all the same."""
    broken = kept(EncodedPicture(encoded(".png")[:-20]))
    for _ in range(2):
        with pytest.raises(InvalidFrame, match="truncated png"):
            await shots.get(broken, large=False, now_ns=0)
    await shot(shots, kept(EncodedPicture(encoded(".png"))))


async def test_at_most_two_hundred_boxes_are_told(shots: Shots) -> None:
    """The best."""
    scores = np.linspace(1, 0, 300, dtype=np.float32)
    many = Detections(np.zeros((300, 4), np.float32), scores, np.zeros(300, np.int32))
    document, _ = await shot(shots, kept(EncodedPicture(encoded(".jpg")), found=many))
    assert [len(document["detections"]), document["detections"][0]["score"]] == [200, 1.0]


async def test_who_waits_when_it_ends_is_told() -> None:
    """And is not cancelled itself."""
    shots = Shots()
    waiting = asyncio.create_task(shots.get(kept(EncodedPicture(encoded(".png"))), large=False, now_ns=0))
    await asyncio.sleep(0)
    shots.close()
    with pytest.raises(LookupError, match="only while somebody looks"):
        await waiting
