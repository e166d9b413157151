"""framebatch.detection.headers: what a header says, how bad ones are refused, and that nothing is ever decoded."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.detection.headers import Limits, parse_file_header, read_header
from framebatch.errors import InvalidFrame
from framebatch.frame import EncodedPicture, Header, RawPicture

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = Limits()
HIGH, WIDE = 30, 50


def encoded(suffix: str, *, flags: list[int] | None = None) -> bytes:
    """Encode a grey picture of 50 x 30 pixels."""
    done, data = cv2.imencode(suffix, np.full((HIGH, WIDE, 3), 127, np.uint8), flags or [])
    assert done
    return data.tobytes()


def tiff(orientation: int, order: str = "<") -> bytes:
    """Write the smallest EXIF block: one other tag, then the orientation."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    tags = struct.pack(order + "HHIHH", 0x0100, 3, 1, 7, 0) + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return start + struct.pack(order + "IH", 8, 2) + tags + bytes(4)


def segment(marker: int, content: bytes) -> bytes:
    """Write one JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg_with(*segments: bytes) -> bytes:
    """Put segments behind the start of a JPEG."""
    data = encoded(".jpg")
    return data[:2] + b"".join(segments) + data[2:]


def chunk(kind: bytes, content: bytes) -> bytes:
    """Write one PNG chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def read(data: bytes) -> Header:
    """Read the header of a file within the usual limits."""
    return read_header(EncodedPicture(data), LIMITS)


@pytest.mark.parametrize(
    ("suffix", "flags", "name"),
    [
        (".jpg", [], "jpeg"),
        (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], "jpeg"),
        (".png", [], "png"),
        (".webp", [cv2.IMWRITE_WEBP_QUALITY, 80], "webp"),
        (".webp", [cv2.IMWRITE_WEBP_QUALITY, 101], "webp"),
        (".bmp", [], "bmp"),
    ],
)
def test_each_format_tells_its_size(suffix: str, flags: list[int], name: str) -> None:
    """Width, height and name are read from a file as an encoder writes it."""
    assert read(encoded(suffix, flags=flags)) == Header(WIDE, HIGH, name)


def test_bmp_of_the_old_kind_and_from_the_top() -> None:
    """Both header sizes of BMP are read, and a negative height only means that rows start at the top."""
    old = b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 7, 5, 1, 24)
    top_down = b"BM" + bytes(12) + struct.pack("<IiiHH", 40, 7, -5, 1, 24)
    assert [read(old), read(top_down)] == [Header(7, 5, "bmp")] * 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_orientation_of_a_jpeg(orientation: int, order: str) -> None:
    """Orientations 5 to 8 exchange width and height, in both byte orders."""
    found = parse_file_header(jpeg_with(segment(0xE1, b"Exif\0\0" + tiff(orientation, order))))
    assert found.orientation == orientation
    assert found.header == (Header(HIGH, WIDE, "jpeg") if orientation >= 5 else Header(WIDE, HIGH, "jpeg"))


def test_exif_orientation_of_png_and_webp() -> None:
    """PNG carries the block in eXIf, an extended WebP in EXIF."""
    png = encoded(".png")
    turned_png = png[:33] + chunk(b"eXIf", tiff(6)) + png[33:]
    body = encoded(".webp", flags=[cv2.IMWRITE_WEBP_QUALITY, 80])[12:]
    exif = b"EXIF" + struct.pack("<I", len(tiff(8))) + tiff(8)
    extended = b"VP8X" + struct.pack("<IB", 10, 8) + bytes(3) + bytes((WIDE - 1, 0, 0, HIGH - 1, 0, 0))
    chunks = b"WEBP" + extended + body + exif
    turned_webp = b"RIFF" + struct.pack("<I", len(chunks)) + chunks
    assert read(turned_png) == Header(HIGH, WIDE, "png")
    assert read(turned_webp) == Header(HIGH, WIDE, "webp")
    assert parse_file_header(turned_webp).orientation == 8


def test_exif_that_makes_no_sense_is_ignored() -> None:
    """A broken block or an unknown orientation leaves the picture as it is."""
    for block in (b"", b"Exif\0\0", b"Exif\0\0XX*\0", b"Exif\0\0" + tiff(9), b"Exif\0\0" + tiff(6)[:20], b"http://xmp"):
        assert read(jpeg_with(segment(0xE1, block))) == Header(WIDE, HIGH, "jpeg")


def test_long_segments_and_fill_bytes_are_jumped_over() -> None:
    """A comment as long as a segment can be changes nothing; nor do fill bytes between segments."""
    comment = segment(0xFE, b"\xff\xc0" * 30_000)
    assert read(jpeg_with(comment, comment, b"\xff" * 5)) == Header(WIDE, HIGH, "jpeg")


