"""The server's side of decoding: hands pictures to decoder processes and takes the results on the event loop.

Frames wait here, in the order of their deadlines, until a decoder is about to become free; so a frame that is answered
meanwhile costs no decoding. Nothing here blocks.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import MILLISECOND_NS, now_ns
from framebatch.decoding.channel import Channel
from framebatch.decoding.crew import Crew
from framebatch.decoding.protocol import (
    FAILED,
    INVALID,
    MAX_CHUNK,
    MAX_TICKET,
    PREPARED,
    TAKING,
    Result,
    pack_request,
)
from framebatch.decoding.slots import Slots
from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.tiling import parts_of
from framebatch.errors import FramebatchError, InvalidFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.detection.geometry import Resize
    from framebatch.detection.tiling import Tiles
    from framebatch.frame import Frame, Region

__all__ = ["DecoderPool"]

AHEAD: Final = 2
"""Chunks handed out per decoder: one in work and one behind it, so that it never waits for the event loop."""
CHUNK_NS: Final = MILLISECOND_NS
"""Pictures are handed out in chunks of about so much work: a message costs as much as decoding a small picture."""
GAIN: Final = 0.05
LOOK_AGAIN_SECONDS: Final = 0.001
SLOT_MEMORY_BYTES: Final = 1 << 30
MIN_SLOTS: Final = 64
MAX_SLOTS: Final = 2048


class _Handed(NamedTuple):
    """A frame that is with a decoder, and the slots for its pixels."""

    slots: list[int]
    frame: Frame


class DecoderPool:
    """`count` decoder processes.

    Owns a frame from `put` until it hands it to `deliver`, with `prepared` or `error` set, unless the frame was
    answered meanwhile: then it is dropped silently. A frame that is past its `decode_by_ns` is delivered with neither.
    The pixels of a delivered frame belong to its receiver until `release`. `prepared` is a `Prepared`, or a list of them
    where the picture was cut into tiles, in the order of `tiling.plan_tiles`.

    A decoder that dies takes the frame it worked on with it (delivered with an error) and is started anew.

    Invariants: a slot is held for each part of a frame that is with a decoder or delivered and not released, and for
    nothing else; a ticket is in `_handed` exactly while it is in one of `_chunks`, which are by their first ticket.
    """

    def __init__(self, decoders: int, *, resize: Resize, color: str, tiles: Tiles | None = None) -> None:
        """Start the processes; they are ready within a second and work is queued for them meanwhile.

        Args:
            decoders: how many.
            resize: how pictures become the network's pictures.
            color: `rgb` or `bgr`.
            tiles: how large pictures are cut; None: never.
        """
        self.count = decoders
        self._resize = resize
        self._tiles = tiles
        slots = max(MIN_SLOTS, min(MAX_SLOTS, SLOT_MEMORY_BYTES // (resize.width * resize.height * 3)))
        self.slots = Slots(slots, height=resize.height, width=resize.width)
        self._channel = Channel()
        inherited = {**self._channel.inherited, "slots": self.slots.descriptor}
        settings = {"count": slots, "resize": asdict(resize), "color": color, "tiles": tiles and asdict(tiles)}
        self._crew = Crew(decoders, inherited | settings, list(inherited.values()))
        self._waiting: list[tuple[int, int, Frame]] = []
        self._tie = count()
        self._handed: dict[int, _Handed] = {}
        self._chunks: dict[int, list[int]] = {}
        self._suspects: list[Frame] = []
        self._hand_out_planned = False
        self._mean_ns = float(CHUNK_NS)
        self._ticket = 0
        self._started = self._closing = self._closed = False
        self._deliver: Callable[[list[Frame]], None] = lambda _: None

    def __repr__(self) -> str:
        return f"DecoderPool({self.count} decoders, queued={self.queued}, handed={len(self._handed)}, {self.slots!r})"

    @property
    def queued(self) -> int:
        """Frames that are with no decoder yet."""
        return len(self._waiting)

    @property
    def crew(self) -> Crew:
        """The processes, to look at."""
        return self._crew

    @property
    def broken(self) -> str:
        """Why no decoder can be had, so that no frame is worth accepting; empty while all is well."""
        return self._crew.broken

    def start(self, deliver: Callable[[list[Frame]], None]) -> None:
        """From now on results are delivered, on the running event loop."""
        self._started = True
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._channel.results, self._take_results)
        self._crew.start(self._loop, self._died)

    def put(self, frame: Frame) -> None:
        """Take a frame over; its `picture` is kept until it is with a decoder, and its `header` must be set."""
        heappush(self._waiting, (frame.deadline_ns, next(self._tie), frame))
        self._hand_out_soon()

    def release(self, frame: Frame) -> None:
        """The frame's pixels are no longer needed."""
        prepared = frame.prepared
        frame.prepared = None
        rows = prepared if isinstance(prepared, list) else [prepared]
        self.slots.give_back_many([row.slot for row in rows if isinstance(row, Prepared)])
        if self._waiting:
            self._hand_out_soon()

    def hang_up(self) -> None:
        """Take no more results; the processes end by themselves. On the event loop; again: nothing happens."""
        if self._closing:
            return
        self._closing = True
        if self._started:
            self._loop.remove_reader(self._channel.results)
        self._crew.let_go()
        self._channel.hang_up()

    def close(self) -> None:
        """Hang up, and wait until the processes have ended; on any thread after `hang_up`. Again: nothing happens."""
        self.hang_up()
        if self._closed:
            return
        self._closed = True
        self._crew.close()
        self._channel.close()
        self.slots.close()

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
            slots = self.slots.take_many(len(self._parts(self._suspects[-1])))
            if slots is None or not self._send([_Handed(slots, self._suspects.pop())]):
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

    def _parts(self, frame: Frame) -> list[Region | None]:
        """What the network looks at in a frame, one slot each."""
        parts = parts_of(self._tiles, frame.header, frame.region)
        if len(parts) > self.slots.count:
            raise InvalidFrame(
                f"the picture makes {len(parts)} parts, and there is memory for {self.slots.count}: send a region of it, "
                "or set larger tiles in the model's manifest"
            )
        return parts

    def _next_chunk(self, size: int) -> list[_Handed]:
        """The most urgent frames that still need pixels, each with its slots; fewer when slots run out."""
        waiting = self._waiting
        chunk: list[_Handed] = []
        while waiting and len(chunk) < size:
            frame = waiting[0][2]
            if frame.outcome is None and frame.picture is not None:
                try:
                    number = len(self._parts(frame))
                except InvalidFrame as error:
                    heappop(waiting)
                    frame.error = error
                    self._deliver([frame])
                    continue
                alone = number > 1 or len(frame.picture.data) > self.slots.size_bytes
                if alone and chunk:
                    break
                slots = self.slots.take_many(number)
                if slots is None:
                    break
                chunk.append(_Handed(slots, frame))
                if alone:
                    size = 1
            heappop(waiting)
        return chunk

    def _send(self, chunk: list[_Handed]) -> bool:
        """Send one chunk; False when the socket is full: the frames wait on, and the next results make room."""
        requests = []
        tickets = []
        attachment = b""
        for slots, frame in chunk:
            picture = frame.picture
            if picture is None:
                raise ValueError(f"{frame!r} has no picture to decode")
            self._ticket = self._ticket % MAX_TICKET + 1
            tickets.append(self._ticket)
            if len(picture.data) > self.slots.size_bytes:
                attachment = picture.data
            else:
                self.slots.write(slots[0], picture.data)
            requests.append(pack_request(slots, self._ticket, picture, frame.region, attached=bool(attachment)))
        if not self._channel.send(b"".join(requests), attachment):
            for handed in chunk:
                self._take_back(handed)
            return False
        self._handed.update(zip(tickets, chunk, strict=True))
        self._chunks[tickets[0]] = tickets
        return True

    def _take_back(self, handed: _Handed) -> None:
        """It waits again."""
        self.slots.give_back_many(handed.slots)
        heappush(self._waiting, (handed.frame.deadline_ns, next(self._tie), handed.frame))

    # Results ---------------------------------------------------------------------------------------------------

    def _take_results(self) -> bool:
        """Take what decoders have written; False when there was nothing."""
        results = self._channel.read()
        if results:
            self._finish(results)
        return bool(results)

    def _finish(self, results: list[Result]) -> None:
        done: list[Frame] = []
        for result in results:
            self._chunks.pop(result.ticket, None)
            slots, frame = self._handed.pop(result.ticket)
            self._mean_ns += GAIN * (result.finished_ns - result.started_ns - self._mean_ns)
            if frame.outcome is not None:
                self.slots.give_back_many(slots)
                continue
            frame.picture = None
            frame.ready_ns = result.finished_ns
            header = frame.header
            if result.status == PREPARED and header is not None:
                store = self.slots.pictures
                rows = [
                    Prepared(store[slot], plan_resize(self._resize, header.width, header.height, part), slot, store)
                    for slot, part in zip(slots, self._parts(frame), strict=True)
                ]
                frame.prepared = rows[0] if len(rows) == 1 else rows
            else:
                self.slots.give_back_many(slots)
                frame.error = (InvalidFrame if result.status == INVALID else FramebatchError)(result.text)
            done.append(frame)
        if self._waiting:
            self._hand_out()
        if done:
            self._deliver(done)

    # Deaths ----------------------------------------------------------------------------------------------------

    def _died(self, note: int) -> None:
        """A decoder ended; its note says what it worked on."""
        while self._take_results():  # what it had finished before counts
            pass
        tickets = self._chunks.pop(note, [])
        if len(tickets) == 1:
            now = now_ns()
            self._finish([Result(note, now, now, FAILED, "the decoder died of this picture")])
        elif tickets:  # which one it was shows when each is tried alone
            self._suspect(tickets)
        if note == TAKING:
            self._search()
        self._hand_out_soon()

    def _suspect(self, tickets: list[int]) -> None:
        for ticket in tickets:
            slots, frame = self._handed.pop(ticket)
            self.slots.give_back_many(slots)
            if frame.outcome is None:
                self._suspects.append(frame)

    def _search(self) -> None:
        """The dead decoder may have taken a chunk that it could not note any more: whose is each that is out?

        What still lies in the socket is taken back. What is out then is with a live decoder, or lost.
        """
        for requests in self._channel.take_back():
            for ticket in self._chunks.pop(requests[0].ticket):
                self._take_back(self._handed.pop(ticket))
        self._settle(set(self._chunks), self._crew.taking())

    def _settle(self, missing: set[int], taking: set[int]) -> None:
        """Retry what is missing, once each of `taking` was seen to have noted what it has."""
        taking &= self._crew.taking()
        missing -= self._crew.working()
        while self._take_results():
            pass
        missing &= self._chunks.keys()
        if taking:
            self._loop.call_later(LOOK_AGAIN_SECONDS, self._settle, missing, taking)
            return
        for first in missing:
            self._suspect(self._chunks.pop(first))
        self._hand_out_soon()
