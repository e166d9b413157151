"""The newest picture of each camera with what was found in it: references to what was received, within a limit of bytes.

Of a camera one frame is followed at a time, from its arrival to its answer, so at most two of its pictures are kept,
however many it sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import SECOND_NS
from framebatch.frame import Outcome, RawPicture

if TYPE_CHECKING:
    from framebatch.frame import Detections, Frame, Header, Model, Picture

__all__ = ["Kept", "Pictures"]

MAX_BYTES: Final = 64 << 20
STAYS_NS: Final = 2 * SECOND_NS


class Kept(NamedTuple):
    """A picture, and what became of the frame that it came with.

    Attributes:
        decoded: whether a decoder has got through it, or it needs none; another one is not touched in this process.
    """

    number: int
    camera: str
    picture: Picture
    header: Header
    model: Model
    outcome: Outcome
    reason: str
    detections: Detections | None
    arrival_ns: int
    decoded: bool

    @property
    def size(self) -> int:
        """Bytes of the picture."""
        return len(self.picture.data)


class Pictures:
    """By camera.

    Invariants: `held_bytes` is what the pictures followed and kept take together, and never more than the limit; a frame
    that is followed has no outcome yet; numbers rise.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._followed: dict[str, tuple[Frame, Picture]] = {}
        self._kept: dict[str, Kept] = {}
        self._number = 0
        self.held_bytes = 0

    def __repr__(self) -> str:
        return f"Pictures({len(self._kept)} kept, {len(self._followed)} followed, {self.held_bytes} bytes)"

    def follow(self, frame: Frame) -> None:
        """A frame of a camera that is shown has arrived. O(1), apart from what has to go for it."""
        picture = frame.picture
        if picture is None or frame.camera in self._followed or not self._make_room(len(picture.data)):
            return
        self._followed[frame.camera] = (frame, picture)
        self.held_bytes += len(picture.data)

    def answered(self, frame: Frame) -> None:
        """A frame has its outcome: if it was followed, its picture takes the place of its camera's last one. O(1)."""
        followed = self._followed.get(frame.camera)
        if followed is None or followed[0] is not frame:
            return
        del self._followed[frame.camera]
        picture, header, outcome = followed[1], frame.header, frame.outcome
        if header is None or outcome is None or not self._shows_more(frame, outcome):
            self.held_bytes -= len(picture.data)
            return
        self.forget(frame.camera)
        self._number += 1
        self._kept[frame.camera] = Kept(
            self._number,
            frame.camera,
            picture,
            header,
            frame.model,
            outcome,
            frame.reason,
            frame.detections,
            frame.arrival_ns,
            isinstance(picture, RawPicture) or (frame.ready_ns > 0 and frame.error is None),
        )

    def newest(self, camera: str) -> Kept | None:
        """The camera's last picture; None where there is none yet, or none any more."""
        return self._kept.get(camera)

    def number(self, camera: str) -> int | None:
        """That picture's number."""
        kept = self._kept.get(camera)
        return None if kept is None else kept.number

    def forget(self, camera: str) -> None:
        """Keep nothing of the camera; a frame that is followed is followed on."""
        kept = self._kept.pop(camera, None)
        if kept is not None:
            self.held_bytes -= kept.size

    def _shows_more(self, frame: Frame, outcome: Outcome) -> bool:
        """Whether its picture is to take the place of its camera's last one: under overload those with boxes stay a while."""
        if outcome is Outcome.OK:
            return True
        last = self._kept.get(frame.camera)
        young = last is not None and last.outcome is Outcome.OK and frame.arrival_ns - last.arrival_ns < STAYS_NS
        return outcome is not Outcome.INVALID and not young

    def _make_room(self, size: int) -> bool:
        """Let the oldest pictures go until there is room; whether there is. What is followed stays until its answer."""
        while self._kept and self.held_bytes + size > self._max_bytes:
            self.forget(next(iter(self._kept)))
        return self.held_bytes + size <= self._max_bytes
