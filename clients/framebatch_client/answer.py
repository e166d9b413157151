"""What comes back for a frame, as frozen values, and the one conversion from the wire.

Sending, waiting and counting do not belong here, nor does anything that knows a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framebatch_proto.v1 import detector_pb2


class Outcome(StrEnum):
    """The closed set of ways in which a frame ends. Each member equals its own name as a string."""

    OK = "OK"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    REJECTED = "REJECTED"
    INVALID = "INVALID"
    FAILED = "FAILED"


_OUTCOMES = dict(enumerate(Outcome, start=1))  # the numbers of the wire


@dataclass(frozen=True, slots=True)
class Detection:
    """One found object. ``box`` is x1, y1, x2, y2 in pixels of the picture as sent; ``score`` is 0 to 1."""

    box: tuple[float, float, float, float]
    score: float
    class_id: int
    label: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time went, in seconds by the server's clock; a stage that the frame did not reach is 0.

    ``batch_size`` is the number of frames that shared the device run (0: never reached the device). ``age`` is the time
    from capture to answer in seconds, None when the frame carried no capture time.
    """

    decode: float = 0.0
    queue: float = 0.0
    device: float = 0.0
    post: float = 0.0
    total: float = 0.0
    batch_size: int = 0
    age: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The one answer to one frame.

    ``detections`` come best score first and are empty unless ``outcome`` is OK; ``reason`` says for people why.
    ``width`` and ``height`` are those of the picture in pixels (0 when it was not read). ``latency_seconds`` is measured
    by this client, from handing over the frame to having the answer.
    """

    sequence: int
    camera: str
    outcome: Outcome
    reason: str
    detections: tuple[Detection, ...]
    timing: Timing
    model: str
    model_version: str
    width: int
    height: int
    latency_seconds: float


def answer_from_wire(message: detector_pb2.Answer, *, latency_seconds: float) -> Answer:
    """Convert a message; an outcome that this client does not know reads as FAILED with a reason that names it."""
    outcome, reason = _OUTCOMES.get(message.outcome), message.reason
    if outcome is None:
        outcome = Outcome.FAILED
        reason = f"unknown outcome {message.outcome:d}: {reason}" if reason else f"unknown outcome {message.outcome:d}"
    timing = message.timing
    return Answer(
        sequence=message.sequence,
        camera=message.camera,
        outcome=outcome,
        reason=reason,
        detections=tuple(
            [Detection((d.x1, d.y1, d.x2, d.y2), d.score, d.class_id, d.label) for d in message.detections]
        ),
        timing=Timing(
            timing.decode_seconds,
            timing.queue_seconds,
            timing.device_seconds,
            timing.post_seconds,
            timing.total_seconds,
            message.batch_size,
            timing.age_seconds if timing.HasField("age_seconds") else None,
        ),
        model=message.model,
        model_version=message.model_version,
        width=message.width,
        height=message.height,
        latency_seconds=latency_seconds,
    )
