"""Who listens on a port of this host, as far as a user may see. Reads /proc and tries to listen; keeps nothing open."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.doctor.facts import Port

if TYPE_CHECKING:
    from framebatch.device.host import Host

__all__ = ["find_port", "listening_inodes"]

_LISTENING: Final = "0A"
_TABLES: Final = ("proc/net/tcp", "proc/net/tcp6")
_LOCAL, _STATE, _INODE = 1, 3, 9


class _Owner(NamedTuple):
    """A process that listens."""

    pid: int
    name: str
    ours: bool


def find_port(key: str, host: str, number: int, *, here: Host) -> Port:
    """Try to listen on a port as a server would, and say who is in the way.

    Args:
        key: the setting that names it.
        host: address.
        number: 0: any free one.
        here: whose /proc is read.
    """
    error = _why_not(host, number)
    owner = _owner(number, here) if error else None
    told = f"{owner.name} (process {owner.pid})" if owner else ""
    return Port(key, host, number, error, told, ours=owner is not None and owner.ours)


def listening_inodes(table: str, number: int) -> set[str]:
    """Answer the sockets that listen on a port, by their inodes.

    Args:
        table: what /proc/net/tcp or tcp6 says.
        number: the port.
    """
    rows = [line.split() for line in table.splitlines()[1:]]
    wanted = f":{number:04X}"
    return {
        row[_INODE]
        for row in rows
        if len(row) > _INODE and row[_STATE] == _LISTENING and row[_LOCAL].upper().endswith(wanted)
    }


def _why_not(host: str, number: int) -> str:
    """Why nobody can listen there now; empty: one can."""
    try:
        addresses = socket.getaddrinfo(host.strip("[]"), number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = addresses[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # connections that just ended are in nobody's way
            tried.bind(address)
            tried.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _owner(number: int, here: Host) -> _Owner | None:
    inodes = set().union(*(listening_inodes(here.text(table) or "", number) for table in _TABLES))
    links = {f"socket:[{inode}]" for inode in inodes}
    for folder in sorted((here.root / "proc").glob("[0-9]*")):
        with contextlib.suppress(OSError):  # another user's process, or one that just ended
            if any(str(entry.readlink()) in links for entry in (folder / "fd").iterdir()):
                pid = int(folder.name)
                words = (here.text(f"proc/{pid}/cmdline") or "").split("\0")
                name = here.text(f"proc/{pid}/comm") or "a process"
                ours = any(word.endswith("framebatch") or word == "framebatch.cli" for word in words[:3])
                return _Owner(pid, "a framebatch server" if ours else name, ours)
    return None
