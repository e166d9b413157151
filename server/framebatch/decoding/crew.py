"""The decoder processes themselves: started, watched, and started anew when they end. Knows no frame and no slot.

What a decoder is doing is seen in memory that it shares with the server: one word for each, its note.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.decoding.protocol import IDLE, TAKING
from framebatch.logs import ChildOutput, event

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

__all__ = ["Crew", "map_notes", "map_worked"]

log = logging.getLogger(__name__)

RESTART_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
BROKEN_AFTER: Final = 5
"""So many starts in a row that came to nothing, and no decoder at work, are no accident any more."""
KEPT_BYTES: Final = 256 << 20
HEAP: Final = f"glibc.malloc.mmap_threshold={KEPT_BYTES}:glibc.malloc.trim_threshold={KEPT_BYTES}"
"""Makes a decoder keep the memory of one picture for the next: by default the C library fetches blocks above 32 MiB from the
system each time, and half of decoding 12 megapixels was the system clearing pages. Other C libraries ignore it."""


def map_notes(descriptor: int, decoders: int) -> npt.NDArray[np.uint32]:
    """The notes behind a file descriptor as uint32 (2, decoders): what each works on, and whether it ever began."""
    return np.frombuffer(mmap.mmap(descriptor, 8 * decoders), np.uint32).reshape(2, decoders)


def map_worked(descriptor: int, decoders: int) -> npt.NDArray[np.uint64]:
    """Behind the notes, as uint64 (decoders,): for how long each has worked on pictures, in nanoseconds."""
    return np.frombuffer(mmap.mmap(descriptor, 16 * decoders), np.uint64)[decoders:]


class Crew:
    """`count` decoder processes, each at its place.

    Invariant: a place has one live process, or waits for its restart; its note is IDLE, TAKING or the first ticket of the
    chunk in work, and IDLE while it waits.

    A process that ends is started anew after `restart_seconds`; one that ends before it could begin, after pauses that double up to
    half a minute.
    """

    def __init__(
        self,
        count: int,
        settings: dict[str, Any],
        descriptors: Sequence[int],
        *,
        restart_seconds: float = RESTART_SECONDS,
    ) -> None:
        """Start the processes.

        Args:
            count: how many.
            settings: for `process.main`, which also gets `notes`, `decoders` and `place`.
            descriptors: which of the settings are file descriptors, for the processes to inherit.
            restart_seconds: the pause after an end.
        """
        self.count = count
        self._descriptor = os.memfd_create("framebatch-notes")
        os.ftruncate(self._descriptor, 16 * count)
        self._notes, self._began = map_notes(self._descriptor, count)
        self._worked = map_worked(self._descriptor, count)
        self._settings = settings | {"notes": self._descriptor, "decoders": count}
        self._inherited = [*descriptors, self._descriptor]
        self._restart_seconds = restart_seconds
        self._failures = 0
        self._status = 0
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_death: Callable[[int], None] = lambda _: None
        self._said = ChildOutput("a decoder")
        self.processes: list[subprocess.Popen[bytes]] = [self._spawn(place) for place in range(count)]

    def __repr__(self) -> str:
        return f"Crew({self.broken or f'{self.count} decoders'}, working={len(self.working())})"

    @property
    def broken(self) -> str:
        """Why no decoder can be had; empty while they work, or may yet begin to."""
        if self._failures < BROKEN_AFTER or self._began.any():
            return ""
        return (
            f"no decoder can be started: {self._failures} ended with status {self._status} before their first picture; "
            "what they wrote is in the log"
        )

    @property
    def busy(self) -> int:
        """How many work on pictures right now."""
        return sum(note not in {IDLE, TAKING} for note in self._notes.tolist())

    @property
    def worked_ns(self) -> int:
        """For how long they have worked on pictures, all together, those that have ended too."""
        return int(self._worked.sum())

    @property
    def pids(self) -> list[int]:
        """Their process numbers."""
        return [process.pid for process in self.processes]

    def working(self) -> set[int]:
        """The first tickets of the chunks that live decoders have noted."""
        return set(self._notes.tolist()) - {IDLE, TAKING}

    def taking(self) -> set[int]:
        """The places of decoders that may hold a chunk which they have not noted yet; this lasts microseconds."""
        return set(np.flatnonzero(self._notes == TAKING).tolist())

    def start(self, loop: asyncio.AbstractEventLoop, on_death: Callable[[int], None]) -> None:
        """From now on deaths are noticed, on the event loop: `on_death` is given the note of the one who died."""
        self._loop = loop
        self._on_death = on_death
        for place in range(self.count):
            self._watch(place)

    def let_go(self) -> None:
        """From now on an end is no death, and nobody is started anew. On the event loop, where there is one."""
        self._closing = True

    def close(self) -> None:
        """Wait for the processes, which end when the server has hung up; end those that do not. After `let_go`, anywhere."""
        for process in self.processes:
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(self._descriptor)
        self._said.close()

    def _spawn(self, place: int) -> subprocess.Popen[bytes]:
        chosen = os.environ.get("GLIBC_TUNABLES")
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "framebatch.decoding.process", json.dumps(self._settings | {"place": place})],
            pass_fds=self._inherited,
            stdin=subprocess.DEVNULL,
            stderr=self._said.descriptor,
            env={**os.environ, "GLIBC_TUNABLES": f"{HEAP}:{chosen}" if chosen else HEAP},
        )

    def _watch(self, place: int) -> None:
        loop, process = self._loop, self.processes[place]
        if loop is None:
            return
        descriptor = os.pidfd_open(process.pid)

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            if not self._closing:
                self._ended(place, process.wait())

        loop.add_reader(descriptor, ended)

    def _ended(self, place: int, status: int) -> None:
        note, began = int(self._notes[place]), bool(self._began[place])
        self._notes[place], self._began[place] = IDLE, 0
        self._status = status
        self._failures = 0 if began else self._failures + 1
        log.error(
            "decoder %d ended with status %s%s",
            place,
            status,
            "" if note == IDLE and began else " while it worked" if began else " before it could begin",
            extra=event("decoder.ended", place=place, status=status),
        )
        if self.broken and self._failures == BROKEN_AFTER:
            log.error("%s", self.broken, extra=event("decoders.broken", reason=self.broken))
        self._on_death(note)
        pause = min(LONGEST_PAUSE_SECONDS, self._restart_seconds * 2 ** max(0, self._failures - 1))
        if self._loop is not None:
            self._loop.call_later(pause, self._restart, place)

    def _restart(self, place: int) -> None:
        if not self._closing:
            self.processes[place] = self._spawn(place)
            self._watch(place)
