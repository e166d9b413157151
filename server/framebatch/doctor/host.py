"""Checks of the host: processors, memory, ports, clock, open files, disks. Pure."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from framebatch.doctor.finding import Finding, bytes_text, note, ok, problem

if TYPE_CHECKING:
    from framebatch.doctor.facts import Clock, Memory, Port, Processors, SharedMemory

__all__ = ["check_clock", "check_descriptors", "check_memory", "check_port", "check_processors", "check_shared_memory"]

_TOPIC_MEMORY: Final = "memory"
_LEAST_MEMORY_BYTES: Final = 512 << 20
"""An idle server with the bundled model and two decoders takes about 280 MB; see docs/doctor.md."""
_OWN_DESCRIPTORS: Final = 256
_PRIVILEGED: Final = 1024


def check_processors(found: Processors) -> Finding:
    """Whether decoders fit the processors that there really are."""
    allowed = f"{found.allowed:g} of the host's {found.host} processors"
    if found.allowed < found.decoders:
        fitting = max(1, ceil(found.allowed))
        if fitting < found.decoders:
            return note(
                "processors",
                f"this process may use {allowed}, and {found.decoders} decoders would share them",
                f"set decoders = {fitting}, or raise the limit (e.g. docker run --cpus)",
            )
    if found.allowed <= 1:
        return note(
            "processors",
            f"this process may use {allowed}: decoding, the network's side and computing take turns",
            "give it two or more where frames come late",
        )
    return ok("processors", f"this process may use {allowed}; {found.decoders} decoders")


def check_memory(found: Memory | None) -> Finding:
    """Whether pictures have room."""
    if found is None:
        return note(_TOPIC_MEMORY, "the kernel does not tell how much there is", "mount /proc for this process")
    limited = (
        f" (limited by its control group; the host has {bytes_text(found.host)})" if found.allowed < found.host else ""
    )
    text = f"{bytes_text(found.available)} of {bytes_text(found.allowed)} available{limited}"
    if found.available < _LEAST_MEMORY_BYTES:
        return problem(
            _TOPIC_MEMORY, text, "free some, or raise the limit: a server takes 300 MB and more before the first frame"
        )
    if found.available < found.pictures:
        return note(
            _TOPIC_MEMORY,
            f"{text}; pictures of one model may take {bytes_text(found.pictures)} under overload",
            "lower max_waiting_bytes, or give it more",
        )
    return ok(_TOPIC_MEMORY, text)


def check_shared_memory(found: SharedMemory) -> Finding:
    """Whether decoders can hand over pixels; /dev/shm is not used for that."""
    if found.error:
        return problem(
            "shared memory",
            f"an anonymous file in memory cannot be made: {found.error}",
            "allow memfd_create, e.g. in the container's seccomp profile",
        )
    mounted = "" if found.mounted is None else f"; /dev/shm ({bytes_text(found.mounted)}) is not used and may be small"
    return ok("shared memory", f"anonymous files work, up to the memory above{mounted}")


def check_port(port: Port) -> Finding:
    """Whether a server can listen there."""
    topic = f"port {port.number}"
    setting = f"{port.key} = {port.number} on {port.host}"
    if not port.error:
        return ok(topic, f"{setting} is free" if port.number else f"{port.key} = 0 takes any free one")
    if port.ours:
        return note(
            topic, f"{setting}: {port.owner} listens there", "stop it first, or choose another port for a second server"
        )
    if port.owner:
        return problem(topic, f"{setting} is taken by {port.owner}", f"stop that, or set another {port.key}")
    more = "; ports below 1024 need a right (CAP_NET_BIND_SERVICE)" if 0 < port.number < _PRIVILEGED else ""
    return problem(topic, f"{setting} cannot be listened on: {port.error}", f"set another {port.key} or host{more}")


def check_clock(clock: Clock) -> Finding:
    """Whether the wall clock is kept; deadlines do not need it, capture times do."""
    kept = f" by {clock.keeper}" if clock.keeper else ""
    if clock.synchronised:
        return ok("clock", f"synchronised{kept}, by the kernel's bound within {1000 * clock.error_seconds:.0f} ms")
    if clock.synchronised is None:
        return note("clock", "whether it is synchronised cannot be seen from here", "look on the host: timedatectl")
    if clock.keeper == "chrony":
        return note(
            "clock",
            "the kernel takes it for unsynchronised, while chrony runs",
            "look at chronyc tracking; chrony tells the kernel only with rtcsync in its configuration",
        )
    return note(
        "clock",
        "not synchronised; deadlines do not need it, but capture times of cameras mean nothing then",
        "start chrony or systemd-timesyncd on the host",
    )


def check_descriptors(limit: int, connections: int) -> Finding:
    """Whether there are enough for as many connections as the settings allow.

    Args:
        limit: open files that a server may have.
        connections: that it is to accept.
    """
    room = max(0, limit - _OWN_DESCRIPTORS)
    found = f"{limit} open files allowed: room for {room} connections beside the server's own"
    wanted = connections + _OWN_DESCRIPTORS
    remedy = f"raise the limit: ulimit -Hn {wanted}, or LimitNOFILE={wanted} for systemd"
    if not room:
        return problem("open files", found, remedy)
    if room < connections:
        return note(
            "open files", f"{found}, where the settings want {connections}", f"{remedy}; or lower max_connections"
        )
    return ok("open files", found)
