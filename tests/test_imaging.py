"""framebatch.detection.imaging and geometry: pixels that arrive where and as the network wants them."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_headers import chunk, jpeg_with, segment, tiff

from framebatch.detection.geometry import Geometry, Resize, plan_resize, to_source
from framebatch.detection.imaging import decode, prepare, use_one_thread_per_picture
from framebatch.errors import InvalidFrame
from framebatch.frame import EncodedPicture, RawPicture, Region

Pixels = npt.NDArray[np.uint8]
NETWORK = Resize(width=64, height=48)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    use_one_thread_per_picture()


def corners(high: int = 6, wide: int = 10) -> Pixels:
    """Make an RGB picture that tells all its mirror images and turns apart."""
    picture = np.arange(high * wide * 3, dtype=np.uint8).reshape(high, wide, 3)
    picture[0, 0] = (255, 0, 0)
    return picture


def png(rgb: Pixels, *, orientation: int = 0) -> EncodedPicture:
    """Encode without loss."""
    done, data = cv2.imencode(".png", rgb[..., ::-1])
    assert done
    content = data.tobytes()
    exif = chunk(b"eXIf", tiff(orientation)) if orientation else b""
    return EncodedPicture(content[:33] + exif + content[33:])


def seen_by_camera(upright: Pixels, orientation: int) -> Pixels:
    """Apply the EXIF definition: where row 0 and column 0 of the stored picture lie in the upright one."""
    stored = upright if orientation < 5 else upright.transpose(1, 0, 2)
    rows, columns = {
        1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (-1, 1), 7: (-1, -1), 8: (1, -1),
    }[orientation]  # fmt: skip
    return np.ascontiguousarray(stored[::rows, ::columns])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation: int) -> None:
    """Whatever way the camera was held, the picture comes out the same."""
    upright = corners()
    found = decode(png(seen_by_camera(upright, orientation), orientation=orientation), "rgb")
    np.testing.assert_array_equal(found, upright)


def test_opencv_turns_a_jpeg_the_same_way() -> None:
    """Our own turning agrees with what OpenCV does by itself for JPEG."""
    smooth = cv2.resize(corners(), (96, 48), interpolation=cv2.INTER_LINEAR)
    plain = cv2.imencode(".jpg", smooth)[1].tobytes()
    for orientation in range(1, 9):
        data = plain[:2] + segment(0xE1, b"Exif\0\0" + tiff(orientation)) + plain[2:]
        own = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(decode(EncodedPicture(data), "bgr"), own)


def test_colour_order_is_the_models() -> None:
    """RGB and BGR are each other's reverse, from files and from raw samples."""
    picture = corners()
    file, raw = png(picture), RawPicture(picture.tobytes(), 10, 6, "rgb")
    for source in (file, raw, RawPicture(picture[..., ::-1].tobytes(), 10, 6, "bgr")):
        np.testing.assert_array_equal(decode(source, "rgb"), picture)
        np.testing.assert_array_equal(decode(source, "bgr"), picture[..., ::-1])


def test_grey_transparent_and_16_bit_become_three_bytes() -> None:
    """Whatever the samples were, the network's picture has three channels of 8 bits."""
    grey = np.arange(60, dtype=np.uint8).reshape(6, 10)
    deep = grey.astype(np.uint16) << 8
    transparent = np.dstack((corners()[..., ::-1], np.full((6, 10), 9, np.uint8)))
    for stored, wanted in ((grey, np.dstack([grey] * 3)), (deep, np.dstack([grey] * 3)), (transparent, corners())):
        data = cv2.imencode(".png", stored)[1].tobytes()
        np.testing.assert_array_equal(decode(EncodedPicture(data), "rgb"), wanted)
    np.testing.assert_array_equal(decode(RawPicture(grey.tobytes(), 10, 6, "gray"), "rgb"), np.dstack([grey] * 3))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
@pytest.mark.parametrize("kept", [0.5, 0.9, -1])
def test_a_truncated_file_is_never_a_partly_grey_picture(suffix: str, kept: float) -> None:
    """Half a file, nearly all of it, or all but the last byte: each is refused."""
    noise = np.random.default_rng(3).integers(0, 256, (90, 70, 3), np.uint8)
    data = cv2.imencode(suffix, noise)[1].tobytes()
    cut = data[: int(len(data) * kept) if kept > 0 else -1]
    with pytest.raises(InvalidFrame, match=r"truncated|header"):
        decode(EncodedPicture(cut), "rgb")


def test_an_end_mark_inside_a_thumbnail_does_not_count() -> None:
    """A JPEG cut off behind its header is refused although its preview ends properly."""
    cut = jpeg_with(segment(0xE1, b"Exif\0\0" + tiff(1) + b"\xff\xd8preview\xff\xd9"))[:-2]
    with pytest.raises(InvalidFrame, match=r"a truncated jpeg: it stops after .* bytes without its end mark"):
        decode(EncodedPicture(cut), "rgb")


def test_bytes_after_the_end_do_no_harm() -> None:
    """Cameras pad their files."""
    assert decode(EncodedPicture(jpeg_with() + bytes(5000)), "rgb").shape == (30, 50, 3)


def test_broken_content_is_refused() -> None:
    """A file with a good header and rubbish behind it is the sender's fault."""
    data = png(corners()).data
    with pytest.raises(InvalidFrame, match="broken or truncated png"):
        decode(EncodedPicture(data[:40] + bytes(30) + data[70:]), "rgb")


