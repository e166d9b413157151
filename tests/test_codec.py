"""framebatch.recording.codec: records as bytes and back."""

from __future__ import annotations

import json

import recordings
from hypothesis import given
from hypothesis import strategies as st

from framebatch.recording import BatchRecord, DecisionRecord, FrameRecord, ModelRecord, Record
from framebatch.recording.codec import HEADING_BYTES, MAGIC, Content, decode, encode, heading_of, preamble


def read(block: bytes) -> Content | None:
    """Answer what a block holds; None when it is none."""
    heading = heading_of(block[:HEADING_BYTES])
    return decode(heading, block[HEADING_BYTES:]) if heading is not None else None


@given(st.lists(recordings.records), st.integers(0, 2**63))
def test_every_record_comes_back(records: list[Record], first: int) -> None:
    """Exactly, each kind in its order; and the header tells how many there are, how long they are and where they belong."""
    block = encode(records, first=first)
    assert read(block) == tuple(
        tuple(record for record in records if isinstance(record, kind))
        for kind in (ModelRecord, FrameRecord, BatchRecord, DecisionRecord)
    )
    heading = heading_of(block[:HEADING_BYTES])
    assert heading is not None
    counted = sum(not isinstance(record, ModelRecord) for record in records)
    assert heading[:3] == (len(block) - HEADING_BYTES, counted, first)


@given(st.lists(recordings.records, max_size=5), st.data())
def test_no_damaged_byte_is_taken_for_a_record(records: list[Record], data: st.DataObject) -> None:
    """Whichever byte of a block is another one, the block is refused, and nothing is raised."""
    block = bytearray(encode(records, first=0))
    at = data.draw(st.integers(0, len(block) - 1))
    block[at] ^= data.draw(st.integers(1, 255))
    assert read(bytes(block)) is None


@given(st.lists(recordings.records, max_size=5), st.data())
def test_no_part_of_a_block_is_taken_for_one(records: list[Record], data: st.DataObject) -> None:
    """Wherever it was cut off."""
    block = encode(records, first=0)
    assert read(block[: data.draw(st.integers(0, len(block) - 1))]) is None


def test_a_regular_frame_takes_few_bytes() -> None:
    """Fewer than its 7 times alone would take as they are."""
    frames = [recordings.frame(sequence) for sequence in range(1_000)]
    assert len(encode(frames, first=0)) < 7 * 8 * len(frames) // 2


def test_a_file_says_what_it_is_to_people_too() -> None:
    """Its first two lines are text."""
    first, second, rest = preamble({"framebatch": "0.1.0"}).split(b"\n")
    assert (first + b"\n", json.loads(second), rest) == (MAGIC, {"framebatch": "0.1.0"}, b"")
