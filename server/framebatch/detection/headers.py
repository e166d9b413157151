"""What the first bytes of a picture say: format, size, EXIF orientation. Bytes in, numbers out.

Only parsing belongs here: nothing is decoded, no picture library is imported, no memory is taken in proportion to what
a header claims. It runs on the event loop for every frame, so each loop is bounded and jumps by the lengths that the
format gives; what is broken is the sender's fault (`InvalidFrame`).

Sources of the layouts: ITU-T T.81 (JPEG), the PNG specification third edition, RFC 9649 (WebP), the Exif 2.32 tag
table, and the BITMAPCOREHEADER and BITMAPINFOHEADER structures (BMP).
"""

# ruff: noqa: PLR2004 - a file format is made of numbers, named by the layouts cited above
from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from framebatch.errors import InvalidFrame
from framebatch.frame import EncodedPicture, Header, Picture, RawPicture

__all__ = ["ACCEPTED", "CHANNELS", "FIRST_TURNED", "FileHeader", "Limits", "parse_file_header", "read_header"]

ACCEPTED: Final = "JPEG, PNG, WebP, BMP"
FIRST_TURNED: Final = 5
"""The EXIF orientations from here to 8 exchange rows and columns."""
CHANNELS: Final = {"bgr": 3, "rgb": 3, "gray": 1}

