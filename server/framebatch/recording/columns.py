"""Columns of integers as bytes: what changes little is stored as differences, and bytes of equal weight lie together.

Both is for the compressor, which then finds long runs of zeros. Nothing of records or files is known here.
"""

from __future__ import annotations

import struct
from itertools import accumulate, chain, compress
from operator import sub
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ColumnReader", "ColumnWriter"]

LENGTH: Final = struct.Struct("<I")
MASK: Final = (1 << 64) - 1
"""Sequence numbers are unsigned and have 64 bits, and so have their differences, modulo that."""


class ColumnWriter:
    """Packs columns one after the other. Times are 0 to 2**62 nanoseconds."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def __repr__(self) -> str:
        return f"ColumnWriter({len(self._parts) // 2} columns)"

    def content(self) -> bytes:
        """All columns so far."""
        return b"".join(self._parts)

    def raw(self, content: bytes) -> None:
        """Bytes as they are."""
        self._parts += (LENGTH.pack(len(content)), content)

    def plain(self, code: str, values: Sequence[int]) -> None:
        """Values as they are; `code` is that of `struct`."""
        width = struct.calcsize(code)
        packed = struct.pack(f"<{len(values)}{code}", *values)
        self.raw(b"".join(packed[place::width] for place in range(width)) if width > 1 else packed)

    def rising(self, values: Sequence[int]) -> None:
        """Times, each as the difference from the one before."""
        self.plain("q", [*map(sub, values, chain((0,), values))])

    def after(self, values: Sequence[int], base: Sequence[int]) -> None:
        """Times, each as the difference from its partner in `base`."""
        self.plain("q", [*map(sub, values, base)])

    def rising_where_set(self, values: Sequence[int]) -> None:
        """As `rising`, apart from zeros, which stay zeros and are skipped."""
        self.raw(bytes(map(bool, values)))
        self.rising([*filter(None, values)])

    def after_where_set(self, values: Sequence[int], base: Sequence[int]) -> None:
        """As `after`, likewise."""
        self.raw(bytes(map(bool, values)))
        self.after([*filter(None, values)], [*compress(base, values)])

    def counters(self, values: Sequence[int], owners: Sequence[int]) -> None:
        """Unsigned numbers, each as the difference from the one before of the same owner."""
        last: dict[int, int] = {}
        steps = []
        for owner, value in zip(owners, values, strict=True):
            steps.append((value - last.get(owner, 0)) & MASK)
            last[owner] = value
        self.plain("Q", steps)


class ColumnReader:
    """Gives back, in the same order and by methods of the same names, what a `ColumnWriter` was given.

    Raises `struct.error`, `IndexError` or `ValueError` for bytes that are none of its.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def __repr__(self) -> str:
        return f"ColumnReader({self._at} of {len(self._content)} bytes)"

    def raw(self) -> bytes:
        """Bytes as they were."""
        (length,) = LENGTH.unpack_from(self._content, self._at)
        begin = self._at + LENGTH.size
        self._at = begin + length
        if self._at > len(self._content):
            raise ValueError(f"a column of {length} bytes goes beyond the end")
        return self._content[begin : self._at]

    def plain(self, code: str) -> tuple[int, ...]:
        """Values as they were."""
        content, width = self.raw(), struct.calcsize(code)
        count = len(content) // width
        packed = bytearray(count * width)
        for place in range(width):
            packed[place::width] = content[place * count : (place + 1) * count]
        return struct.unpack(f"<{count}{code}", packed)

    def rising(self) -> list[int]:
        """Each the sum of all differences up to it."""
        return [*accumulate(self.plain("q"))]

    def after(self, base: Sequence[int]) -> list[int]:
        """Each with its partner in `base` added."""
        return [more + before for more, before in zip(self.plain("q"), base, strict=True)]

    def rising_where_set(self) -> list[int]:
        """Zeros where there were zeros."""
        which = self.raw()
        return _spread(which, self.rising())

    def after_where_set(self, base: Sequence[int]) -> list[int]:
        """Likewise."""
        which = self.raw()
        return _spread(which, self.after([*compress(base, which)]))

    def counters(self, owners: Sequence[int]) -> list[int]:
        """Each the sum of all differences of its owner up to it."""
        last: dict[int, int] = {}
        values = []
        for owner, step in zip(owners, self.plain("Q"), strict=True):
            last[owner] = value = (last.get(owner, 0) + step) & MASK
            values.append(value)
        return values


def _spread(which: bytes, values: Iterable[int]) -> list[int]:
    """The values at the places that are set, zeros elsewhere."""
    following = iter(values)
    return [next(following) if there else 0 for there in which]
