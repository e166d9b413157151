"""framebatch.detection.imaging: pixels that arrive where and as the network wants them."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from test_headers import chunk, jpeg_with, segment, tiff

from framebatch.detection.geometry import Geometry, Resize, reduction
from framebatch.detection.headers import Limits, parse_file_header, read_header
from framebatch.detection.imaging import decode, prepare, prepare_rows, preview, use_one_thread_per_picture
from framebatch.detection.tiling import Tiles, plan_tiles
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


def smooth(high: int, wide: int) -> Pixels:
    """Make a picture of soft shapes, as lenses do, in RGB."""
    coarse = np.random.default_rng(4).integers(0, 256, (high // 16, wide // 16, 3), np.uint8)
    return cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


@pytest.mark.parametrize(("mode", "color"), [("letterbox", "rgb"), ("letterbox_topleft", "bgr"), ("stretch", "rgb")])
@pytest.mark.parametrize(
    ("region", "factor"), [(None, 8), (Region(60, 256, 1536, 800), 4), (Region(62, 256, 1536, 800), 2)]
)
def test_a_large_jpeg_that_is_decoded_smaller_shows_the_same(
    mode: str, color: str, region: Region | None, factor: int
) -> None:
    """Upright, in the right colours, nothing moved: each pixel is near to the average of those that it stands for."""
    picture = smooth(1216, 1664)
    plain = cv2.imencode(".jpg", picture[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 98))[1].tobytes()
    resize = Resize(width=48, height=48, mode=mode)
    for orientation in range(1, 9):
        data = plain[:2] + segment(0xE1, b"Exif\0\0" + tiff(orientation)) + plain[2:]
        upright = decode(EncodedPicture(data), color)
        high, wide = upright.shape[:2]
        area = region if region is None or orientation < 5 else Region(region.y, region.x, region.height, region.width)
        found = prepare(EncodedPicture(data), area, resize=resize, color=color)
        assert reduction(wide, high, [found.geometry]) == factor
        x, y, width, height = area or (0, 0, wide, high)
        place = found.geometry
        averaged = cv2.resize(
            upright[y : y + height, x : x + width], (width // factor, height // factor), interpolation=cv2.INTER_AREA
        )
        wanted = cv2.resize(averaged, (place.inner_width, place.inner_height), interpolation=cv2.INTER_LINEAR)
        inner = found.pixels[place.top :, place.left :][: place.inner_height, : place.inner_width]
        assert np.abs(inner.astype(int) - wanted).max() <= 4  # moved by one source pixel it would be 16


def test_a_jpeg_whose_size_cannot_be_divided_is_decoded_in_full() -> None:
    """Rounding the size up would move every box a little."""
    picture = np.random.default_rng(5).integers(0, 256, (1201, 1601, 3), np.uint8)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    found = prepare(EncodedPicture(data), None, resize=NETWORK, color="bgr")
    raw = RawPicture(decode(EncodedPicture(data), "bgr").tobytes(), 1601, 1201, "bgr")
    np.testing.assert_array_equal(found.pixels, prepare(raw, None, resize=NETWORK, color="bgr").pixels)


def test_a_truncated_jpeg_is_refused_at_every_scale() -> None:
    """Decoding it smaller would stop in time to miss what is missing."""
    data = cv2.imencode(".jpg", smooth(1216, 1664))[1].tobytes()
    with pytest.raises(InvalidFrame, match="truncated"):
        prepare(EncodedPicture(data[:-300]), None, resize=NETWORK, color="rgb")


@pytest.mark.parametrize("region", [None, Region(10, 20, 170, 90)])
def test_rows_are_what_preparing_each_part_gives(region: Region | None) -> None:
    """One decoding for all of them; into fresh memory, or into places that are given."""
    tiles = Tiles(width=64, height=48, overlap=0.25)
    file = png(np.random.default_rng(6).integers(0, 256, (120, 200, 3), np.uint8))
    parts = plan_tiles(tiles, 200, 120, region)
    found = prepare_rows(file, region, resize=NETWORK, color="rgb", tiles=tiles)
    outs = list(np.zeros((len(parts), 48, 64, 3), np.uint8))
    placed = prepare_rows(file, region, resize=NETWORK, color="rgb", tiles=tiles, outs=outs)
    assert len(found) > 2
    for part, row, other, out in zip(parts, found, placed, outs, strict=True):
        expected = prepare(file, part, resize=NETWORK, color="rgb")
        assert (row.geometry, other.geometry) == (expected.geometry, expected.geometry)
        assert other.pixels is out
        np.testing.assert_array_equal(row.pixels, expected.pixels)
        np.testing.assert_array_equal(out, expected.pixels)


def test_broken_pictures_write_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """A camera that sends rubbish cannot fill the log through OpenCV."""
    cut = cv2.imencode(".bmp", corners())[1].tobytes()[:-9]
    with pytest.raises(InvalidFrame):
        decode(EncodedPicture(cut), "rgb")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("layout", ["bgr", "rgb", "gray"])
def test_a_preview_of_raw_samples_has_their_colours(layout: str) -> None:
    """Whatever their order; a picture that is small enough keeps its size."""
    pixels = np.full((24, 32, 3), (200, 120, 40), np.uint8)
    if layout == "gray":
        pixels = pixels[..., 0]
    data = pixels[..., ::-1].tobytes() if layout == "rgb" else pixels.tobytes()
    shown = cv2.imdecode(np.frombuffer(preview(RawPicture(data, 32, 24, layout), longest=64), np.uint8), 1)
    assert shown is not None
    assert shown.shape == (24, 32, 3)
    assert np.abs(shown.astype(int) - (pixels[..., None] if layout == "gray" else pixels)).max() <= 6


@pytest.mark.parametrize(("size", "expected"), [((640, 480), (64, 48)), ((480, 640), (48, 64)), ((641, 3), (64, 1))])
def test_a_preview_is_as_large_as_asked(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """On its longer side, whether the decoder scales or we do."""
    wide, high = size
    for suffix in (".jpg", ".png"):
        data = cv2.imencode(suffix, np.full((high, wide, 3), 90, np.uint8))[1].tobytes()
        assert read_header(EncodedPicture(preview(EncodedPicture(data), longest=64)), Limits())[:2] == expected


def test_a_preview_is_upright() -> None:
    """Turned as its EXIF orientation says, with none of its own."""
    data = preview(png(seen_by_camera(corners(40, 80), 6), orientation=6), longest=80)
    assert parse_file_header(data) == ((80, 40, "jpeg"), 1, parse_file_header(data).body)


def test_what_cannot_be_decoded_has_no_preview() -> None:
    """The error says so."""
    with pytest.raises(InvalidFrame, match="truncated"):
        preview(EncodedPicture(png(corners(40, 80)).data[:-20]), longest=80)