def test_a_jpeg_of_nothing_but_segments_is_given_up() -> None:
    """The search for the size is bounded, so that no file keeps the event loop busy."""
    with pytest.raises(InvalidFrame, match="over 1000 segments before its size; strip its metadata"):
        read(b"\xff\xd8" + segment(0xFE, b"") * 1_000_000)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "encoded is empty; send JPEG, PNG, WebP, BMP or raw pixels"),
        (
            b"76 0.355617 0.674906\n",
            r"looks like text \('76 0.355617 0.674906\\n'\); accepted are JPEG, PNG, WebP, BMP",
        ),
        (b"GIF89a\1\0\1\0", "looks like a GIF"),
        (b"II*\0\x08\0\0\0", "looks like a TIFF"),
        (b"%PDF-1.7", "looks like a PDF"),
        (b"\0\0\0\x1cftypheic", "looks like a HEIC, AVIF or MP4 file"),
        (bytes(range(1, 12)), "an unknown format .first bytes 01 02 03 04 05 06 07 08"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG that ends inside its header, after 10 bytes; send the whole file"),
        (b"\xff\xd8\xff\xda\0\x0c\1\1", "its picture data come before its size"),
        (b"\xff\xd8\xff\xe0\0\4ab\0\0\0\0\0\0", "no marker at byte 8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "a PNG that ends inside its header"),
        (b"RIFF\x10\0\0\0WEBPVP8 \0\0", "a WebP that ends inside its header"),
        (b"RIFF\x10\0\0\0WEBPALPH" + bytes(30), "a WebP whose first chunk is b'ALPH'"),
        (b"BM\0\0", "a BMP that ends inside its header"),
    ],
)
def test_what_cannot_be_a_picture_is_refused_with_a_remedy(data: bytes, message: str) -> None:
    """The message says what the bytes look like and what to send instead."""
    with pytest.raises(InvalidFrame, match=message):
        read(data)


def test_pictures_without_pixels_are_refused() -> None:
    """A width or height of 0 is no picture."""
    png = bytearray(encoded(".png"))
    png[16:20] = bytes(4)
    with pytest.raises(InvalidFrame, match="the png picture is 0 x 30 pixels; both must be at least 1"):
        read(bytes(png))
    with pytest.raises(InvalidFrame, match="the raw picture is 0 x 5 pixels"):
        read_header(RawPicture(b"abc", 0, 5, "rgb"), LIMITS)


def test_a_small_file_that_claims_a_huge_picture_costs_no_memory() -> None:
    """30 000 x 30 000 pixels in a few bytes are refused before anything is decoded."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", bytes(10_000))
    tracemalloc.start()
    with pytest.raises(InvalidFrame, match="30000 x 30000 = 900000000 pixels; the limit is 50000000"):
        read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_files_over_the_limit_are_refused_by_their_length() -> None:
    """The number of bytes is checked first of all."""
    with pytest.raises(InvalidFrame, match="encoded has 11 bytes; the limit is 10"):
        read_header(EncodedPicture(bytes(11)), Limits(max_bytes=10))


@pytest.mark.parametrize(("layout", "channels"), [("rgb", 3), ("bgr", 3), ("gray", 1)])
def test_raw_samples_must_be_as_many_as_their_size_says(layout: str, channels: int) -> None:
    """Exactly width x height x channels bytes, one less is refused."""
    data = bytes(4 * 3 * channels)
    assert read_header(RawPicture(data, 4, 3, layout), LIMITS) == Header(4, 3, "raw")
    with pytest.raises(InvalidFrame, match=rf"4 x 3 in layout {layout} needs exactly {len(data)}"):
        read_header(RawPicture(data[1:], 4, 3, layout), LIMITS)


def test_an_unknown_layout_is_refused() -> None:
    """The three layouts are named."""
    with pytest.raises(InvalidFrame, match=r"raw.layout is 'yuv'; it must be one of bgr, rgb, gray"):
        read_header(RawPicture(b"abc", 1, 1, "yuv"), LIMITS)


@pytest.mark.parametrize("name", ["max_bytes", "max_pixels"])
def test_limits_must_be_positive(name: str) -> None:
    """A limit below 1 is a mistake of whoever configured it."""
    with pytest.raises(ValueError, match=f"{name} is 0; it must be at least 1"):
        Limits(**{name: 0})


@given(
    st.sampled_from(
        [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\0\x40Exif\0\0II*\0", b"\x89PNG\r\n\x1a\n", b"RIFF1234WEBP", b"BM"]
    ),
    st.binary(max_size=200),
)
def test_any_bytes_are_read_or_refused(start: bytes, rest: bytes) -> None:
    """Nothing but InvalidFrame ever leaves, whatever is sent."""
    try:
        header = read(start + rest)
    except InvalidFrame:
        return
    assert header.width >= 1
    assert header.height >= 1


@given(st.sampled_from([".jpg", ".png", ".webp", ".bmp"]), st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_header_is_read_or_refused(suffix: str, place: int, value: int) -> None:
    """One wrong byte near the start leads to a header or to InvalidFrame."""
    data = bytearray(encoded(suffix))
    data[min(place, len(data) - 1)] = value
    try:
        read(bytes(data))
    except InvalidFrame:
        return


def test_real_pictures_tell_the_size_that_decoding_finds(assets: Path) -> None:
    """Header and decoder agree on every test picture."""
    pictures = [path for path in (assets / "images").rglob("*") if path.suffix in {".jpg", ".png", ".webp"}]
    for path in pictures:
        found = read(path.read_bytes())
        upright = cv2.imread(str(path), cv2.IMREAD_COLOR)
        assert upright is not None
        assert (found.height, found.width) == upright.shape[:2], path
    assert len(pictures) > 40