def test_a_header_that_contradicts_the_data_is_refused() -> None:
    """A WebP whose canvas is not the size of its picture: memory is planned by the header, so data must keep to it."""
    body = cv2.imencode(".webp", corners(), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()[12:]
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + bytes((3, 0, 0, 3, 0, 0))
    chunks = b"WEBP" + canvas + body
    with pytest.raises(InvalidFrame, match="webp"):
        decode(EncodedPicture(b"RIFF" + struct.pack("<I", len(chunks)) + chunks), "rgb")


def test_a_bmp_stored_from_the_top_is_not_turned_over() -> None:
    """A negative height means that the rows come in reading order."""
    picture = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(6, 8, 3)
    file = cv2.imencode(".bmp", picture)[1].tobytes()
    top_down = file[:22] + struct.pack("<i", -6) + file[26:]
    np.testing.assert_array_equal(decode(EncodedPicture(top_down), "bgr"), picture[::-1])


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


@given(
    st.integers(1, 8000),
    st.integers(1, 6000),
    st.sampled_from(["letterbox", "letterbox_topleft", "stretch"]),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_boxes_return_to_where_they_came_from(
    wide: int, high: int, mode: str, network: tuple[int, int], shares: list[float]
) -> None:
    """A point of the source, brought to the network's picture and back, moves by less than half a pixel."""
    resize = Resize(width=network[0] * 32, height=network[1] * 32, mode=mode)
    geometry = plan_resize(resize, wide, high)
    assert 0 <= geometry.left <= resize.width - geometry.inner_width
    assert 0 <= geometry.top <= resize.height - geometry.inner_height
    points = np.array(shares) * (wide, high, wide, high)
    forth = points * ([geometry.scale_x, geometry.scale_y] * 2) + [geometry.left, geometry.top] * 2
    back = to_source(forth.astype(np.float32)[None], np.zeros(1, np.intp), [geometry])[0]
    assert np.abs(back - points).max() < 0.5


def test_boxes_are_clipped_to_what_the_network_saw() -> None:
    """Beyond the picture, or beyond its region, there is nothing."""
    boxes = np.array([[-50, -50, 500, 500]] * 2, np.float32)
    whole, part = plan_resize(NETWORK, 100, 80), plan_resize(NETWORK, 100, 80, Region(10, 20, 30, 40))
    np.testing.assert_array_equal(
        to_source(boxes, np.array([0, 1]), [whole, part]), [[0, 0, 100, 80], [10, 20, 40, 60]]
    )


@pytest.mark.parametrize("mode", ["letterbox", "letterbox_topleft", "stretch"])
@pytest.mark.parametrize(("high", "wide"), [(48, 64), (24, 64), (20, 200), (200, 20), (1, 1), (333, 17)])
def test_the_network_picture_is_resized_into_place(mode: str, high: int, wide: int) -> None:
    """Contiguous bytes of the network's size: the resized picture, and padding of the set value all round."""
    picture = np.random.default_rng(1).integers(0, 256, (high, wide, 3), np.uint8)
    resize = Resize(width=64, height=48, mode=mode, pad=7)
    raw = RawPicture(picture.tobytes(), wide, high, "rgb")
    prepared = prepare(raw, None, resize=resize, color="rgb")
    pixels, place = prepared.pixels, prepared.geometry
    wanted = np.full((48, 64, 3), 7, np.uint8)
    inner = cv2.resize(picture, (place.inner_width, place.inner_height), interpolation=cv2.INTER_LINEAR)
    wanted[place.top : place.top + place.inner_height, place.left : place.left + place.inner_width] = inner
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, wanted)
    elsewhere = np.zeros_like(wanted)
    assert prepare(raw, None, resize=resize, color="rgb", out=elsewhere).pixels is elsewhere
    np.testing.assert_array_equal(elsewhere, wanted)


def test_a_region_is_cut_out_before_resizing() -> None:
    """Only the region is seen, and its geometry says where it lay."""
    picture = np.random.default_rng(2).integers(0, 256, (100, 120, 3), np.uint8)
    region = Region(30, 20, 64, 48)
    prepared = prepare(png(picture), region, resize=NETWORK, color="rgb")
    np.testing.assert_array_equal(prepared.pixels, picture[20:68, 30:94])
    assert prepared.geometry == Geometry(64, 48, 0, 0, 1.0, 1.0, 30, 20, 64, 48)


@pytest.mark.parametrize("region", [Region(0, 0, 11, 6), Region(5, 5, 1, 2), Region(-1, 0, 2, 2), Region(0, 0, 0, 3)])
def test_a_region_outside_the_picture_is_refused(region: Region) -> None:
    """It must lie inside and hold at least one pixel."""
    with pytest.raises(InvalidFrame, match=r"region is x=.* it must lie inside the picture of 10 x 6"):
        prepare(png(corners()), region, resize=NETWORK, color="rgb")


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


def test_broken_pictures_write_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """A camera that sends rubbish cannot fill the log through OpenCV."""
    cut = cv2.imencode(".bmp", corners())[1].tobytes()[:-9]
    with pytest.raises(InvalidFrame):
        decode(EncodedPicture(cut), "rgb")
    assert capfd.readouterr().err == ""
