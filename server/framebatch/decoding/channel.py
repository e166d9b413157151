"""The socket and the pipe between the server and its decoders, the server's side. Messages in, messages out."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

from framebatch.decoding.protocol import (
    MAX_MESSAGE_BYTES,
    RESULT_BYTES,
    Request,
    Result,
    unpack_requests,
    unpack_results,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Channel"]

RESULTS_A_READ: Final = 200


class Channel:
    """One socket that all decoders read and one pipe that all write. Nothing here blocks."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._ours, self._theirs):
            end.setblocking(False)  # noqa: FBT003 - the library's signature
        self.results, self._their_results = os.pipe()
        os.set_blocking(self.results, False)

    @property
    def inherited(self) -> dict[str, int]:
        """The descriptors that a decoder needs, by what they are for."""
        return {"requests": self._theirs.fileno(), "results": self._their_results}

    def send(self, message: bytes, attachment: bytes = b"") -> bool:
        """Send requests, with a picture that is too large for a slot in memory of its own; False when the socket is full."""
        try:
            if attachment:
                self._send_attached(message, attachment)
            else:
                self._ours.send(message)
        except BlockingIOError:
            return False
        return True

    def _send_attached(self, message: bytes, data: bytes) -> None:
        descriptor = os.memfd_create("framebatch-picture")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            os.lseek(descriptor, 0, os.SEEK_SET)
            socket.send_fds(self._ours, [message], [descriptor])
        finally:
            os.close(descriptor)

    def take_back(self) -> Iterator[list[Request]]:
        """The requests that no decoder has taken yet, as they were sent."""
        while True:
            try:
                message, attached, _, _ = socket.recv_fds(self._theirs, MAX_MESSAGE_BYTES, 1)
            except BlockingIOError:
                return
            for descriptor in attached:
                os.close(descriptor)
            yield unpack_requests(message)

    def read(self) -> list[Result]:
        """Some of the results that decoders have written; none when there are none."""
        try:
            return unpack_results(os.read(self.results, RESULTS_A_READ * RESULT_BYTES))
        except BlockingIOError:
            return []

    def hang_up(self) -> None:
        """Tell the decoders to end; what they still write is kept until `close`."""
        self._ours.close()
        self._theirs.close()

    def close(self) -> None:
        """Close what `hang_up` left open."""
        os.close(self.results)
        os.close(self._their_results)
