"""From the event loop to the disk without holding up the loop: a queue, and a thread that empties it into files.

What becomes of a disk that is full, slow or gone: records are lost, counted and said; nothing else.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS, now_ns
from framebatch.errors import UsageError
from framebatch.logs import event
from framebatch.recording.codec import encode, preamble
from framebatch.recording.files import claim, new_recording
from framebatch.recording.output import Output, Storage
from framebatch.recording.records import ModelRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from framebatch.recording.records import Record

__all__ = ["RecordingWriter"]

log = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 1.0
"""What is written down is on its way to the disk so much later at the latest."""
BLOCK_RECORDS: Final = 2048
MAX_QUEUED: Final = 32_768
"""Some seconds of a busy server, and about 15 MB."""
PAUSE_NS: Final = 10 * SECOND_NS
"""How long nothing is tried after the disk took no more."""


class RecordingWriter:
    """Writes down what it is given. `add` on one thread, usually the event loop; `start` and `close` once each.

    Invariant: records added = `written` + `lost` + those that are queued, models not counted.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        version: str,
        storage: Storage | None = None,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        """See that the folder can be claimed, and write nothing yet.

        Args:
            folder: made where it is missing; each start makes a recording there.
            max_bytes: of all files in it; the oldest are deleted.
            version: of the program.
            storage: where files are made; None: on the disk.
            clock: nanoseconds, as in the records.

        Raises:
            UsageError: the folder cannot be written, or another server records there.
        """
        self.folder = folder
        self.written = 0
        self._max_bytes = max_bytes
        self._storage = storage or Storage()
        self._clock = clock
        self._queue: deque[Record] = deque()
        self._dropped = 0
        self._unwritten = 0
        self._behind = False
        self._models: dict[ModelRecord, None] = {}
        self._output: Output | None = None
        self._paused_until_ns = 0
        self._flushing = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._facts: dict[str, str | int] = {"framebatch": version}
        self._lock: int | None = None
        os.close(claim(folder))

    def __repr__(self) -> str:
        queued = len(self._queue)
        return f"RecordingWriter({self._output!r}, written={self.written}, lost={self.lost}, queued={queued})"

    @property
    def lost(self) -> int:
        """Records that were not written."""
        return self._dropped + self._unwritten

    @property
    def bytes_on_disk(self) -> int:
        """Of all recordings in the folder."""
        return self._output.bytes_on_disk if self._output is not None else 0

    def start(self) -> None:
        """Begin a recording and its first file.

        Raises:
            UsageError: that is not possible, or not any more.
        """
        self._lock = claim(self.folder)
        created = datetime.now(UTC)
        self._facts |= {"created": created.isoformat(timespec="milliseconds"), "created_ns": self._clock()}
        try:
            recording = new_recording(self.folder, created.strftime("%Y%m%dT%H%M%SZ"))
            self._output = Output(recording, max_bytes=self._max_bytes, preamble=self._preamble, storage=self._storage)
        except OSError as error:
            raise UsageError(
                f"setting 'record' is {self.folder}: cannot be written: {error.strerror}; name another folder with "
                "--record DIR, or leave it out to record nothing"
            ) from error
        log.info(
            "recording to %s, at most %d MiB with what is in the folder",
            recording,
            self._max_bytes >> 20,
            extra=event("recording.began", path=recording, max_bytes=self._max_bytes),
        )
        self._put([])
        self._thread.start()

    def add(self, record: Record) -> None:
        """Write it down soon, or count it as lost when too many wait. Never blocks, never raises."""
        if len(self._queue) < MAX_QUEUED or isinstance(record, ModelRecord):
            self._queue.append(record)
            return
        self._dropped += 1
        if not self._behind:
            self._behind = True
            log.warning(
                "recording: the disk is too slow for it; records are lost until it is not",
                extra=event("recording.behind", path=self.folder),
            )

    def flush(self) -> None:
        """Write what is queued; the thread does this by itself. Blocks on the disk; never raises."""
        queue = self._queue
        with self._flushing:
            while queue:
                self._put([queue.popleft() for _ in range(min(len(queue), BLOCK_RECORDS))])
            self._behind = False

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Write what is queued and end the recording; a disk that does not answer is waited for so long."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
        os.close(lock)

    def _run(self) -> None:
        while not self._ending.wait(FLUSH_SECONDS):
            self.flush()
        self.flush()
        self._put([])  # what was lost in the end shows by its number
        if self._output is not None:
            self._output.close()
        log.info(
            "recording to %s ended: %d records were written, %d lost",
            self.folder,
            self.written,
            self.lost,
            extra=event("recording.ended", path=self.folder, written=self.written, lost=self.lost),
        )

    def _put(self, records: list[Record]) -> None:
        """One block to the disk, if that takes it."""
        models = [record for record in records if isinstance(record, ModelRecord)]
        self._models.update(dict.fromkeys(models))
        count = len(records) - len(models)
        output, now = self._output, self._clock()
        if output is None or (records and now < self._paused_until_ns):
            self._unwritten += count
            return
        try:
            output.append(encode(records, first=self.written + self.lost))
        except OSError as error:
            self._unwritten += count
            if not self._paused_until_ns:
                log.warning(
                    "recording to %s pauses: %s; records are lost until it can be written",
                    self.folder,
                    error,
                    extra=event("recording.paused", path=self.folder, reason=error),
                )
            self._paused_until_ns = now + PAUSE_NS
            return
        except Exception:
            self._unwritten += count
            log.exception(
                "recording: %d records could not be written down", count, extra=event("recording.failed", records=count)
            )
            return
        self.written += count
        if self._paused_until_ns:
            self._paused_until_ns = 0
            log.warning(
                "recording to %s goes on; %d records were lost so far",
                self.folder,
                self.lost,
                extra=event("recording.resumed", path=self.folder, lost=self.lost),
            )

    def _preamble(self) -> bytes:
        """Each file can be read alone: it says what recording it is of, and names the models so far."""
        return preamble(self._facts) + encode([*self._models], first=self.written + self.lost)
