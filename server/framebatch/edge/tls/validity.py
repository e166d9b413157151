"""From when until when a certificate is valid, read from its DER. Pure; checks no signature.

The standard library tells dates only of certificates that a peer presented or that are authorities, so the few fields
before them are walked over here (RFC 5280, section 4.1; lengths and tags as in X.690, section 8.1).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

__all__ = ["Validity", "validity_of"]

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_LONG_LENGTH: Final = 0x80
_UTC_TIME_PIVOT: Final = 50


class Validity(NamedTuple):
    """Both in seconds since the Unix epoch; valid in between, ends included."""

    begin: float
    end: float


class _Element(NamedTuple):
    tag: int
    content: bytes
    rest: bytes


def validity_of(der: bytes) -> Validity:
    """Read both times of an X.509 certificate.

    Raises:
        ValueError: these bytes are none.
    """
    certificate = _sequence(_element(der))
    inner = _sequence(_element(certificate)).content
    first = _element(inner)
    if first.tag == _VERSION:
        first = _element(first.rest)
    algorithm = _element(first.rest)  # after the serial number
    issuer = _element(algorithm.rest)
    validity = _sequence(_element(issuer.rest))
    begin = _element(validity.content)
    return Validity(_seconds(begin), _seconds(_element(begin.rest)))


def _sequence(element: _Element) -> _Element:
    if element.tag != _SEQUENCE:
        raise ValueError(f"not a certificate: tag {element.tag:#04x} in place of a sequence")
    return element


def _element(data: bytes | _Element) -> _Element:
    """The first element of some bytes, or of the content of another."""
    octets = data.content if isinstance(data, _Element) else data
    header = 2
    if len(octets) < header:
        raise ValueError("not a certificate: it ends within an element")
    length = octets[1]
    if length >= _LONG_LENGTH:
        header += length - _LONG_LENGTH
        length = int.from_bytes(octets[2:header], "big")
    if len(octets) < header + length:
        raise ValueError("not a certificate: it ends within an element")
    return _Element(octets[0], octets[header : header + length], octets[header + length :])


def _seconds(element: _Element) -> float:
    text = element.content.decode("ascii", "replace")
    if element.tag == _UTC_TIME:
        text = ("20" if int(text[:2]) < _UTC_TIME_PIVOT else "19") + text
    elif element.tag != _GENERALIZED_TIME:
        raise ValueError(f"not a certificate: tag {element.tag:#04x} in place of a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
