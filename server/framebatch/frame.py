"""What travels through every room: a frame, its picture, its outcome, its detections. No behaviour.

A frame's fields are written by one room each (the comment above them says which) and read by all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "DUE",
    "LATE",
    "MISSED",
    "NO_MODEL",
    "Detections",
    "EncodedPicture",
    "Frame",
    "Header",
    "Model",
    "Outcome",
    "Picture",
    "Priority",
    "RawPicture",
    "Region",
    "TraceParent",
]


class Outcome(StrEnum):
    """The closed set of ways in which a frame ends; the values are the names on the wire and in metrics."""

    OK = "OK"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    REJECTED = "REJECTED"
    INVALID = "INVALID"
    FAILED = "FAILED"


LATE: Final = (Outcome.EXPIRED, Outcome.REJECTED)
"""Of frames that were not answered in time, or would not have been."""
MISSED: Final = (*LATE, Outcome.FAILED)
"""Of frames that somebody waited for in vain: what logs, page, traces and the error budget call missed."""
DUE: Final = (Outcome.OK, *MISSED)
"""Of frames that were to be answered in time; superseded and invalid ones were not."""


class Priority(IntEnum):
    """How much it matters that a camera's frames are answered; of two classes the lower number is served first."""

    CRITICAL = 0
    NORMAL = 1
    BEST_EFFORT = 2

    @property
    def word(self) -> str:
        """As people write it, and as metrics show it: `best-effort`."""
        return self.name.lower().replace("_", "-")


class Region(NamedTuple):
    """A rectangle in pixels of the source picture (after EXIF rotation), origin top left."""

    x: int
    y: int
    width: int
    height: int


class Header(NamedTuple):
    """What a picture's header says before anything is decoded; size in pixels after EXIF rotation."""

    width: int
    height: int
    format: str
    """`jpeg`, `png`, `webp`, `bmp` or `raw`."""


class EncodedPicture(NamedTuple):
    """The bytes of a JPEG, PNG, WebP or BMP file, as received."""

    data: bytes


class RawPicture(NamedTuple):
    """Plain samples, rows top to bottom, one byte a sample."""

    data: bytes
    width: int
    height: int
    layout: str
    """`bgr`, `rgb` (height x width x 3) or `gray` (height x width)."""


Picture = EncodedPicture | RawPicture


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One version of a model, loaded. Compared by identity: the same file loaded again is another.

    Attributes:
        name: As frames name it.
        version: For people; tells versions of one name apart.
        labels: Names of its classes, by class id.
    """

    name: str
    version: str
    labels: tuple[str, ...]


class TraceParent(NamedTuple):
    """The sender's span of which a frame is a part (W3C Trace Context)."""

    trace_id: int
    span_id: int
    sampled: bool
    """Whether the sender's part is kept."""


NO_MODEL: Final = Model("", "", ())
"""Of frames that name a model which is not served, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found in one picture, best score first; n may be 0.

    Attributes:
        boxes: float32 (n, 4), corners x1, y1, x2, y2 in source pixels, inside the picture.
        scores: float32 (n,), 0 to 1, not increasing.
        class_ids: int32 (n,), index into the model's labels.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scores)


class Frame:
    """One frame on its way, from the socket to its answer. Compared by identity.

    Attributes:
        camera: who sent it.
        sequence: the sender's own number, echoed in the answer.
        live: whether a newer frame of the same camera takes its place while it waits.
        picture: as received.
        region: the part to look at; None for all of it.
        arrival_ns: when it had been read from the socket.
        deadline_ns: when its answer must have left.
        reply: called exactly once, on the event loop, when `outcome` is set.
        capture_unix_ns: when the picture was taken by the camera's clock; None when not told.
        priority: whose frames are answered when not all can be.
        next_frame_ns: from its arrival to that of the camera's next frame, by the sender's hint; 0 when not told.
        model: who answers it.
        header: what the picture's header says; None until it was read.
        rows: places of a batch that it takes: 1, or the number of tiles of a large picture.
        prepared: network-sized pixels, and how to map boxes back; whatever `prepare` returned. A list of `rows` such
            where there are several.
        picture_bytes: length of `picture` when it arrived.
        decode_by_ns: there is no use in decoding it later than this.
        ready_ns: when `prepared` was there; 0 before.
        dispatched_ns: when it was handed to a device lane; 0 before.
        started_ns: when the device began with its batch; 0 before.
        finished_ns: when the device had finished with its batch; 0 before.
        parsed_ns: when its detections were there; 0 before.
        answered_ns: when `outcome` was set; 0 before.
        batch_size: rows that share the device run, the last one where there are several; 0 until it is handed over.
        outcome: None while in flight.
        reason: for people; empty when the outcome is OK. While in flight: why it has to be run again, if it has.
        detections: None unless the outcome is OK.
        trace_parent: the sender's span; None when not told, or when nobody traces.
    """

    __slots__ = (
        "answered_ns",
        "arrival_ns",
        "batch_size",
        "camera",
        "capture_unix_ns",
        "deadline_ns",
        "decode_by_ns",
        "detections",
        "dispatched_ns",
        "error",
        "finished_ns",
        "header",
        "live",
        "model",
        "next_frame_ns",
        "outcome",
        "parsed_ns",
        "picture",
        "picture_bytes",
        "prepared",
        "priority",
        "ready_ns",
        "reason",
        "region",
        "reply",
        "rows",
        "sequence",
        "started_ns",
        "trace_parent",
    )

    def __init__(
        self,
        *,
        camera: str,
        sequence: int,
        live: bool,
        picture: Picture | None,
        arrival_ns: int,
        deadline_ns: int,
        reply: Callable[[Frame], None],
        region: Region | None = None,
        capture_unix_ns: int | None = None,
    ) -> None:
        # edge: when it was read
        self.camera = camera
        self.sequence = sequence
        self.live = live
        self.picture = picture
        self.region = region
        self.arrival_ns = arrival_ns
        self.deadline_ns = deadline_ns
        self.reply = reply
        self.capture_unix_ns = capture_unix_ns
        self.trace_parent: TraceParent | None = None
        self.priority = Priority.NORMAL
        self.next_frame_ns = 0
        self.model = NO_MODEL
        self.header: Header | None = None
        # batcher: on the event loop, except `prepared`, `error` and the two times after it, which a decoder writes
        self.rows = 1
        self.prepared: object = None
        self.error: Exception | None = None
        self.picture_bytes = 0
        self.decode_by_ns = deadline_ns
        self.ready_ns = 0
        self.dispatched_ns = 0
        self.started_ns = 0
        self.finished_ns = 0
        self.parsed_ns = 0
        self.answered_ns = 0
        self.batch_size = 0
        self.outcome: Outcome | None = None
        self.reason = ""
        self.detections: Detections | None = None

    def __repr__(self) -> str:
        return f"Frame({self.camera}#{self.sequence}, {self.outcome or 'in flight'})"
