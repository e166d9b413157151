"""framebatch.logs.repeats: a message that repeats is written a few times, then counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framebatch.clock import SECOND_NS
from framebatch.logs.repeats import MOST_KEYS, WINDOW_NS, Repeats


def test_the_first_of_a_window_are_written_and_the_others_counted() -> None:
    """The count and the last of them are due when the window ends, once."""
    repeats: Repeats[str] = Repeats()
    admitted = [repeats.admit("key", f"message {n}", limit=3, now_ns=n * SECOND_NS) for n in range(10)]
    assert admitted == [True] * 3 + [False] * 7
    assert repr(repeats) == "Repeats(1 messages, 7 withheld)"
    assert (repeats.due(WINDOW_NS - 1), repeats.withholds) == ([], True)
    assert (repeats.due(WINDOW_NS), repeats.due(WINDOW_NS), repeats.withholds) == ([(7, "message 9")], [], False)


def test_a_new_window_begins_with_the_next_message() -> None:
    """What the old one held back is due then, however long that is."""
    repeats: Repeats[str] = Repeats()
    for _ in range(3):
        repeats.admit("key", "first", limit=1, now_ns=0)
    assert repeats.admit("key", "later", limit=1, now_ns=10 * WINDOW_NS)
    assert repeats.due(10 * WINDOW_NS) == [(2, "first")]


def test_messages_do_not_count_for_each_other() -> None:
    """A flood of one kind hides nothing of another."""
    repeats: Repeats[str] = Repeats()
    assert [repeats.admit(key, key, limit=1, now_ns=0) for key in "abab"] == [True, True, False, False]
    assert repeats.all() == [(1, "a"), (1, "b")]


def test_memory_is_bounded() -> None:
    """Of more kinds than are told apart, the oldest window is closed early, and its count is due."""
    repeats: Repeats[int] = Repeats()
    for _ in range(2):
        repeats.admit(0, 0, limit=1, now_ns=0)
    for key in range(1, 3 * MOST_KEYS):
        assert repeats.admit(key, key, limit=1, now_ns=1)
    assert (len(repeats._windows), repeats.due(1)) == (MOST_KEYS, [(1, 0)])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, WINDOW_NS // 2)), max_size=300), st.integers(1, 5))
def test_every_message_is_written_or_counted(arrivals: list[tuple[str, int]], limit: int) -> None:
    """Exactly once, whenever somebody asks what is due."""
    repeats: Repeats[str] = Repeats()
    now, admitted, told = 0, 0, 0
    for key, pause_ns in arrivals:
        now += pause_ns
        admitted += repeats.admit(key, key, limit=limit, now_ns=now)
        if pause_ns % 2:
            told += sum(lines for lines, _ in repeats.due(now))
    assert admitted + told + sum(lines for lines, _ in repeats.all()) == len(arrivals)
