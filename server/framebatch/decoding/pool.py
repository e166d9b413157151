"""The server's side of decoding: hands pictures to decoder processes and takes the results on the event loop.

Frames wait here, in the order of their deadlines, until a decoder is about to become free; so a frame that is answered
meanwhile costs no decoding. Nothing here blocks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import mmap
import os
import socket
import subprocess
import sys
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.clock import MILLISECOND_NS, now_ns
from framebatch.decoding.protocol import (
    FAILED,
    INVALID,
    MAX_CHUNK,
    PREPARED,
    RESULT_BYTES,
    Result,
    pack_request,
    unpack_results,
)
from framebatch.decoding.slots import Slots
from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.errors import FramebatchError, InvalidFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.detection.geometry import Resize
    from framebatch.frame import Frame

__all__ = ["DecoderPool"]

log = logging.getLogger(__name__)

AHEAD: Final = 2
"""Chunks handed out per decoder: one in work and one behind it, so that it never waits for the event loop."""
CHUNK_NS: Final = MILLISECOND_NS
"""Pictures are handed out in chunks of about so much work: a message costs as much as decoding a small picture."""
GAIN: Final = 0.05
RESULTS_A_READ: Final = 200
TICKETS: Final = 0xFFFFFFFF
RESTART_SECONDS: Final = 1.0
SLOT_MEMORY_BYTES: Final = 1 << 30
MIN_SLOTS: Final = 64
MAX_SLOTS: Final = 2048


class DecoderPool:
    """`count` decoder processes.

    Owns a frame from `put` until it hands it to `deliver`, with `prepared` or `error` set, unless the frame was
    answered meanwhile: then it is dropped silently. A frame that is past its `decode_by_ns` is delivered with neither.
    The pixels of a delivered frame belong to its receiver until `release`.

    A decoder that dies takes the frame it worked on with it (delivered with an error) and is started anew.
    """

    def __init__(self, decoders: int, *, resize: Resize, color: str) -> None:
        """Start the processes; they are ready within a second and work is queued for them meanwhile.

        Args:
            decoders: how many.
            resize: how pictures become the network's pictures.
            color: `rgb` or `bgr`.
        """
        self.count = decoders
        self._resize = resize
        slot_bytes = resize.width * resize.height * 3
        slots = max(MIN_SLOTS, min(MAX_SLOTS, SLOT_MEMORY_BYTES // slot_bytes))
        self._slots = Slots(slots, height=resize.height, width=resize.width)
        self._requests, self._their_requests = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.setblocking(False)  # noqa: FBT003 - the library's signature
        self._results, self._their_results = os.pipe()
        os.set_blocking(self._results, False)
        self._their_current = os.memfd_create("framebatch-decoders")
        os.ftruncate(self._their_current, mmap.PAGESIZE)
        self._current = np.frombuffer(mmap.mmap(self._their_current, mmap.PAGESIZE), np.uint32)
        self._settings = {
            "requests": self._their_requests.fileno(),
            "results": self._their_results,
            "slots": self._slots.descriptor,
            "count": slots,
            "current": self._their_current,
            "resize": dataclasses.asdict(resize),
            "color": color,
        }
        self._waiting: list[tuple[int, int, Frame]] = []
        self._tie = count()
        self._handed: dict[int, tuple[int, Frame]] = {}
        self._chunks: dict[int, list[int]] = {}
        self._suspects: list[Frame] = []
        self._hand_out_planned = False
        self._mean_ns = float(CHUNK_NS)
        self._ticket = 0
        self._started = False
        self._closing = False
        self._deliver: Callable[[list[Frame]], None] = lambda _: None
        self._processes: list[subprocess.Popen[bytes]] = [self._spawn(place) for place in range(decoders)]

    def __repr__(self) -> str:
        return f"DecoderPool({self.count} decoders, queued={self.queued}, handed={len(self._handed)}, {self._slots!r})"

    @property
    def queued(self) -> int:
        """Frames that are with no decoder yet."""
        return len(self._waiting)

    def start(self, deliver: Callable[[list[Frame]], None]) -> None:
        """From now on results are delivered, on the running event loop."""
        self._started = True
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._results, self._take_results)
        for place, process in enumerate(self._processes):
            self._watch(place, process)

    def put(self, frame: Frame) -> None:
        """Take a frame over; its `picture` is kept until it is with a decoder."""
        heappush(self._waiting, (frame.deadline_ns, next(self._tie), frame))
        self._hand_out_soon()

    def release(self, frame: Frame) -> None:
        """The frame's pixels are no longer needed."""
        prepared = frame.prepared
        frame.prepared = None
        if isinstance(prepared, Prepared):
            self._slots.give_back(prepared.slot)
            if self._waiting:
                self._hand_out_soon()

    def close(self) -> None:
        """Hang up; the processes end by themselves."""
        self._closing = True
        if self._started:
            self._loop.remove_reader(self._results)
        self._requests.close()
        self._their_requests.close()
        for process in self._processes:
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(self._results)
        os.close(self._their_results)
        os.close(self._their_current)
        self._slots.close()

    # Handing out -----------------------------------------------------------------------------------------------

    def _hand_out_soon(self) -> None:
        """Once the loop has read what it can: frames that came together are handed out together."""
        if not self._hand_out_planned:
            self._hand_out_planned = True
            self._loop.call_soon(self._hand_out)

    def _hand_out(self) -> None:
        """Give every decoder enough to do until the next results."""
        self._hand_out_planned = False
        self._give_up_late()
        size = max(1, min(MAX_CHUNK, CHUNK_NS // max(1, round(self._mean_ns))))
        room = self.count * AHEAD * size - len(self._handed)
        self._suspects = [frame for frame in self._suspects if frame.outcome is None]
        while self._suspects and room > 0:
            slot = self._slots.take()
            if slot is None or not self._send([(slot, self._suspects.pop())]):
                return
            room -= 1
        while self._waiting and room > 0:
            chunk = self._next_chunk(min(size, room, -(-len(self._waiting) // self.count)))
            if not chunk or not self._send(chunk):
                return
            room -= len(chunk)

    def _give_up_late(self) -> None:
        """Deliver frames that are no use any more as they are: without pixels and without an error."""
        waiting = self._waiting
        now = now_ns()
        late: list[Frame] = []
        while waiting and (waiting[0][2].outcome is not None or waiting[0][2].decode_by_ns < now):
            frame = heappop(waiting)[2]
            if frame.outcome is None:
                late.append(frame)
        if late:
            self._deliver(late)

    def _next_chunk(self, size: int) -> list[tuple[int, Frame]]:
        """The most urgent frames that still need pixels, each with a slot; fewer when slots run out."""
        waiting = self._waiting
        chunk: list[tuple[int, Frame]] = []
        while waiting and len(chunk) < size:
            frame = waiting[0][2]
            if frame.outcome is None and frame.picture is not None:
                large = len(frame.picture.data) > self._slots.size_bytes
                if large and chunk:
                    break
                slot = self._slots.take()
                if slot is None:
                    break
                chunk.append((slot, frame))
                if large:
                    size = 1
            heappop(waiting)
        return chunk

    def _send(self, chunk: list[tuple[int, Frame]]) -> bool:
        """Send one chunk; False when the socket is full: the frames wait on, and the next results make room."""
        requests = []
        tickets = []
        attachment = b""
        for slot, frame in chunk:
            picture = frame.picture
            if picture is None:
                raise ValueError(f"{frame!r} has no picture to decode")
            self._ticket = self._ticket % TICKETS + 1
            tickets.append(self._ticket)
            if len(picture.data) > self._slots.size_bytes:
                attachment = picture.data
            else:
                self._slots.write(slot, picture.data)
            requests.append(pack_request(slot, self._ticket, picture, frame.region, attached=bool(attachment)))
        try:
            if attachment:
                self._send_attached(b"".join(requests), attachment)
            else:
                self._requests.send(b"".join(requests))
        except BlockingIOError:
            for slot, frame in chunk:
                self._slots.give_back(slot)
                heappush(self._waiting, (frame.deadline_ns, next(self._tie), frame))
            return False
        self._handed.update(zip(tickets, chunk, strict=True))
        self._chunks[tickets[0]] = tickets
        return True

    def _send_attached(self, message: bytes, data: bytes) -> None:
        """Send a picture that is larger than a slot in memory of its own."""
        descriptor = os.memfd_create("framebatch-picture")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            os.lseek(descriptor, 0, os.SEEK_SET)
            socket.send_fds(self._requests, [message], [descriptor])
        finally:
            os.close(descriptor)

    # Results ---------------------------------------------------------------------------------------------------

    def _take_results(self) -> None:
        try:
            data = os.read(self._results, RESULTS_A_READ * RESULT_BYTES)
        except BlockingIOError:
            return
        self._finish(unpack_results(data))

    def _finish(self, results: list[Result]) -> None:
        done: list[Frame] = []
        for result in results:
            self._chunks.pop(result.ticket, None)
            slot, frame = self._handed.pop(result.ticket)
            self._mean_ns += GAIN * (result.finished_ns - result.started_ns - self._mean_ns)
            if frame.outcome is not None:
                self._slots.give_back(slot)
                continue
            frame.picture = None
            frame.ready_ns = result.finished_ns
            header = frame.header
            if result.status == PREPARED and header is not None:
                geometry = plan_resize(self._resize, header.width, header.height, frame.region)
                frame.prepared = Prepared(self._slots.pictures[slot], geometry, slot, self._slots.pictures)
            else:
                self._slots.give_back(slot)
                frame.error = (InvalidFrame if result.status == INVALID else FramebatchError)(result.text)
            done.append(frame)
        if self._waiting:
            self._hand_out()
        if done:
            self._deliver(done)

    # Processes -------------------------------------------------------------------------------------------------

    def _spawn(self, place: int) -> subprocess.Popen[bytes]:
        settings = self._settings | {"place": place}
        keep = [self._settings[name] for name in ("requests", "results", "slots", "current")]
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "framebatch.decoding.process", json.dumps(settings)],
            pass_fds=[int(str(descriptor)) for descriptor in keep],
            stdin=subprocess.DEVNULL,
        )

    def _watch(self, place: int, process: subprocess.Popen[bytes]) -> None:
        descriptor = os.pidfd_open(process.pid)

        def ended() -> None:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
            if not self._closing:
                self._died(place, process)

        self._loop.add_reader(descriptor, ended)

    def _died(self, place: int, process: subprocess.Popen[bytes]) -> None:
        self._take_results()  # what it had finished before counts
        ticket = int(self._current[place])
        self._current[place] = 0
        log.error("decoder %d ended with status %s%s", place, process.wait(), " while it worked" if ticket else "")
        tickets = self._chunks.pop(ticket, [])
        if len(tickets) == 1:
            now = now_ns()
            self._finish(
                [Result(self._handed[ticket][0], ticket, now, now, FAILED, "the decoder died of this picture")]
            )
        for each in tickets if len(tickets) > 1 else ():
            slot, frame = self._handed.pop(each)  # which one it was shows when each is tried alone
            self._slots.give_back(slot)
            if frame.outcome is None:
                self._suspects.append(frame)
        self._hand_out_soon()
        self._loop.call_later(RESTART_SECONDS, self._restart, place)

    def _restart(self, place: int) -> None:
        if not self._closing:
            self._processes[place] = self._spawn(place)
            self._watch(place, self._processes[place])
