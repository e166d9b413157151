"""Tells a service manager how the server does, in systemd's notify protocol: one datagram of lines `NAME=value` a message.

Nothing here fails or blocks: a server whose manager does not listen serves as well. See sd_notify(3).
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ServiceManager"]


class ServiceManager:
    """Whoever started the server, and what it was told so far.

    `READY=1` is said once. `WATCHDOG=1` is said by each `serving`, so by an event loop that turns, and only while frames are answered: a
    manager that asked for it starts a server anew that is stuck, or that cannot serve and does not recover.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find it.

        Args:
            environment: `NOTIFY_SOCKET` is a path, or a name in the abstract name space after an `@`; without it nobody is told.
                `WATCHDOG_USEC` says that signs of life are wanted.
        """
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watches = "WATCHDOG_USEC" in environment
        self._ready = False
        self._status = ""

    def __repr__(self) -> str:
        return f"ServiceManager({self._address!r}, ready={self._ready}, status={self._status!r})"

    def starting(self, status: str) -> None:
        """What takes so long."""
        self._tell(*self._changed(status))

    def serving(self, status: str) -> None:
        """Frames are answered; to be said at least twice in the time of the watchdog, on the event loop."""
        lines = self._changed(status)
        if not self._ready:
            lines.append("READY=1")
            self._ready = True
        if self._watches:
            lines.append("WATCHDOG=1")
        self._tell(*lines)

    def not_serving(self, reason: str) -> None:
        """No frames are answered at present; when this lasts longer than the time of the watchdog, the server is started anew."""
        self._tell(*self._changed(f"not ready: {reason}"))

    def stopping(self) -> None:
        """It ends by itself, and no more signs of life are to be waited for."""
        self._tell("STOPPING=1")

    def _changed(self, status: str) -> list[str]:
        if status == self._status:
            return []
        self._status = status
        return [f"STATUS={' '.join(status.split())}"]

    def _tell(self, *lines: str) -> None:
        if not self._address or not lines:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as sender:
            sender.sendto("\n".join(lines).encode(errors="replace"), self._address)
