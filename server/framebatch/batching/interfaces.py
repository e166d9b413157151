"""What the batcher asks of those who work for it: decoders, a detector, whoever counts or watches. Interfaces only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.frame import Detections, Frame
    from framebatch.scheduling import Decision

__all__ = ["BatchReport", "Decoders", "Detected", "HealthReport", "Observer"]


class Detected(Protocol):
    """What `detect` returns for a batch."""

    @property
    def detections(self) -> Sequence[Detections]:
        """One per row, in the order of the rows."""

    @property
    def bucket(self) -> int:
        """Rows that the device ran, padding included."""

    @property
    def submitted_ns(self) -> int:
        """When the batch was ready to be run."""

    @property
    def started_ns(self) -> int:
        """When the device began with it."""

    @property
    def finished_ns(self) -> int:
        """When the device was done."""

    @property
    def parsed_ns(self) -> int:
        """When the detections were there."""


class Decoders(Protocol):
    """Who turns pictures into what the detector takes, elsewhere and asynchronously."""

    @property
    def count(self) -> int:
        """Pictures that are worked on at a time."""

    @property
    def queued(self) -> int:
        """Frames that nobody works on yet."""

    def start(self, deliver: Callable[[list[Frame]], None]) -> None:
        """Deliver from now on, on the event loop; frames that were answered meanwhile are left out."""

    def put(self, frame: Frame) -> None:
        """Owns the frame until it is delivered, with `prepared` or `error`, and `ready_ns` set.

        `prepared` of a frame whose `rows` are more than 1 is a list of as many.
        A frame that nobody took up by its `decode_by_ns` may be delivered with none of them.
        """

    def release(self, frame: Frame) -> None:
        """`prepared`, with all rows, is no longer needed; harmless where there is none."""

    def close(self) -> None:
        """Stop."""


class BatchReport(Protocol):
    """Who wants to know of every finished batch."""

    def __call__(self, *, frames: int, bucket: int, device_ns: int) -> None:
        """`frames` rows answered with a device run of `bucket` that took `device_ns`."""


class HealthReport(Protocol):
    """Who wants to know whether a model can be run."""

    def __call__(self, *, healthy: bool, reason: str) -> None:
        """It cannot any more, and why; or it can again."""


class Observer(Protocol):
    """Who writes down what happens. Called on the event loop; must return at once, change nothing and never raise."""

    def received(self, frame: Frame) -> None:
        """The frame was taken in. Nothing was decided yet, and its picture is certain to be there for the last time."""

    def answered(self, frame: Frame) -> None:
        """The frame was answered; its outcome and times stay as they are."""

    def ran(
        self, *, rows: int, bucket: int, dispatched_ns: int, started_ns: int, finished_ns: int, submitted_ns: int
    ) -> None:
        """The device ran a batch of `rows`, padded to `bucket`; runs that failed are not told."""

    def decided(self, decision: Decision, *, time_ns: int, start_ns: int, waiting: int, preparing: int) -> None:
        """The policy decided so, and it is carried out now.

        Args:
            decision: what.
            time_ns: the current time.
            start_ns: when a batch committed now starts.
            waiting: rows that are ready, those of the decision included.
            preparing: rows that are being decoded.
        """
