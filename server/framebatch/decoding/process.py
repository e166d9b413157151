"""One decoder: takes requests until the server hangs up. Runs as `python -m framebatch.decoding.process`.

It shares nothing with the server but the slots, a socket and a pipe, which it inherits; it never sees the network.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

from framebatch.clock import now_ns
from framebatch.decoding.crew import map_notes, map_worked
from framebatch.decoding.protocol import (
    FAILED,
    IDLE,
    INVALID,
    MAX_MESSAGE_BYTES,
    PREPARED,
    TAKING,
    Request,
    Result,
    pack_result,
    unpack_requests,
)
from framebatch.decoding.slots import map_slots
from framebatch.detection.geometry import Resize
from framebatch.detection.imaging import prepare_rows, use_one_thread_per_picture
from framebatch.detection.tiling import Tiles
from framebatch.errors import InvalidFrame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["main"]

NICENESS: Final = 5


def main(settings: dict[str, Any]) -> None:
    """Serve until the socket closes.

    Args:
        settings: `requests`, `results`, `slots`, `notes`: file descriptors; `count`: of slots; `decoders`: how many there
            are; `place`: whose note is this one's, where it leaves the first ticket of what it works on, for the case that
            it dies of it; `resize`, `color`, `tiles`: how pictures are prepared.
    """
    # A supervisor signals the whole group; the server drains first and then hangs up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # When the processor is short, the event loop must come first: it can refuse what is not decoded, in time; the
    # other way round pixels are ready that nobody answers in time. Nor may a request push it off its core at once.
    with contextlib.suppress(OSError):  # a sandbox may forbid it; it is a courtesy
        os.nice(NICENESS)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    use_one_thread_per_picture()
    work = _Work(settings)
    notes, began = map_notes(settings["notes"], settings["decoders"])
    worked = map_worked(settings["notes"], settings["decoders"])
    requests = socket.socket(fileno=settings["requests"])
    requests.setblocking(False)  # noqa: FBT003 - the library's signature
    arrival = select.epoll()
    # All decoders wait at one socket. Exclusive: a message wakes one of them, and not all for one to get it.
    arrival.register(requests, select.EPOLLIN | select.EPOLLEXCLUSIVE)
    place: int = settings["place"]
    began[place] = 1
    while True:
        notes[place] = TAKING  # noted before and after: whatever the moment of a death, no chunk is forgotten
        try:
            message, attached, _, _ = socket.recv_fds(requests, MAX_MESSAGE_BYTES, 1)
        except BlockingIOError:
            notes[place] = IDLE
            arrival.poll()
            continue
        except ConnectionError:
            return
        if not message:
            return
        chunk = unpack_requests(message)
        notes[place] = chunk[0].ticket
        results = [work.on(each, attached) for each in chunk]
        worked[place] += sum(each.finished_ns - each.started_ns for each in results)
        answer = b"".join([pack_result(each) for each in results])
        try:
            os.write(settings["results"], answer)
        except BrokenPipeError:
            return


class _Work:
    """What is done with each request."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._resize = Resize(**settings["resize"])
        self._color: str = settings["color"]
        self._tiles = Tiles(**settings["tiles"]) if settings["tiles"] else None
        self._pictures = map_slots(settings["slots"], settings["count"], self._resize.height, self._resize.width)

    def on(self, request: Request, attached: list[int]) -> Result:
        """Prepare one picture into its slots; whatever goes wrong is in the result."""
        started_ns = now_ns()
        status, text = PREPARED, ""
        outs = [self._pictures[slot] for slot in request.slots]
        try:
            picture = request.picture(_read(request, attached, outs[0]))
            prepare_rows(picture, request.region, resize=self._resize, color=self._color, tiles=self._tiles, outs=outs)
        except InvalidFrame as error:
            status, text = INVALID, str(error)
        except Exception as error:  # noqa: BLE001 - one picture must not end the decoder of all the others
            status, text = FAILED, f"{type(error).__name__}: {error}"
        return Result(request.ticket, started_ns, now_ns(), status, text)


def _read(request: Request, attached: list[int], slot: npt.NDArray[np.uint8]) -> bytes:
    """The picture's bytes, copied: the slot is about to be written."""
    if not request.attached:
        return slot.reshape(-1)[: request.length].tobytes()
    with open(attached[0], "rb") as file:  # noqa: PTH123 - a descriptor has no path
        return file.read(request.length)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
