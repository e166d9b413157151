"""Open-loop camera load: frames leave at their due times whatever the server does; every answer is accounted for.

What belongs here: pacing, sending, counting. What a valid run is, is decided here too (`Result.problem`): when this
process could not keep its own schedule, the figures describe the generator and not the server.
"""

from __future__ import annotations

import heapq
import selectors
import time
from collections import Counter
from dataclasses import dataclass, field

from h2 import Connection

from framebatch_proto.v1 import detector_pb2 as pb

PATH = "/framebatch.v1.Detector/DetectStream"
LATE_SECONDS = 0.005
LATE_SHARE = 0.01
WARM_SECONDS = 3.0


@dataclass(kw_only=True)
class Result:
    """What one run saw. Latencies count from the moment a frame was due, not from when it was sent.

    `due` are the moments of all counted frames on the monotonic clock, `good_due` those of the good ones.
    """

    cameras: int
    fps: float
    deadline_seconds: float
    seconds: float
    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    good: int = 0
    latencies: list[float] = field(default_factory=list)
    batch_sizes: list[int] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    good_due: list[float] = field(default_factory=list)
    behind: int = 0
    cpu_seconds: float = 0.0

    @property
    def unanswered(self) -> int:
        """Frames without any answer when the run ended."""
        return self.sent - sum(self.outcomes.values())

    @property
    def goodput_fps(self) -> float:
        """Frames answered with detections on time, per second."""
        return self.good / self.seconds

    @property
    def miss_share(self) -> float:
        """Share of the frames without detections on time."""
        return 1 - self.good / max(1, self.sent)

    @property
    def problem(self) -> str | None:
        """Why this run says nothing about the server; None when it is valid."""
        if self.sent == 0:
            return "no frame was sent"
        if self.behind > LATE_SHARE * self.sent:
            return (
                f"the load generator fell behind: {self.behind} of {self.sent} frames left more than "
                f"{LATE_SECONDS * 1e3:.0f} ms after they were due"
            )
        return None

    def latency(self, share: float) -> float:
        """A quantile of the latency of good frames, in seconds; NaN when there was none."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def constant_part(picture: bytes, deadline_ms: float, *, live: bool, next_frame_ms: float) -> bytes:
    """The part of a frame's message that is the same for all frames; the sequence number goes in front of it."""
    mode = pb.MODE_LIVE if live else pb.MODE_INSPECT
    return pb.Frame(
        encoded=picture, deadline_ms=deadline_ms, mode=mode, next_frame_ms=next_frame_ms
    ).SerializeToString()


def run(
    address: tuple[str, int],
    *,
    cameras: int,
    fps: float,
    deadline_ms: float,
    seconds: float,
    pictures: list[bytes],
    live: bool = False,
) -> Result:
    """Stream `cameras` cameras for `seconds` (after three seconds that do not count); phases evenly staggered."""
    result = Result(cameras=cameras, fps=fps, deadline_seconds=deadline_ms / 1e3, seconds=seconds)
    bodies = [memoryview(constant_part(p, deadline_ms, live=live, next_frame_ms=1e3 / fps)) for p in pictures]
    fleet = _Fleet([Connection(address, PATH) for _ in range(cameras)], bodies, result)
    try:
        fleet.play()
    finally:
        fleet.close()
    return result


class _Fleet:
    """All cameras of a run, in one thread: a heap of due times and an epoll."""

    def __init__(self, connections: list[Connection], bodies: list[memoryview], result: Result) -> None:
        self._connections = connections
        self._bodies = bodies
        self._result = result
        self._selector = selectors.EpollSelector()
        for index, connection in enumerate(connections):
            self._selector.register(connection.socket, selectors.EVENT_READ, index)
        self._writing: set[int] = set()
        self._due_at: list[dict[int, float]] = [{} for _ in connections]
        self._awaited = 0
        self._begin = time.monotonic() + 0.2
        self._counted_from = self._begin + WARM_SECONDS
        self._end = self._counted_from + result.seconds
        self._due = [(self._due_time(index, 0), index, 0) for index in range(len(connections))]
        heapq.heapify(self._due)
        self._cpu_begin = 0.0

    def _due_time(self, index: int, number: int) -> float:
        return self._begin + (index / len(self._connections) + number) / self._result.fps

    def play(self) -> None:
        """Until every counted frame is answered, or a second after its deadline."""
        give_up = self._end + self._result.deadline_seconds + 1.0
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._send_next()
            if not self._due and (self._awaited == 0 or now > give_up):
                break
            until = self._due[0][0] if self._due else give_up
            for key, events in self._selector.select(max(0.0, until - time.monotonic())):
                self._serve(key.data, events)
        self._result.cpu_seconds = time.process_time() - self._cpu_begin

    def close(self) -> None:
        """Drop all connections."""
        for connection in self._connections:
            connection.close()
        self._selector.close()

    def _send_next(self) -> None:
        due, index, number = self._due[0]
        if due >= self._end:
            heapq.heappop(self._due)
            return
        heapq.heapreplace(self._due, (self._due_time(index, number + 1), index, number + 1))
        if due >= self._counted_from:
            self._count(due, index, number)
        connection = self._connections[index]
        # sequence is field 2, capture time 6, camera 1: what differs goes in front, the order of fields is free
        captured_ns = time.time_ns() - round((time.monotonic() - due) * 1e9)
        head = (
            b"\x10"
            + _varint(number)
            + b"\x30"
            + _varint(captured_ns)
            + (b"\x0a\x05c%04d" % index if number == 0 else b"")
        )
        sent = connection.send(head, self._bodies[(index + number) % len(self._bodies)])
        if not sent and connection.blocked and index not in self._writing:
            self._writing.add(index)
            self._selector.modify(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, index)

    def _count(self, due: float, index: int, number: int) -> None:
        if self._cpu_begin == 0.0:
            self._cpu_begin = time.process_time()
        self._result.sent += 1
        self._result.due.append(due)
        self._awaited += 1
        self._due_at[index][number] = due
        self._result.behind += time.monotonic() - due > LATE_SECONDS

    def _serve(self, index: int, events: int) -> None:
        connection = self._connections[index]
        if events & selectors.EVENT_WRITE:
            connection.flush()
            if not connection.blocked:
                self._writing.discard(index)
                self._selector.modify(connection.socket, selectors.EVENT_READ, index)
        if events & selectors.EVENT_READ:
            for message in connection.receive():
                self._receive(index, pb.Answer.FromString(message))
            if connection.closed:
                self._selector.unregister(connection.socket)

    def _receive(self, index: int, answer: pb.Answer) -> None:
        due = self._due_at[index].pop(answer.sequence, None)
        if due is None:
            return
        result = self._result
        self._awaited -= 1
        result.outcomes[pb.Outcome.Name(answer.outcome).removeprefix("OUTCOME_")] += 1
        if answer.outcome == pb.OUTCOME_OK:
            latency = time.monotonic() - due
            result.batch_sizes.append(answer.batch_size)
            result.latencies.append(latency)
            if latency <= result.deadline_seconds:
                result.good += 1
                result.good_due.append(due)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
