"""What server and decoder say to each other: requests and results, some to a message. Bytes only.

Requests travel over a SOCK_SEQPACKET socket that all decoders read: the kernel gives each message to a decoder that is idle.
Results travel over one pipe that all decoders write: messages below PIPE_BUF bytes are never mixed (pipe(7)), and the
server takes many with one read.
"""

from __future__ import annotations

from struct import Struct, pack, unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.frame import EncodedPicture, Picture, RawPicture, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FAILED",
    "IDLE",
    "INVALID",
    "MAX_CHUNK",
    "MAX_MESSAGE_BYTES",
    "MAX_SLOTS",
    "MAX_TICKET",
    "PREPARED",
    "RESULT_BYTES",
    "TAKING",
    "Request",
    "Result",
    "pack_request",
    "pack_result",
    "unpack_requests",
    "unpack_results",
]

_REQUEST: Final = Struct("<HIIBIIB4I")
_RESULT: Final = Struct("<IQQB220p")
_LAYOUTS: Final = ("", "bgr", "rgb", "gray")
MAX_CHUNK: Final = 16
"""Requests in a message; as many results stay below PIPE_BUF."""
MAX_SLOTS: Final = 1024
"""Slots that one message names."""
MAX_MESSAGE_BYTES: Final = MAX_CHUNK * _REQUEST.size + MAX_SLOTS * 4
RESULT_BYTES: Final = _RESULT.size
IDLE: Final = 0
TAKING: Final = 0xFFFFFFFF
"""Notes of a decoder without a chunk: it has none for sure; it may have taken one and not noted it yet."""
MAX_TICKET: Final = TAKING - 1
MAX_TEXT: Final = 219
PREPARED: Final = 0
INVALID: Final = 1
FAILED: Final = 2


class Request(NamedTuple):
    """One picture to prepare."""

    slots: tuple[int, ...]
    """Where the pixels go, one for each part that the network looks at."""
    ticket: int
    """Echoed in the result; 1 to MAX_TICKET."""
    length: int
    """Bytes of the picture, in the first slot or in a file descriptor that travels along."""
    attached: bool
    layout: str
    """Empty for an encoded picture."""
    width: int
    height: int
    region: Region | None

    def picture(self, data: bytes) -> Picture:
        """The picture that `data` holds."""
        return RawPicture(data, self.width, self.height, self.layout) if self.layout else EncodedPicture(data)


class Result(NamedTuple):
    """What became of it."""

    ticket: int
    started_ns: int
    finished_ns: int
    status: int
    """PREPARED, INVALID or FAILED."""
    text: str


def pack_request(
    slots: Sequence[int], ticket: int, picture: Picture, region: Region | None, *, attached: bool
) -> bytes:
    """A request as bytes."""
    if isinstance(picture, RawPicture):
        layout, width, height = _LAYOUTS.index(picture.layout), picture.width, picture.height
    else:
        layout = width = height = 0
    area = region or (0, 0, 0, 0)
    fixed = _REQUEST.pack(len(slots), ticket, len(picture.data), layout, width, height, attached, *area)
    return fixed + pack(f"<{len(slots)}I", *slots)


def unpack_requests(message: bytes) -> list[Request]:
    """The requests in a message."""
    found, at = [], 0
    while at < len(message):
        count, ticket, length, layout, width, height, attached, *area = _REQUEST.unpack_from(message, at)
        slots = unpack_from(f"<{count}I", message, at + _REQUEST.size)
        at += _REQUEST.size + 4 * count
        region = Region(*area) if area[2] else None
        found.append(Request(slots, ticket, length, bool(attached), _LAYOUTS[layout], width, height, region))
    return found


def pack_result(result: Result) -> bytes:
    """A result as bytes; long texts are cut."""
    return _RESULT.pack(*result[:4], result.text.encode()[:MAX_TEXT])


def unpack_results(data: bytes) -> list[Result]:
    """All results in what was read."""
    return [
        Result(ticket, started_ns, finished_ns, status, text.decode(errors="replace") if status else "")
        for ticket, started_ns, finished_ns, status, text in _RESULT.iter_unpack(data)
    ]
