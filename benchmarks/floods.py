"""One flood of one port, in a process of its own: connections that are opened, say little or nothing, and are held open."""

from __future__ import annotations

import errno
import resource
import select
import socket
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from h2 import PREFACE, SETTINGS, frame

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

__all__ = ["GRPC", "HTTP", "Flood", "flood"]

GRPC: Final = (b"", PREFACE[:12], PREFACE + frame(SETTINGS, 0, 0, b""))
"""Silent; half of HTTP/2's preface; all of it, and then nothing."""
HTTP: Final = (b"", b"GET /metrics HT", b"GET /healthz HTTP/1.1\r\nhost: flood\r\n\r\n")
"""Silent; half a header; one request, and then nothing."""
TICK_SECONDS: Final = 0.02


class Flood(NamedTuple):
    """What is aimed at a port."""

    address: tuple[str, int]
    connections: int
    """As many are held open, or tried to be: those that the server closes are opened again."""
    per_second: int
    """At most so many are opened."""
    sources: int
    """Addresses that they come from."""
    sayings: tuple[bytes, ...]
    """What they say, in turn."""


def flood(plan: Flood, stop: Event, figures: Any) -> None:
    """Flood until told to stop.

    Args:
        plan: what to do.
        stop: set by the parent.
        figures: three shared integers: connections opened so far, closed by the server so far, open now.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll = select.epoll()
    held: dict[int, socket.socket] = {}
    waiting: dict[int, bytes] = {}
    opened = closed = 0
    begun = time.monotonic()
    while not stop.is_set():
        allowed = round((time.monotonic() - begun) * plan.per_second)
        while len(held) < plan.connections and opened < allowed:
            sock = _open(plan.address, opened % plan.sources)
            held[sock.fileno()] = sock
            waiting[sock.fileno()] = plan.sayings[opened % len(plan.sayings)]
            poll.register(sock.fileno(), select.EPOLLOUT | select.EPOLLIN)
            opened += 1
        if opened < allowed:  # nothing is made up for
            begun = time.monotonic() - opened / plan.per_second
        for number, events in poll.poll(TICK_SECONDS):
            if not _serve(held[number], number, events, waiting, poll):
                poll.unregister(number)
                waiting.pop(number, None)
                held.pop(number).close()
                closed += 1
        figures[0], figures[1], figures[2] = opened, closed, len(held)
    for sock in held.values():
        sock.close()
    figures[2] = 0


def _open(address: tuple[str, int], source: int) -> socket.socket:
    sock = socket.socket()
    sock.settimeout(0)
    sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: ports are free again by destination
    sock.bind((f"127.0.1.{1 + source}", 0))
    error = sock.connect_ex(address)
    if error not in (0, errno.EINPROGRESS):
        raise OSError(error, "the flood cannot connect")
    return sock


def _serve(sock: socket.socket, number: int, events: int, waiting: dict[int, bytes], poll: select.epoll) -> bool:
    """Whether the connection is still open."""
    try:
        if events & select.EPOLLOUT and number in waiting:
            sock.send(waiting.pop(number))
            poll.modify(number, select.EPOLLIN)
        if events & ~select.EPOLLOUT:
            return bool(sock.recv(1 << 16))
    except BlockingIOError:
        pass
    except OSError:
        return False
    return True
