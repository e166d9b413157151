"""One decoder: takes requests until the server hangs up. Runs as `python -m framebatch.decoding.process`.

It shares nothing with the server but the slots, a socket and a pipe, which it inherits; it never sees the network.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.clock import now_ns
from framebatch.decoding.protocol import (
    FAILED,
    INVALID,
    MAX_CHUNK,
    PREPARED,
    REQUEST_BYTES,
    Request,
    Result,
    pack_result,
    unpack_requests,
)
from framebatch.decoding.slots import map_slots
from framebatch.detection.geometry import Resize
from framebatch.detection.imaging import prepare, use_one_thread_per_picture
from framebatch.errors import InvalidFrame

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["main"]

NICENESS: Final = 5


def main(settings: dict[str, Any]) -> None:
    """Serve until the socket closes.

    Args:
        settings: `requests`, `results`, `slots`, `current`: file descriptors; `count`: of slots; `place`: where in
            `current` this decoder notes the first ticket of what it works on, for the case that it dies of it; `resize`, `color`:
            how pictures are prepared.
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
    resize = Resize(**settings["resize"])
    pictures = map_slots(settings["slots"], settings["count"], resize.height, resize.width)
    current = np.frombuffer(mmap.mmap(settings["current"], 0), np.uint32)
    requests = socket.socket(fileno=settings["requests"])
    results: int = settings["results"]
    place: int = settings["place"]
    while True:
        try:
            message, attached, _, _ = socket.recv_fds(requests, MAX_CHUNK * REQUEST_BYTES, 1)
        except ConnectionError:
            return
        if not message:
            return
        chunk = unpack_requests(message)
        current[place] = chunk[0].ticket
        answer = b"".join([pack_result(work(each, attached, pictures, resize, settings["color"])) for each in chunk])
        try:
            os.write(results, answer)
        except BrokenPipeError:
            return
        current[place] = 0


def work(request: Request, attached: list[int], pictures: npt.NDArray[np.uint8], resize: Resize, color: str) -> Result:
    """Prepare one picture into its slot; whatever goes wrong is in the result."""
    started_ns = now_ns()
    status, text = PREPARED, ""
    out = pictures[request.slot]
    try:
        data = _read(request, attached, out)
        prepare(request.picture(data), request.region, resize=resize, color=color, out=out)
    except InvalidFrame as error:
        status, text = INVALID, str(error)
    except Exception as error:  # noqa: BLE001 - one picture must not end the decoder of all the others
        status, text = FAILED, f"{type(error).__name__}: {error}"
    return Result(request.slot, request.ticket, started_ns, now_ns(), status, text)


def _read(request: Request, attached: list[int], slot: npt.NDArray[np.uint8]) -> bytes:
    """The picture's bytes, copied: the slot is about to be written."""
    if not request.attached:
        return slot.reshape(-1)[: request.length].tobytes()
    with open(attached[0], "rb") as file:  # noqa: PTH123 - a descriptor has no path
        return file.read(request.length)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
