"""A bare gRPC client connection for load generation: HTTP/2 frames over a plain socket, one camera a connection.

A load generator shares the machine with the server that it measures, so each microsecond it burns is taken from the
server. The gRPC client library costs about as much for a frame as the server does; this module costs a fraction and
does only what a camera's bidirectional stream needs (RFC 9113): preface, settings, one request, DATA frames both ways
under flow control, acknowledgements. It is no general client: header blocks from the server are skipped, not decoded.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
ACK: Final = 1
END_STREAM: Final = 1
END_HEADERS: Final = 4
STREAM: Final = 1
HUGE_WINDOW: Final = (1 << 31) - 1
MAX_FRAME_SIZE: Final = 5
INITIAL_WINDOW_SIZE: Final = 4


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header field without indexing and without Huffman coding (RFC 7541, 6.2.2); both under 127 bytes."""
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value


def request_headers(path: str, authority: str) -> bytes:
    """The header block of a gRPC request."""
    fields = (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", authority.encode()),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    )
    return b"".join(literal(name, value) for name, value in fields)


class Connection:
    """One connection with one bidirectional stream; never blocks.

    `send` queues a message; `flush` writes what the socket and the flow-control windows allow and says whether
    anything is left; `receive` reads what is there and returns the complete messages.
    """

    def __init__(self, address: tuple[str, int], path: str) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        settings = struct.pack(">HI", INITIAL_WINDOW_SIZE, HUGE_WINDOW)
        self.socket.sendall(
            PREFACE
            + frame(SETTINGS, 0, 0, settings)
            + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", HUGE_WINDOW - 65535))
            + frame(HEADERS, END_HEADERS, STREAM, request_headers(path, f"{address[0]}:{address[1]}"))
        )
        self.socket.settimeout(0)
        self.closed = False
        self._window_initial = 65535
        self._window_stream = 65535
        self._window_connection = 65535
        self._max_frame = 16384
        self._waiting: list[memoryview] = []  # message bytes that no window has room for yet
        self._unsent: list[bytes | memoryview] = []  # framed bytes that the socket has no room for yet
        self._received = bytearray()
        self._message = bytearray()

    def __repr__(self) -> str:
        return f"Connection(windows={self._window_stream}/{self._window_connection}, waiting={len(self._waiting)})"

    @property
    def blocked(self) -> bool:
        """Whether the socket itself took no more."""
        return bool(self._unsent)

    def send(self, head: bytes, body: memoryview) -> bool:
        """Queue one gRPC message made of head and body; True when all of it left at once."""
        size = len(head) + len(body)
        self._waiting.append(memoryview(b"\x00" + struct.pack(">I", size) + head))
        self._waiting.append(body)
        return self.flush()

    def flush(self) -> bool:
        """Write what fits; True when nothing waits any more."""
        self._fill()
        while self._unsent:
            try:
                count = self.socket.sendmsg(self._unsent[:64])
            except BlockingIOError:
                return False
            except OSError:
                self.closed = True
                return True
            while count:
                first = len(self._unsent[0])
                if count < first:
                    self._unsent[0] = memoryview(self._unsent[0])[count:]
                    break
                count -= first
                del self._unsent[0]
        return not self._waiting

    def _fill(self) -> None:
        """Move waiting bytes into DATA frames as far as the windows allow."""
        while self._waiting:
            room = min(self._window_stream, self._window_connection, self._max_frame)
            if room <= 0:
                return
            parts: list[memoryview] = []
            size = 0
            while self._waiting and size < room:
                part = self._waiting[0]
                if len(part) > room - size:
                    parts.append(part[: room - size])
                    self._waiting[0] = part[room - size :]
                    size = room
                else:
                    parts.append(part)
                    size += len(part)
                    del self._waiting[0]
            self._window_stream -= size
            self._window_connection -= size
            self._unsent.append(struct.pack(">I", size)[1:] + b"\x00\x00\x00\x00\x00\x01")
            self._unsent.extend(parts)

    def receive(self) -> list[bytes]:
        """The complete gRPC messages that have come; sets `closed` when the server ended the stream."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        buffer = self._received
        buffer += data
        messages: list[bytes] = []
        at = 0
        end = len(buffer)
        while end - at >= 9:
            size = (buffer[at] << 16) | (buffer[at + 1] << 8) | buffer[at + 2]
            if end - at - 9 < size:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            payload = bytes(buffer[at + 9 : at + 9 + size])
            at += 9 + size
            if kind == DATA:
                self._message += payload
                self._take_messages(messages)
            else:
                self._control(kind, flags, struct.unpack_from(">I", buffer, at - size - 4)[0], payload)
        del buffer[:at]
        return messages

    def _take_messages(self, messages: list[bytes]) -> None:
        buffer = self._message
        while len(buffer) >= 5:
            size = struct.unpack_from(">I", buffer, 1)[0]
            if len(buffer) < 5 + size:
                return
            messages.append(bytes(buffer[5 : 5 + size]))
            del buffer[: 5 + size]

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == WINDOW_UPDATE:
            increment = struct.unpack(">I", payload)[0]
            if stream == 0:
                self._window_connection += increment
            else:
                self._window_stream += increment
            if self._waiting:
                self.flush()
        elif kind == SETTINGS and not flags & ACK:
            for key, value in struct.iter_unpack(">HI", payload):
                if key == MAX_FRAME_SIZE:
                    self._max_frame = value
                elif key == INITIAL_WINDOW_SIZE:
                    self._window_stream += value - self._window_initial
                    self._window_initial = value
            self._unsent.append(frame(SETTINGS, ACK, 0, b""))
            self.flush()
        elif kind == PING and not flags & ACK:
            self._unsent.append(frame(PING, ACK, 0, payload))
            self.flush()
        elif kind in (RST_STREAM, GOAWAY) or (kind == HEADERS and flags & END_STREAM):
            self.closed = True

    def close(self) -> None:
        """Drop the connection."""
        self.socket.close()
        self.closed = True
