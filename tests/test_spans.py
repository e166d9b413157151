"""framebatch.tracing and .edge.trace_context: what a trace tells of a frame, and of which frames."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from framebatch.clock import MILLISECOND_NS, SECOND_NS
from framebatch.edge.trace_context import parse
from framebatch.frame import Frame, Outcome, TraceParent
from framebatch.tracing.sampling import MOST_EXTRA, Sampler
from framebatch.tracing.spans import Stage, span_of

if TYPE_CHECKING:
    from collections.abc import Callable

TRACE, PARENT = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
HEADER = f"00-{TRACE:032x}-{PARENT:016x}-01"


def frame_of(outcome: Outcome = Outcome.OK, *, answered_ns: int = 10 * MILLISECOND_NS) -> Frame:
    """Answer a frame that went through all stages, a millisecond each but for the last."""
    frame = Frame(
        camera="press-3",
        sequence=8,
        live=True,
        picture=None,
        arrival_ns=MILLISECOND_NS,
        deadline_ns=101 * MILLISECOND_NS,
        reply=lambda _: None,
    )
    frame.outcome, frame.answered_ns, frame.batch_size = outcome, answered_ns, 4
    frame.ready_ns, frame.started_ns, frame.finished_ns, frame.parsed_ns = (n * MILLISECOND_NS for n in range(2, 6))
    return frame


def draws() -> Callable[[], float]:
    """Answer a distribution that is the same each time."""
    return random.Random(7).random  # noqa: S311 - of a test


# What is told of a frame ------------------------------------------------------------------------------------------


def test_the_span_of_a_frame_holds_its_stages_one_after_the_other() -> None:
    """In times since the epoch."""
    span = span_of(frame_of(), 1000)
    assert (span.start_unix_ns, span.end_unix_ns, span.error) == (1000 + MILLISECOND_NS, 1000 + 10 * MILLISECOND_NS, "")
    assert span.stages == tuple(
        Stage(name, 1000 + n * MILLISECOND_NS, 1000 + (n + 1) * MILLISECOND_NS)
        for n, name in enumerate(("decode", "queue", "device", "post"), 1)
    )
    assert span.attributes == {
        "framebatch.camera": "press-3",
        "framebatch.sequence": 8,
        "framebatch.model": "",
        "framebatch.model_version": "",
        "framebatch.outcome": "OK",
        "framebatch.priority": "normal",
        "framebatch.batch_size": 4,
        "framebatch.deadline_seconds": 0.1,
        "framebatch.slack_seconds": 0.091,
    }


def test_a_frame_that_went_wrong_has_the_stages_that_it_came_through() -> None:
    """And says why it went wrong."""
    frame = frame_of(Outcome.EXPIRED)
    frame.parsed_ns, frame.reason = 0, "the deadline came while the frame was waiting"
    span = span_of(frame, 0)
    assert ([stage.name for stage in span.stages], span.error) == (["decode"], frame.reason)
    frame.ready_ns = 0
    assert span_of(frame, 0).stages == ()
    frame.outcome = None
    with pytest.raises(ValueError, match="no outcome yet"):
        span_of(frame, 0)


# Which frames -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_the_share_of_frames_is_traced(share: float) -> None:
    """Of 20,000, within four standard deviations."""
    sampler, frame = Sampler(share, draw=draws()), frame_of()
    traced = sum(sampler.wants(frame) for _ in range(20_000))
    assert abs(traced - 20_000 * share) <= 4 * (20_000 * share * (1 - share)) ** 0.5


def test_what_goes_wrong_is_traced_within_a_bound_a_second() -> None:
    """Whatever the share is; a superseded or invalid frame has not gone wrong."""
    sampler = Sampler(0.0, draw=draws())
    for second in (1, 2):
        frame = frame_of(Outcome.REJECTED, answered_ns=second * SECOND_NS)
        assert sum(sampler.wants(frame) for _ in range(1000)) == MOST_EXTRA
    assert repr(sampler) == "Sampler(share=0, extra=1000 in this second)"
    others = (Outcome.OK, Outcome.SUPERSEDED, Outcome.INVALID)
    assert not any(sampler.wants(frame_of(outcome, answered_ns=9 * SECOND_NS)) for outcome in others)


def test_a_frame_of_its_senders_trace_follows_it() -> None:
    """A trace is whole, or is not."""
    never, always = (Sampler(share, draw=draws()) for share in (0.0, 1.0))
    frame = frame_of()
    frame.trace_parent = TraceParent(TRACE, PARENT, sampled=True)
    assert never.wants(frame)
    frame.trace_parent = TraceParent(TRACE, PARENT, sampled=False)
    assert not always.wants(frame)
    frame.outcome = Outcome.FAILED
    assert never.wants(frame)


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        (HEADER, TraceParent(TRACE, PARENT, sampled=True)),
        (f"{HEADER[:-2]}00", TraceParent(TRACE, PARENT, sampled=False)),
        (f"cc{HEADER[2:]}-what-will-be", TraceParent(TRACE, PARENT, sampled=True)),
        (f"{HEADER}-more", None),
        (f"ff{HEADER[2:]}", None),
        (HEADER.upper(), None),
        (HEADER.replace(f"{TRACE:032x}", "0" * 32), None),
        (HEADER.replace(f"{PARENT:016x}", "0" * 16), None),
        ("", None),
    ],
)
def test_the_senders_header_is_read_as_the_standard_says(text: str, parent: TraceParent | None) -> None:
    """What is not one is as good as none."""
    assert parse(text) == parent
