"""framebatch.recording.writer: records go to the disk, or are counted as lost; nothing else happens."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
import recordings
from recordings import Disk

from framebatch.errors import UsageError
from framebatch.recording import FrameRecord, Recording, RecordingWriter, read_recording
from framebatch.recording.output import FILES, Storage
from framebatch.recording.writer import BLOCK_RECORDS, MAX_QUEUED, PAUSE_NS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from framebatch.recording.output import Stream


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000

    def __call__(self) -> int:
        """Answer the time."""
        return self.now_ns


class Bench:
    """A writer whose disk and clock the test holds, and which the test flushes."""

    def __init__(self, folder: Path, max_bytes: int = 1 << 30) -> None:
        self.folder = folder
        self.disk = Disk()
        self.clock = Clock()
        self.writer = RecordingWriter(folder, max_bytes=max_bytes, version="0.1.0", storage=self.disk, clock=self.clock)

    def add(self, *frames: FrameRecord) -> None:
        """Add and flush."""
        for frame in frames:
            self.writer.add(frame)
        self.writer.flush()

    def read(self) -> Recording:
        """Answer what is on the disk after the end."""
        self.writer.close()
        return read_recording(self.folder)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Answer a writer that was started."""
    started = Bench(tmp_path)
    started.writer.start()
    yield started
    started.writer.close()


def test_what_is_added_comes_back(bench: Bench) -> None:
    """With the version, the clock and the models, and nothing is lost."""
    frames = tuple(recordings.frame(sequence) for sequence in range(BLOCK_RECORDS + 5))
    bench.writer.add(recordings.MODEL)
    bench.add(*frames)
    assert (bench.writer.written, bench.writer.lost) == (len(frames), 0)
    found = bench.read()
    assert (found.frames, found.models, found.lost) == (frames, (recordings.MODEL,), 0)
    assert (found.framebatch, found.created_ns, found.created[-6:]) == ("0.1.0", 5_000_000_000, "+00:00")


def test_the_end_writes_what_is_queued(bench: Bench) -> None:
    """Nobody has to flush."""
    bench.writer.add(recordings.frame(1))
    assert bench.read().frames == (recordings.frame(1),)


def test_every_file_can_be_read_alone(tmp_path: Path) -> None:
    """It names the models, though they were added to the first one."""
    bench = Bench(tmp_path, max_bytes=FILES * 2_000)
    bench.writer.start()
    bench.writer.add(recordings.MODEL)
    for sequence in range(1_000):
        bench.add(recordings.frame(sequence, camera=f"camera-{sequence * 7919}"))
    bench.writer.close()
    paths = sorted(tmp_path.rglob("*.fbrec"))
    alone = [read_recording(path) for path in paths]
    assert [(each.models, each.lost) for each in alone] == [((recordings.MODEL,), 0)] * len(paths)
    together = read_recording(tmp_path)
    assert together.frames == tuple(frame for each in alone for frame in each.frames)
    assert together.frames[-1].sequence == 999
    assert together.lost == 1_000 - len(together.frames) > 0


def test_a_full_disk_costs_records_and_nothing_else(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """They are counted, one line says so; when there is room again it goes on, and the reader knows how many are missing."""
    caplog.set_level(logging.WARNING)
    bench.add(recordings.frame(1))
    bench.disk.room = 20
    for sequence in (2, 3, 4):
        bench.add(recordings.frame(sequence))
    bench.disk.room = 1 << 20
    bench.add(recordings.frame(5))
    assert (bench.writer.written, bench.writer.lost) == (1, 4)
    bench.clock.now_ns += PAUSE_NS
    bench.add(recordings.frame(6))
    assert [record.getMessage() for record in caplog.records] == [
        f"recording to {bench.folder} pauses: [Errno 28] No space left on device; records are lost until it can be written",
        f"recording to {bench.folder} goes on; 4 records were lost so far",
    ]
    found = bench.read()
    assert ([frame.sequence for frame in found.frames], found.lost) == ([1, 6], 4)


def test_what_is_lost_at_the_end_is_known_too(bench: Bench) -> None:
    """The last block says how many there were."""
    bench.add(recordings.frame(1))
    bench.disk.free = 0
    bench.add(recordings.frame(2))
    bench.disk.free = 1 << 40
    found = bench.read()
    assert ([frame.sequence for frame in found.frames], found.lost) == ([1], 1)


def test_a_disk_that_is_full_from_the_start_stops_no_server(tmp_path: Path) -> None:
    """Nothing is written until there is room."""
    bench = Bench(tmp_path)
    bench.disk.free = 0
    bench.writer.start()
    bench.add(recordings.frame(1))
    assert (bench.writer.written, bench.writer.lost, bench.writer.bytes_on_disk) == (0, 1, 0)
    bench.writer.close()


class Stuck(Storage):
    """A disk that does not come back until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go = threading.Event()
        self.held = False

    def create(self, path: Path) -> Stream:
        """Open a file that holds its caller when the test wants that."""
        stream = super().create(path)
        stuck = self

        class Held:
            def write(self, content: memoryview, /) -> int | None:
                if stuck.held:
                    stuck.reached.set()
                    stuck.go.wait()
                return stream.write(content)

            def close(self) -> None:
                stream.close()

        return Held()


def test_a_disk_that_cannot_keep_up_holds_nobody_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the thread is stuck in a write, records are queued up to a limit and then counted as lost, with one line."""
    disk = Stuck()
    writer = RecordingWriter(tmp_path, max_bytes=1 << 30, version="0.1.0", storage=disk)
    writer.start()
    disk.held = True
    writer.add(recordings.frame(0))
    assert disk.reached.wait(60)
    for sequence in range(1, MAX_QUEUED + 4):
        writer.add(recordings.frame(sequence))
    writer.add(recordings.MODEL)  # without which the rest is worth little
    assert (writer.written, writer.lost) == (0, 3)
    assert [record.getMessage() for record in caplog.records] == [
        "recording: the disk is too slow for it; records are lost until it is not"
    ]
    writer.close(0)  # does not wait for it either
    disk.held = False
    disk.go.set()
    writer._thread.join()
    found = read_recording(tmp_path)
    assert ([frame.sequence for frame in found.frames], found.lost) == ([*range(MAX_QUEUED + 1)], 3)
    assert found.models == (recordings.MODEL,)


def test_a_record_that_cannot_be_written_down_is_lost_alone(bench: Bench) -> None:
    """The next ones are written."""
    bench.add(recordings.frame(1)._replace(rows=-1))
    bench.add(recordings.frame(2))
    assert (bench.writer.written, bench.writer.lost) == (1, 1)
    assert bench.read().lost == 1


def test_a_second_server_is_told(bench: Bench) -> None:
    """Before it loads anything."""
    with pytest.raises(UsageError, match="another server records there"):
        RecordingWriter(bench.folder, max_bytes=1, version="0.1.0")


def test_it_shows_its_state(bench: Bench) -> None:
    """What was written, lost and is queued."""
    bench.add(recordings.frame(1))
    bench.disk.room = 0
    bench.add(recordings.frame(2))
    assert repr(bench.writer).endswith(" bytes), written=1, lost=1, queued=0)")
