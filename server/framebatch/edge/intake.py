"""What every handler needs to take a frame in and to see its answer off. Interfaces and the bundle of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from framebatch.clock import MILLISECOND_NS, SECOND_NS

if TYPE_CHECKING:
    from grpc import aio

    from framebatch.edge.wire import WireFormat
    from framebatch.frame import Frame, Outcome

    Context = aio.ServicerContext[bytes, bytes]

__all__ = ["Intake", "Ledger", "Server", "call_deadline_ns"]

CALL_MARGIN_NS = 5 * MILLISECOND_NS
"""Answers to a call with a gRPC deadline are due this much earlier: the client has given up when it comes."""
FOREVER_SECONDS = 3600.0


class Server(Protocol):
    """Who takes the frames over."""

    def submit(self, frame: Frame) -> None:
        """Owns the frame from now on."""

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Answers the frame at once."""

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Nobody waits for the answer any more."""


class Ledger(Protocol):
    """Who counts."""

    def answered(self, frame: Frame) -> None:
        """A frame has its outcome."""

    def stream_opened(self, camera: str) -> None:
        """A camera has begun a stream: its first frame named it."""

    def undelivered(self, answers: int) -> None:
        """So many answers had nobody left to go to."""


class Intake(NamedTuple):
    """The parts that a handler works with."""

    server: Server
    wire: WireFormat
    ledger: Ledger
    traced: bool = False
    """Whether somebody asks for the sender's trace."""


def call_deadline_ns(context: Context, now: int) -> int | None:
    """When the answer to a call with a gRPC deadline must have left; None when it has none worth the name."""
    remaining_seconds: float | None = context.time_remaining()  # None without a deadline, whatever its type says
    if remaining_seconds is None or remaining_seconds > FOREVER_SECONDS:
        return None
    return now + max(0, round(remaining_seconds * SECOND_NS) - CALL_MARGIN_NS)
