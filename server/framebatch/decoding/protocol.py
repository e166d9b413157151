"""What server and decoder say to each other: fixed-size requests and results, some to a message. Bytes only.

Requests travel over a SOCK_SEQPACKET socket that all decoders read: the kernel gives each message to a decoder that is idle.
Results travel over one pipe that all decoders write: messages below PIPE_BUF bytes are never mixed (pipe(7)), and the
server takes many with one read.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from framebatch.frame import EncodedPicture, Picture, RawPicture, Region

__all__ = [
    "FAILED",
    "INVALID",
    "MAX_CHUNK",
    "PREPARED",
    "REQUEST_BYTES",
    "RESULT_BYTES",
    "Request",
    "Result",
    "pack_request",
    "pack_result",
    "unpack_requests",
    "unpack_results",
]

_REQUEST: Final = Struct("<IIIBIIB4I")
_RESULT: Final = Struct("<IIQQB220p")
_LAYOUTS: Final = ("", "bgr", "rgb", "gray")
MAX_CHUNK: Final = 16
"""Requests in a message; as many results stay below PIPE_BUF."""
REQUEST_BYTES: Final = _REQUEST.size
RESULT_BYTES: Final = _RESULT.size
MAX_TEXT: Final = 219
PREPARED: Final = 0
INVALID: Final = 1
FAILED: Final = 2


class Request(NamedTuple):
    """One picture to prepare."""

    slot: int
    ticket: int
    """Echoed in the result; at most 32 bits, never 0."""
    length: int
    """Bytes of the picture, in the slot or in a file descriptor that travels along."""
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

    slot: int
    ticket: int
    started_ns: int
    finished_ns: int
    status: int
    """PREPARED, INVALID or FAILED."""
    text: str


def pack_request(slot: int, ticket: int, picture: Picture, region: Region | None, *, attached: bool) -> bytes:
    """A request as bytes."""
    if isinstance(picture, RawPicture):
        layout, width, height = _LAYOUTS.index(picture.layout), picture.width, picture.height
    else:
        layout = width = height = 0
    x, y, wide, high = region or (0, 0, 0, 0)
    return _REQUEST.pack(slot, ticket, len(picture.data), layout, width, height, attached, x, y, wide, high)


def unpack_requests(message: bytes) -> list[Request]:
    """The requests in a message."""
    return [
        Request(
            slot, ticket, length, bool(attached), _LAYOUTS[layout], width, height, Region(*area) if area[2] else None
        )
        for slot, ticket, length, layout, width, height, attached, *area in _REQUEST.iter_unpack(message)
    ]


def pack_result(result: Result) -> bytes:
    """A result as bytes; long texts are cut."""
    return _RESULT.pack(*result[:5], result.text.encode()[:MAX_TEXT])


def unpack_results(data: bytes) -> list[Result]:
    """All results in what was read."""
    return [
        Result(slot, ticket, started_ns, finished_ns, status, text.decode(errors="replace") if status else "")
        for slot, ticket, started_ns, finished_ns, status, text in _RESULT.iter_unpack(data)
    ]
