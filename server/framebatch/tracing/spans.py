"""What a trace tells of a frame: its span, the spans of its stages, their attributes. Pure; knows no library."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from framebatch.clock import ns_to_seconds
from framebatch.frame import MISSED

if TYPE_CHECKING:
    from framebatch.frame import Frame, TraceParent

__all__ = ["FrameSpan", "Stage", "span_of"]


class Stage(NamedTuple):
    """A part of a frame's time; nanoseconds since the Unix epoch."""

    name: str
    start_unix_ns: int
    end_unix_ns: int


class FrameSpan(NamedTuple):
    """A frame from its arrival to its answer; nanoseconds since the Unix epoch."""

    start_unix_ns: int
    end_unix_ns: int
    attributes: dict[str, str | int | float]
    error: str
    """Why it went wrong; empty: it did not."""
    stages: tuple[Stage, ...]
    """The same that the answer's timing tells: one after the other, without gaps."""
    parent: TraceParent | None


def span_of(frame: Frame, epoch_ns: int) -> FrameSpan:
    """The span of an answered frame.

    Args:
        frame: has its outcome.
        epoch_ns: what to add to the frame's times.
    """
    outcome = frame.outcome
    if outcome is None:
        raise ValueError(f"{frame!r} has no outcome yet")
    attributes: dict[str, str | int | float] = {
        "framebatch.camera": frame.camera,
        "framebatch.sequence": frame.sequence,
        "framebatch.model": frame.model.name,
        "framebatch.model_version": frame.model.version,
        "framebatch.outcome": outcome.value,
        "framebatch.priority": frame.priority.word,
        "framebatch.batch_size": frame.batch_size,
        "framebatch.deadline_seconds": ns_to_seconds(frame.deadline_ns - frame.arrival_ns),
        "framebatch.slack_seconds": ns_to_seconds(frame.deadline_ns - frame.answered_ns),
    }
    if frame.reason:
        attributes["framebatch.reason"] = frame.reason
    return FrameSpan(
        epoch_ns + frame.arrival_ns,
        epoch_ns + frame.answered_ns,
        attributes,
        (frame.reason or outcome.value) if outcome in MISSED else "",
        _stages(frame, epoch_ns),
        frame.trace_parent,
    )


def _stages(frame: Frame, epoch_ns: int) -> tuple[Stage, ...]:
    """Those that it went through to their end."""
    if not frame.ready_ns:
        return ()
    times = [frame.arrival_ns, frame.ready_ns]
    if frame.parsed_ns:
        times += [frame.started_ns, frame.finished_ns, frame.parsed_ns]
    names = ("decode", "queue", "device", "post")
    return tuple(
        Stage(name, epoch_ns + start, epoch_ns + end) for name, start, end in zip(names, times, times[1:], strict=False)
    )
