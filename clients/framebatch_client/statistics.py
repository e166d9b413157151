"""Counting what became of the frames of a stream, and the figures made from the counts.

Pure bookkeeping: times are passed in, nothing is sent or awaited here, and nothing is printed.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framebatch_client.answer import Outcome
from framebatch_client.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from framebatch_client.answer import Answer

_KEPT_LATENCIES = 10_000
_KEPT_UNANSWERED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStats:
    """What became of the frames so far; ``sent == sum(answered.values()) + lost + in_flight`` always.

    Args:
        sent: frames handed to the connection.
        sent_fps: frames sent per second between the first and the last of them; None before the second.
        answered: number of answers by outcome; every outcome is present.
        lost: frames sent whose answer can no longer come, because the connection went.
        in_flight: frames sent whose answer is still awaited.
        skipped: frames that were due while there was no connection, and were not sent.
        late: frames that ``run`` sent more than half a period after they were due.
        reconnects: how often the stream was opened again.
        unread: answers dropped because nobody took them from ``answers()``.
        unexpected: answers that belong to no frame in flight; they are in no other count.
        p50_ms: median from sending a frame to having its answer, over the latest 10 000 OK answers; None without any.
        p99_ms: likewise the 99th percentile (nearest rank).
        mean_batch: mean number of frames that shared a device run, over the answers that came from the device.
        last_error: why the connection was last lost, in words; empty if it never was.
        last_reasons: of each outcome that brings a reason, that of the latest frame.
    """

    sent: int = 0
    sent_fps: float | None = None
    answered: Mapping[Outcome, int]
    lost: int = 0
    in_flight: int = 0
    skipped: int = 0
    late: int = 0
    reconnects: int = 0
    unread: int = 0
    unexpected: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    mean_batch: float | None = None
    last_error: str = ""
    last_reasons: Mapping[Outcome, str] = field(default_factory=dict)


class Ledger:
    """The book of one stream. Every frame noted as sent is in flight until it is noted as answered or lost.

    Invariant: ``sent == sum(answered.values()) + lost + len(in flight)`` after every method.
    """

    def __init__(self) -> None:
        self.sent = self.lost = self.skipped = self.late = self.reconnects = self.unread = self.unexpected = 0
        self.answered: Counter[Outcome] = Counter()
        self.last_reasons: dict[Outcome, str] = {}
        self.batched = self.batch_sum = 0
        self.last_error = ""
        self.latencies_seconds: deque[float] = deque(maxlen=_KEPT_LATENCIES)
        self.unanswered: deque[int] = deque(maxlen=_KEPT_UNANSWERED)
        self._sent_ns: dict[int, int] = {}
        self._first_ns = self._last_ns = 0

    def __repr__(self) -> str:
        """Show the sum of the invariant."""
        return f"<Ledger {self.sum}>"

    @property
    def sum(self) -> str:
        """The invariant with its numbers, for people."""
        return f"{self.sent} sent = {self.answered.total()} answered + {self.lost} lost + {self.in_flight} in flight"

    @property
    def sent_fps(self) -> float | None:
        """Frames per second from the first to the last frame sent; None before the second."""
        span_ns = self._last_ns - self._first_ns
        return (self.sent - 1) * 1e9 / span_ns if span_ns else None

    @property
    def in_flight(self) -> int:
        """How many frames await their answer."""
        return len(self._sent_ns)

    def send(self, sequence: int, now_ns: int) -> None:
        """Note a frame as sent; raises InvalidRequest when one with this number is still in flight."""
        if sequence in self._sent_ns:
            raise InvalidRequest(f"sequence {sequence} is still in flight: an answer could not be told apart")
        self._sent_ns[sequence] = self._last_ns = now_ns
        self._first_ns = self._first_ns or now_ns
        self.sent += 1

    def latency_seconds(self, sequence: int, now_ns: int) -> float | None:
        """Tell how long this frame has been in flight; None, and counted as unexpected, when it is not."""
        sent_ns = self._sent_ns.get(sequence)
        if sent_ns is None:
            self.unexpected += 1
            return None
        return (now_ns - sent_ns) / 1e9

    def answer(self, answer: Answer) -> None:
        """Note the answer to a frame in flight."""
        del self._sent_ns[answer.sequence]
        self.answered[answer.outcome] += 1
        if answer.reason:
            self.last_reasons[answer.outcome] = answer.reason
        if answer.outcome is Outcome.OK:
            self.latencies_seconds.append(answer.latency_seconds)
        if answer.timing.batch_size:
            self.batched += 1
            self.batch_sum += answer.timing.batch_size

    def lose(self, sequence: int) -> None:
        """Note that the answer to this frame will not come; nothing happens when it is not in flight."""
        if self._sent_ns.pop(sequence, None) is not None:
            self.lost += 1
            self.unanswered.append(sequence)

    def lose_all(self) -> None:
        """Note that no answer to any frame in flight will come."""
        for sequence in tuple(self._sent_ns):
            self.lose(sequence)


def combine(ledgers: Iterable[Ledger]) -> StreamStats:
    """Make the figures of one or of several streams taken together."""
    books = tuple(ledgers)
    answered = {outcome: sum(book.answered[outcome] for book in books) for outcome in Outcome}
    latencies = sorted(latency for book in books for latency in book.latencies_seconds)
    batched = sum(book.batched for book in books)
    rates = [book.sent_fps for book in books if book.sent_fps is not None]
    return StreamStats(
        sent=sum(book.sent for book in books),
        sent_fps=sum(rates) if rates else None,
        answered=answered,
        lost=sum(book.lost for book in books),
        in_flight=sum(book.in_flight for book in books),
        skipped=sum(book.skipped for book in books),
        late=sum(book.late for book in books),
        reconnects=sum(book.reconnects for book in books),
        unread=sum(book.unread for book in books),
        unexpected=sum(book.unexpected for book in books),
        p50_ms=_percentile_ms(latencies, 50),
        p99_ms=_percentile_ms(latencies, 99),
        mean_batch=sum(book.batch_sum for book in books) / batched if batched else None,
        last_error=next((book.last_error for book in reversed(books) if book.last_error), ""),
        last_reasons={outcome: reason for book in books for outcome, reason in book.last_reasons.items()},
    )


def _percentile_ms(ordered_seconds: Sequence[float], percent: int) -> float | None:
    """Nearest rank of values in ascending order."""
    if not ordered_seconds:
        return None
    return ordered_seconds[math.ceil(len(ordered_seconds) * percent / 100) - 1] * 1000
