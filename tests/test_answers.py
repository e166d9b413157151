"""framebatch.batching.answers: exactly one answer for every frame, at its deadline at the latest."""

from __future__ import annotations

import asyncio

import pytest

from framebatch.batching.answers import TIDY_ABOVE, Answers
from framebatch.frame import Frame, Outcome
from framebatch.testing import Replies


class Book:
    """Answers, and the frames that were dropped at their deadline."""

    def __init__(self) -> None:
        self.replies = Replies()
        self.expired: list[Frame] = []
        self.answers = Answers(asyncio.get_running_loop(), on_expired=self.expired.append)

    def take(self, sequence: int = 0, *, deadline_ms: float = 600_000) -> Frame:
        """Answer a frame that is owed an answer, and watched."""
        frame = self.replies.frame(sequence, deadline_ms=deadline_ms)
        self.answers.owe(frame)
        self.answers.watch(frame)
        return frame


async def test_an_answer_reaches_its_frame() -> None:
    """Outcome, reason and time are set, the picture is let go, and the reply is called."""
    book = Book()
    frame = book.take()
    book.answers.give(frame, Outcome.INVALID, "because")
    assert book.replies.frames == [frame]
    assert (frame.outcome, frame.reason, frame.picture, book.answers.owed) == (Outcome.INVALID, "because", None, 0)
    assert frame.answered_ns >= frame.arrival_ns


async def test_at_its_deadline_a_frame_is_answered() -> None:
    """EXPIRED, not before the deadline, and its owner is told first."""
    book = Book()
    frame = book.take(deadline_ms=5)
    await book.replies.wait(1)
    assert frame.outcome is Outcome.EXPIRED
    assert frame.answered_ns >= frame.deadline_ns
    assert (book.expired, book.answers.owed) == ([frame], 0)


@pytest.mark.parametrize(
    ("ready_ns", "dispatched_ns", "where"), [(0, 0, "being decoded"), (1, 0, "waiting"), (1, 2, "on the device")]
)
async def test_an_expired_frame_says_where_it_was(ready_ns: int, dispatched_ns: int, where: str) -> None:
    """The reason names the stage."""
    book = Book()
    frame = book.take(deadline_ms=1)
    frame.ready_ns, frame.dispatched_ns = ready_ns, dispatched_ns
    await book.replies.wait(1)
    assert frame.reason == f"the deadline came while the frame was {where}"


async def test_an_expired_frame_says_what_held_it_up() -> None:
    """When it had been run in vain before."""
    book = Book()
    frame = book.take(deadline_ms=1)
    frame.reason = "a batch of 2 failed: no memory"
    await book.replies.wait(1)
    assert frame.reason == "the deadline came while the frame was being decoded; a batch of 2 failed: no memory"


async def test_a_newer_frame_is_named() -> None:
    """To whoever is superseded by it."""
    book = Book()
    old, new = book.take(3), book.take(4)
    book.answers.supersede(old, new)
    assert (old.outcome, old.reason) == (Outcome.SUPERSEDED, "frame 4 of the same camera is newer")


async def test_frames_expire_in_the_order_of_their_deadlines() -> None:
    """However they were taken in; a later frame may have the earlier deadline."""
    book = Book()
    for sequence, deadline_ms in enumerate([30, 10, 20]):
        book.take(sequence, deadline_ms=deadline_ms)
    answered = await book.replies.wait(3)
    assert [frame.sequence for frame in answered] == [1, 2, 0]


async def test_an_answered_frame_does_not_expire() -> None:
    """Its deadline passes without another answer."""
    book = Book()
    answered, marker = book.take(1, deadline_ms=5), book.take(2, deadline_ms=10)
    book.answers.give(answered, Outcome.OK, "")
    await book.replies.wait(2)
    assert book.replies.frames == [answered, marker]
    assert (answered.outcome, book.expired) == (Outcome.OK, [marker])


async def test_a_frame_is_taken_in_once() -> None:
    """Owing an answer that was given before is a mistake of the program, and shows."""
    book = Book()
    frame = book.take()
    book.answers.give(frame, Outcome.OK, "")
    with pytest.raises(ValueError, match=r"Frame\(camera#0, OK\) was answered before"):
        book.answers.owe(frame)


async def test_answered_frames_are_not_kept() -> None:
    """Frames answered long before their deadlines do not pile up."""
    book = Book()
    for sequence in range(3 * TIDY_ABOVE):
        book.answers.give(book.take(sequence), Outcome.OK, "")
    assert len(book.answers._watched) <= TIDY_ABOVE + 1
    late = book.take(deadline_ms=1)
    await book.replies.wait(3 * TIDY_ABOVE + 1)
    assert late.outcome is Outcome.EXPIRED


async def test_all_that_is_owed_can_be_given_at_once() -> None:
    """Frames that have their answer keep it."""
    book = Book()
    done, waiting = book.take(1), book.take(2)
    book.answers.give(done, Outcome.OK, "")
    book.answers.give_all(Outcome.REJECTED, "the end")
    assert (done.outcome, waiting.outcome, waiting.reason) == (Outcome.OK, Outcome.REJECTED, "the end")
    assert (book.replies.frames, book.expired, book.answers.owed) == ([done, waiting], [waiting], 0)


async def test_settled_when_nothing_is_owed() -> None:
    """At once where nothing is owed, with the last answer otherwise, and not without it."""
    book = Book()
    assert await book.answers.settled(60)
    frame = book.take()
    assert not await book.answers.settled(0)
    waiting = asyncio.create_task(book.answers.settled(60))
    book.answers.give(frame, Outcome.OK, "")
    assert await waiting
    assert await book.answers.settled(None)


async def test_a_closed_book_watches_no_more() -> None:
    """No timer is left behind."""
    book = Book()
    book.take(deadline_ms=1)
    book.answers.close()
    assert book.answers._timer is not None
    assert book.answers._timer.cancelled()


async def test_it_shows_its_state() -> None:
    """The repr counts what is owed and watched."""
    book = Book()
    book.answers.give(book.take(1), Outcome.OK, "")
    book.take(2)
    assert repr(book.answers) == "Answers(owed=1, watched=2)"
