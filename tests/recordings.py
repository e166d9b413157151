"""Records for tests of recordings: any that could be, and plain ones; and a disk that does what a test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from framebatch.frame import Outcome
from framebatch.recording import BatchRecord, Decided, DecisionRecord, FrameRecord, ModelRecord
from framebatch.recording.output import Storage

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.recording.output import Stream

MODEL = ModelRecord("conveyor", "1", "sim", (1, 2, 4), (1_000, 1_500, 2_500), 0.9, 1.1, 4, 2, 2_000_000)

_names = st.text(max_size=12)
_times = st.one_of(st.just(0), st.integers(0, 2**62))
_counts = st.integers(0, 2**32 - 1)
_frames = st.builds(
    FrameRecord,
    model=_names,
    camera=_names,
    sequence=st.integers(0, 2**64 - 1),
    live=st.booleans(),
    rows=_counts,
    priority=st.integers(0, 2),
    arrival_ns=_times,
    deadline_ns=_times,
    ready_ns=_times,
    dispatched_ns=_times,
    started_ns=_times,
    finished_ns=_times,
    answered_ns=_times,
    batch_size=_counts,
    outcome=st.sampled_from(Outcome),
)
_batches = st.builds(
    BatchRecord,
    model=_names,
    frames=_counts,
    bucket=_counts,
    dispatched_ns=_times,
    started_ns=_times,
    finished_ns=_times,
    submitted_ns=_times,
)
_decisions = st.builds(
    DecisionRecord,
    model=_names,
    time_ns=_times,
    start_ns=_times,
    decided=st.sampled_from(Decided),
    frames=_counts,
    waiting=_counts,
    preparing=_counts,
)
_models = st.builds(
    ModelRecord,
    name=_names,
    version=_names,
    device=_names,
    buckets=st.lists(_counts, max_size=4).map(tuple),
    service_ns=st.lists(_times, max_size=4).map(tuple),
    low_ratio=st.floats(0, 1),
    high_ratio=st.floats(1, 10),
    max_batch=_counts,
    decoders=_counts,
    answer_margin_ns=_times,
)
records = st.one_of(_frames, _batches, _decisions, _models)


def frame(sequence: int, camera: str = "press") -> FrameRecord:
    """Answer a frame that was answered OK; its times follow from its number."""
    at = 1_000_000_000 + 33_000_000 * sequence + sequence * sequence % 977_777
    return FrameRecord(
        *("conveyor", camera, sequence, True, 1, 1, at, at + 50_000_000, at + 900_000),
        *(at + 1_000_000, at + 1_200_000, at + 2_300_000, at + 2_500_000, 1, Outcome.OK),
    )


class Disk(Storage):
    """A disk that takes what there is room for.

    Attributes:
        room: bytes that can still be written.
        free: what it says is free.
        total: how large it says it is.
    """

    def __init__(self) -> None:
        self.room = 1 << 30
        self.free = 100 << 30
        self.total = 1000 << 30

    def create(self, path: Path) -> Stream:
        """Open a file that writes until there is no room."""
        return Limited(super().create(path), self)

    def space(self, folder: Path) -> tuple[int, int]:
        """Answer what the test says."""
        assert folder.is_dir()
        return self.total, self.free


class Limited:
    """An open file of such a disk."""

    def __init__(self, stream: Stream, disk: Disk) -> None:
        self._stream = stream
        self._disk = disk

    def write(self, content: memoryview, /) -> int | None:
        """Write what there is room for, at most 100 bytes at a time; ENOSPC when there is none."""
        some = content[: min(100, self._disk.room)]
        if not some:
            raise OSError(28, "No space left on device")
        self._disk.room -= len(some)
        return self._stream.write(some)

    def close(self) -> None:
        """Close it."""
        self._stream.close()