_MAX_SEGMENTS: Final = 1000  # a real file has some dozens; more would only keep the event loop busy
_MAX_EXIF_TAGS: Final = 128
_JPEG_SIZE_MARKERS: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_OTHER_FORMATS: Final = (
    (b"GIF8", "a GIF"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\0\0\1\0", "an ICO"),
    (b"\0\0\0\x0cjP", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"\xff\x0a", "a JPEG XL"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How large a picture may be, checked on its header before anything is decoded.

    Attributes:
        max_bytes: Length of the encoded file or of the raw samples, in bytes; default 32 MiB.
        max_pixels: Width times height; default 50 million.
    """

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")


class FileHeader(NamedTuple):
    """What decoding needs to know of a picture file."""

    header: Header
    """Size in pixels after rotation."""
    orientation: int
    """EXIF orientation, 1 to 8; 1 where the file says nothing."""
    body: int
    """Offset of the first byte behind the header that was read; the end-of-picture mark lies after it."""


def read_header(picture: Picture, limits: Limits) -> Header:
    """Answer format and size (after EXIF rotation) of a picture without decoding it; some microseconds.

    Raises:
        InvalidFrame: empty, of no accepted format, truncated, larger than `limits`, or raw samples whose number does
            not match their size.

    """
    length = len(picture.data)
    field = "encoded" if isinstance(picture, EncodedPicture) else "raw.pixels"
    if not length:
        raise InvalidFrame(f"{field} is empty; send {ACCEPTED} or raw pixels")
    if length > limits.max_bytes:
        raise InvalidFrame(
            f"{field} has {length} bytes; the limit is {limits.max_bytes}: send a smaller picture or a region of it"
        )
    header = _raw_header(picture) if isinstance(picture, RawPicture) else parse_file_header(picture.data).header
    width, height, name = header
    if width < 1 or height < 1:
        raise InvalidFrame(f"the {name} picture is {width} x {height} pixels; both must be at least 1")
    if width * height > limits.max_pixels:
        raise InvalidFrame(
            f"the {name} picture is {width} x {height} = {width * height} pixels; the limit is {limits.max_pixels}: "
            "send a smaller picture or a region of it"
        )
    return header


def parse_file_header(data: bytes) -> FileHeader:
    """Answer what the header of a picture file says; nothing but the header is checked.

    Raises:
        InvalidFrame: of no accepted format, or truncated before the size was found.

    """
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:2] == b"BM":
        return _bmp(data)
    raise InvalidFrame(f"encoded looks like {_guess(data)}; accepted are {ACCEPTED} and raw pixels")


def _raw_header(picture: RawPicture) -> Header:
    channels = CHANNELS.get(picture.layout)
    if channels is None:
        raise InvalidFrame(f"raw.layout is {picture.layout!r}; it must be one of {', '.join(CHANNELS)}")
    needed = picture.width * picture.height * channels
    if picture.width >= 1 and picture.height >= 1 and len(picture.data) != needed:
        raise InvalidFrame(
            f"raw.pixels has {len(picture.data)} bytes; {picture.width} x {picture.height} in layout "
            f"{picture.layout} needs exactly {needed}: send the rows without padding"
        )
    return Header(picture.width, picture.height, "raw")


def _jpeg(data: bytes) -> FileHeader:
    size, at, orientation = len(data), 2, 1
    for _ in range(_MAX_SEGMENTS):
        if at + 4 > size:
            break
        if data[at] != 0xFF:
            raise InvalidFrame(f"encoded is a broken JPEG: no marker at byte {at}; send the file as the camera made it")
        marker = data[at + 1]
        if marker in _JPEG_SIZE_MARKERS:
            if at + 9 > size:
                break
            height = data[at + 5] << 8 | data[at + 6]
            width = data[at + 7] << 8 | data[at + 8]
            return _rotated(width, height, "jpeg", orientation, at + 9)
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _JPEG_BARE_MARKERS:
            at += 2
        elif marker in {0xD9, 0xDA}:
            raise InvalidFrame("encoded is a broken JPEG: its picture data come before its size; send another file")
        else:
            length = data[at + 2] << 8 | data[at + 3]
            if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
                orientation = _exif_orientation(data[at + 10 : at + 2 + length])
            at += 2 + max(length, 2)
    else:
        raise InvalidFrame(f"encoded is a JPEG with over {_MAX_SEGMENTS} segments before its size; strip its metadata")
    raise _truncated("JPEG", size)


def _png(data: bytes) -> FileHeader:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise _truncated("PNG", len(data))
    width, height = _big(data, 16), _big(data, 20)
    orientation, at = 1, 33
    for _ in range(_MAX_SEGMENTS):  # an eXIf chunk behind the picture data is not looked for
        kind = data[at + 4 : at + 8]
        if kind in {b"IDAT", b""}:
            break
        if kind == b"eXIf":
            orientation = _exif_orientation(data[at + 8 : at + 8 + _big(data, at)])
            break
        at += 12 + _big(data, at)
    return _rotated(width, height, "png", orientation, 33)


def _webp(data: bytes) -> FileHeader:
    kind = data[12:16]
    if len(data) < 30:
        raise _truncated("WebP", len(data))
    orientation = 1
    if kind == b"VP8 ":
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        if data[20] & 0x08:
            orientation = _webp_orientation(data)
    else:
        raise InvalidFrame(f"encoded is a WebP whose first chunk is {kind!r}; send VP8, VP8L or VP8X")
    return _rotated(width, height, "webp", orientation, 30)


def _webp_orientation(data: bytes) -> int:
    at = 30
    for _ in range(_MAX_SEGMENTS):
        kind = data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"EXIF":
            block = data[at + 8 : at + 8 + length]
            return _exif_orientation(block[6:] if block[:6] == b"Exif\0\0" else block)
        if not kind:
            break
        at += 8 + length + (length & 1)
    return 1


def _bmp(data: bytes) -> FileHeader:
    if len(data) < 26:
        raise _truncated("BMP", len(data))
    if int.from_bytes(data[14:18], "little") == 12:
        width, height = (int.from_bytes(data[at : at + 2], "little") for at in (18, 20))
    else:
        width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    return FileHeader(Header(width, abs(height), "bmp"), 1, 26)  # a negative height means rows from the top


def _exif_orientation(block: bytes) -> int:
    """Answer tag 0x0112 of the first directory of a TIFF structure; 1 when it is absent or makes no sense."""
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(block[:4])
    if order is None:
        return 1
    wanted = b"\x12\x01" if order == "little" else b"\x01\x12"
    little = order == "little"
    start = int.from_bytes(block[4:8], "little" if little else "big")
    count = int.from_bytes(block[start : start + 2], "little" if little else "big")
    for at in range(start + 2, start + 2 + 12 * min(count, _MAX_EXIF_TAGS), 12):
        if block[at : at + 2] == wanted:
            value = int.from_bytes(block[at + 8 : at + 10], "little" if little else "big")
            return value if 1 <= value <= 8 else 1
    return 1


def _rotated(width: int, height: int, name: str, orientation: int, body: int) -> FileHeader:
    if orientation >= FIRST_TURNED:
        width, height = height, width
    return FileHeader(Header(width, height, name), orientation, body)


def _big(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _truncated(name: str, size: int) -> InvalidFrame:
    return InvalidFrame(f"encoded is a {name} that ends inside its header, after {size} bytes; send the whole file")


def _guess(data: bytes) -> str:
    for start, name in _OTHER_FORMATS:
        if data.startswith(start):
            return name
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or MP4 file"
    head = data[:64]
    if all(byte >= 32 or byte in b"\t\n\r" for byte in head):
        return f"text ({head[:24].decode('utf-8', 'replace')!r})"
    return f"an unknown format (first bytes {data[:8].hex(' ')})"
