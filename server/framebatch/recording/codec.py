r"""Records as bytes and back. Pure: no file, no clock.

A file is one line that says what it is, one line of JSON, and blocks:

    framebatch recording 1\n
    {"created": "2026-11-21T10:15:00+00:00", "framebatch": "0.1.0", "created_ns": 81235000000}\n
    block, block, ...

Each block can be read without the others: a header (`Heading`), and columns of all its records, compressed by zlib: names once, as JSON, with
the models; then frames, batches and decisions. A header tells how many records were handed in before its block, so that
gaps can be counted. Checksums of header and content tell a block that was written whole from any other bytes.
"""

from __future__ import annotations

import json
import struct
import zlib
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from framebatch.frame import Outcome
from framebatch.recording.columns import ColumnReader, ColumnWriter
from framebatch.recording.records import BatchRecord, Decided, DecisionRecord, FrameRecord, ModelRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from framebatch.recording.records import Record

__all__ = ["HEADING_BYTES", "MAGIC", "Content", "Heading", "decode", "encode", "heading_of", "preamble"]

MAGIC: Final = b"framebatch recording 1\n"
_BLOCK: Final = b"FbRb"
_HEADING: Final = struct.Struct("<4sIIQI")
_CHECKSUM: Final = struct.Struct("<I")
HEADING_BYTES: Final = _HEADING.size + _CHECKSUM.size
_LEVEL: Final = 3
_OUTCOMES: Final = tuple(Outcome)
_OUTCOME_NUMBERS: Final = {outcome: number for number, outcome in enumerate(_OUTCOMES)}
_DECIDED: Final = {int(decided): decided for decided in Decided}


class Heading(NamedTuple):
    """What stands before the content of a block."""

    length: int
    """Of the content, in bytes."""
    records: int
    """Frames, batches and decisions in it."""
    first: int
    """Those handed in before them, whether they were written or lost."""
    checksum: int
    """Of the content."""


class Content(NamedTuple):
    """What a block holds, each kind in the order in which it was handed in."""

    models: tuple[ModelRecord, ...]
    frames: tuple[FrameRecord, ...]
    batches: tuple[BatchRecord, ...]
    decisions: tuple[DecisionRecord, ...]


def preamble(facts: Mapping[str, Any]) -> bytes:
    """What a file begins with."""
    return MAGIC + json.dumps(facts).encode() + b"\n"


def encode(records: Sequence[Record], *, first: int) -> bytes:
    """One block.

    Args:
        records: of any kinds, mixed.
        first: how many records were handed in before them, models not counted.
    """
    models, names, columns = [], _Names(), ColumnWriter()
    frames, batches, decisions = [], [], []
    for record in records:
        if isinstance(record, FrameRecord):
            frames.append(record)
        elif isinstance(record, BatchRecord):
            batches.append(record)
        elif isinstance(record, DecisionRecord):
            decisions.append(record)
        else:
            models.append(record)
    _put_frames(columns, frames, names)
    _put_batches(columns, batches, names)
    _put_decisions(columns, decisions, names)
    head = ColumnWriter()
    head.raw(json.dumps({"models": models, "names": [*names.places]}, separators=(",", ":")).encode())
    content = zlib.compress(head.content() + columns.content(), _LEVEL)
    heading = _HEADING.pack(_BLOCK, len(content), len(records) - len(models), first, zlib.crc32(content))
    return heading + _CHECKSUM.pack(zlib.crc32(heading)) + content


def heading_of(content: bytes) -> Heading | None:
    """The header of a block from its `HEADING_BYTES`; None when that is none, or damaged."""
    if len(content) != HEADING_BYTES or not content.startswith(_BLOCK):
        return None
    heading, checksum = content[: _HEADING.size], content[_HEADING.size :]
    return Heading(*_HEADING.unpack(heading)[1:]) if _CHECKSUM.pack(zlib.crc32(heading)) == checksum else None


def decode(heading: Heading, content: bytes) -> Content | None:
    """What a block holds; None when it is damaged."""
    if zlib.crc32(content) != heading.checksum:
        return None
    columns = ColumnReader(zlib.decompress(content))
    head = json.loads(columns.raw())
    names = head["names"]
    return Content(
        tuple(starmap(_model, head["models"])),
        tuple(_frames(columns, names)),
        tuple(_batches(columns, names)),
        tuple(_decisions(columns, names)),
    )


