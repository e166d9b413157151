"""framebatch.planning.decoders: so many pictures at a time, the most urgent first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from played import MS, dice, frame

from framebatch.frame import Outcome
from framebatch.planning.decoders import Decoders
from framebatch.planning.durations import Fixed


def decoders(number: int) -> Decoders:
    """Answer idle ones that take 5 ms a picture."""
    return Decoders(number, Fixed(5 * MS), dice(1))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12))
def test_the_most_urgent_is_begun_first(budgets_ms: list[int]) -> None:
    """Of those that wait when one becomes idle; of equal ones the first that came."""
    one = decoders(1)
    for camera, budget_ms in enumerate(budgets_ms):
        one.put(frame(0, budget_ms, str(camera)))
    begun = []
    while (found := one.begin(0)) is not None:
        begun.append(found[0])
        one.done()
    urgency = [(each.deadline_ns, int(each.camera)) for each in begun]
    assert urgency == sorted(urgency)
    assert len(begun) == len(budgets_ms)
    assert one.busy_ns == 5 * MS * len(budgets_ms)


def test_no_more_are_in_work_than_there_are_decoders() -> None:
    """The third waits until one of two is done."""
    two = decoders(2)
    for _ in range(3):
        two.put(frame(0))
    assert [two.begin(0) is None for _ in range(3)] == [False, False, True]
    assert repr(two) == "Decoders(idle=0, waiting=1)"
    two.done()
    assert two.begin(0) is not None
    assert two.queued == 0


def test_without_a_number_nobody_waits() -> None:
    """There are as many as wanted."""
    many = decoders(0)
    for _ in range(100):
        many.put(frame(0))
    assert all(many.begin(0) is not None for _ in range(100))


def test_what_is_no_use_decoding_leaves_without_a_decoder() -> None:
    """Late ones are told, those that have their outcome already are not."""
    one = decoders(1)
    late, answered, fine = frame(0, 10), frame(0, 20), frame(0, 30)
    answered.outcome = Outcome.SUPERSEDED
    late.deadline_ns = 15 * MS  # what counts is `decode_by_ns`
    for each in (late, answered, fine):
        one.put(each)
    assert one.late(10 * MS) is None  # it may still be decoded now
    assert one.late(10 * MS + 1) is late
    assert one.late(10 * MS + 1) is None
    assert one.begin(10 * MS + 1) == (fine, 5 * MS)
