"""What is written down: every frame once it is answered, every batch once it has run, every decision. Values only.

All times are integer nanoseconds on the server's monotonic clock; 0 means that this point was not reached.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from framebatch.frame import Outcome

__all__ = ["BatchRecord", "Decided", "DecisionRecord", "FrameRecord", "ModelRecord", "Record", "Recording"]


class ModelRecord(NamedTuple):
    """One version of a model, as it was served."""

    name: str
    version: str
    device: str
    buckets: tuple[int, ...]
    """The batch sizes that are run, rising."""
    service_ns: tuple[int, ...]
    """What the server believed at the start that they take."""
    low_ratio: float
    """The 10th percentile of a batch's time over the median, as believed at the start."""
    high_ratio: float
    """The 90th."""
    max_batch: int
    decoders: int
    """Processes that decode its pictures."""
    answer_margin_ns: int
    """By which answers are planned to leave before their deadlines."""


class FrameRecord(NamedTuple):
    """One frame, with its outcome."""

    model: str
    camera: str
    sequence: int
    live: bool
    rows: int
    """Places of a batch that it took."""
    priority: int
    """0 critical, 1 normal, 2 best effort."""
    arrival_ns: int
    deadline_ns: int
    ready_ns: int
    dispatched_ns: int
    started_ns: int
    finished_ns: int
    answered_ns: int
    batch_size: int
    outcome: Outcome


class BatchRecord(NamedTuple):
    """One batch that the device ran."""

    model: str
    frames: int
    bucket: int
    dispatched_ns: int
    """When it was handed over."""
    started_ns: int
    finished_ns: int
    submitted_ns: int = 0
    """When it was filled, and the device could have begun; it began later where another batch still ran."""


class Decided(IntEnum):
    """What the policy said."""

    RUN = 1
    SHED = 2
    WAIT = 3


class DecisionRecord(NamedTuple):
    """One answer of the policy."""

    model: str
    time_ns: int
    start_ns: int
    """When a batch committed then would have started."""
    decided: Decided
    frames: int
    """Frames of the batch, or frames shed; 0 for a wait."""
    waiting: int
    """Frames that were ready."""
    preparing: int
    """Frames that were being decoded."""


Record = ModelRecord | FrameRecord | BatchRecord | DecisionRecord
"""Whatever can be written down."""


class Recording(NamedTuple):
    """All that was read back, each kind in the order in which it was written.

    Frames are written as they are answered, so those that were in flight at the end are missing.
    """

    created: str
    """When recording began, ISO 8601 with the offset from UTC."""
    framebatch: str
    """Version that wrote it."""
    models: tuple[ModelRecord, ...]
    frames: tuple[FrameRecord, ...]
    batches: tuple[BatchRecord, ...]
    decisions: tuple[DecisionRecord, ...]
    lost: int
    """Records that are missing because older files were deleted, or the disk could not keep up; -1: some, not known how many."""
    created_ns: int = 0
    """The monotonic clock at `created`: what happened at t was at `created` plus t - created_ns by the wall clock."""