class _Names:
    """Numbers for names. Invariant: `places` are 0, 1, 2 and so on, in the order of first use."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def __call__(self, names: Iterable[str]) -> list[int]:
        places = self.places
        return [places.setdefault(name, len(places)) for name in names]


def _model(*fields: Any) -> ModelRecord:
    return ModelRecord._make(tuple(field) if isinstance(field, list) else field for field in fields)


def _rows(records: Sequence[tuple[Any, ...]], fields: int) -> Sequence[Sequence[Any]]:
    """Columns of records."""
    return [*zip(*records, strict=True)] if records else [()] * fields


def _put_frames(columns: ColumnWriter, frames: Sequence[FrameRecord], names: _Names) -> None:
    fields = _rows(frames, len(FrameRecord._fields))
    model, camera, sequence, live, rows, priority, arrival, deadline = fields[:8]
    ready, dispatched, started, finished, answered, batch_size, outcome = fields[8:]
    cameras = names(camera)
    columns.plain("I", names(model))
    columns.plain("I", cameras)
    columns.counters(sequence, cameras)
    columns.plain("B", live)
    columns.plain("I", rows)
    columns.plain("B", priority)
    columns.rising(arrival)
    columns.after(deadline, arrival)
    columns.after_where_set(ready, arrival)
    for times in (dispatched, started, finished, answered):
        columns.rising_where_set(times)
    columns.plain("I", batch_size)
    columns.plain("B", [_OUTCOME_NUMBERS[each] for each in outcome])


def _frames(columns: ColumnReader, names: Sequence[str]) -> Iterator[FrameRecord]:
    models, cameras = columns.plain("I"), columns.plain("I")
    sequence = columns.counters(cameras)
    live, rows, priority = map(bool, columns.plain("B")), columns.plain("I"), columns.plain("B")
    arrival = columns.rising()
    deadline, ready = columns.after(arrival), columns.after_where_set(arrival)
    times = [columns.rising_where_set() for _ in range(4)]
    batch_size, outcome = columns.plain("I"), columns.plain("B")
    return map(
        FrameRecord._make,
        zip(
            *([names[place] for place in models], [names[place] for place in cameras], sequence, live, rows, priority),
            *(arrival, deadline, ready, *times, batch_size, [_OUTCOMES[number] for number in outcome]),
            strict=True,
        ),
    )


def _put_batches(columns: ColumnWriter, batches: Sequence[BatchRecord], names: _Names) -> None:
    model, frames, bucket, dispatched, started, finished, submitted = _rows(batches, len(BatchRecord._fields))
    columns.plain("I", names(model))
    columns.plain("I", frames)
    columns.plain("I", bucket)
    columns.rising(dispatched)
    columns.after(started, dispatched)
    columns.after(finished, started)
    columns.after_where_set(submitted, dispatched)


def _batches(columns: ColumnReader, names: Sequence[str]) -> Iterator[BatchRecord]:
    models, frames, bucket = columns.plain("I"), columns.plain("I"), columns.plain("I")
    dispatched = columns.rising()
    started = columns.after(dispatched)
    finished = columns.after(started)
    times = (dispatched, started, finished, columns.after_where_set(dispatched))
    return map(BatchRecord._make, zip([names[place] for place in models], frames, bucket, *times, strict=True))


def _put_decisions(columns: ColumnWriter, decisions: Sequence[DecisionRecord], names: _Names) -> None:
    model, time, start, decided, frames, waiting, preparing = _rows(decisions, len(DecisionRecord._fields))
    columns.plain("I", names(model))
    columns.rising(time)
    columns.after(start, time)
    columns.plain("B", decided)
    for counts in (frames, waiting, preparing):
        columns.plain("I", counts)


def _decisions(columns: ColumnReader, names: Sequence[str]) -> Iterator[DecisionRecord]:
    models, time = columns.plain("I"), columns.rising()
    start = columns.after(time)
    decided = [_DECIDED[number] for number in columns.plain("B")]
    counts = [columns.plain("I") for _ in range(3)]
    found = zip([names[place] for place in models], time, start, decided, *counts, strict=True)
    return map(DecisionRecord._make, found)
