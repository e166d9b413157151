"""framebatch.recording.columns: columns of integers as bytes and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.recording.columns import ColumnReader, ColumnWriter

times = st.lists(st.one_of(st.just(0), st.integers(0, 2**62)))
pairs = st.lists(st.tuples(st.one_of(st.just(0), st.integers(0, 2**62)), st.integers(0, 2**62)))


@given(times)
def test_times_come_back(values: list[int]) -> None:
    """Rising or not, zeros included."""
    writer = ColumnWriter()
    writer.rising(values)
    writer.rising_where_set(values)
    reader = ColumnReader(writer.content())
    assert [reader.rising(), reader.rising_where_set()] == [values, values]


@given(pairs)
def test_times_beside_others_come_back(rows: list[tuple[int, int]]) -> None:
    """Before or after their partners; a zero is a zero, whatever its partner is."""
    values, base = [value for value, _ in rows], [partner for _, partner in rows]
    writer = ColumnWriter()
    writer.after(values, base)
    writer.after_where_set(values, base)
    reader = ColumnReader(writer.content())
    assert [reader.after(base), reader.after_where_set(base)] == [values, values]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1))))
def test_sequence_numbers_come_back(rows: list[tuple[int, int]]) -> None:
    """Of several owners, up to the largest that the wire carries."""
    owners, values = [owner for owner, _ in rows], [value for _, value in rows]
    writer = ColumnWriter()
    writer.counters(values, owners)
    assert ColumnReader(writer.content()).counters(owners) == values


def test_regular_columns_become_bytes_that_compress_well() -> None:
    """Bytes of equal weight lie together: of small numbers, all but the first run are zeros."""
    writer = ColumnWriter()
    writer.rising([*range(1_000, 3_000, 2)])
    content = writer.content()[4:]
    assert (len(content), set(content[1:1_000]), set(content[2_000:])) == (8_000, {2}, {0})


def test_a_column_that_goes_beyond_the_end_is_refused() -> None:
    """Bytes that are no columns are not read as such."""
    with pytest.raises(ValueError, match="a column of 4294967295 bytes goes beyond the end"):
        ColumnReader(b"\xff\xff\xff\xff").raw()


def test_they_show_their_state() -> None:
    """How much was written, and read."""
    writer = ColumnWriter()
    writer.plain("I", [1, 2])
    reader = ColumnReader(writer.content())
    reader.plain("I")
    assert (repr(writer), repr(reader)) == ("ColumnWriter(1 columns)", "ColumnReader(12 of 12 bytes)")
