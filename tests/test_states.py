"""framebatch.app.states: what begins and ends is told once each, and not for what hovers at a limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framebatch.app.states import Misses, Switch, drifting, overloaded


def told(misses: Misses, looks: list[tuple[int, int]]) -> list[str]:
    """Answer what each look found, given the frames and the misses of each second."""
    words, frames, missed = [], 0, 0
    for more, lost in looks:
        frames, missed = frames + more, missed + lost
        change = misses.look(frames, missed)
        words.append("began" if change.began else "ended" if change.ended else "")
    return words


def test_a_state_must_show_for_some_looks_in_a_row() -> None:
    """To begin, and to end."""
    switch = Switch(looks_to_begin=2, looks_to_end=3)
    enter = [switch.look(enter=bool(each), leave=False).began for each in (1, 0, 1, 1)]
    assert (enter, repr(switch)) == ([False, False, False, True], "Switch(on, 0 looks for the other)")
    leave = [switch.look(enter=False, leave=bool(each)).ended for each in (1, 1, 0, 1, 1, 1)]
    assert (leave, switch.holds) == ([False] * 5 + [True], False)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=100))
def test_beginnings_and_ends_alternate(looks: list[tuple[bool, bool]]) -> None:
    """Whatever is seen, and the first is a beginning."""
    switch = drifting()
    changes = [switch.look(enter=enter, leave=leave) for enter, leave in looks]
    words = ["began" if change.began else "ended" for change in changes if change.began or change.ended]
    assert words == ["began", "ended"] * (len(words) // 2) + ["began"] * (len(words) % 2)


def test_what_stays_between_the_thresholds_changes_nothing() -> None:
    """Neither in one state nor in the other."""
    switch = overloaded()
    assert not any(switch.look(enter=False, leave=False).began for _ in range(100))
    for _ in range(3):
        switch.look(enter=True, leave=False)
    assert not any(switch.look(enter=False, leave=False).ended for _ in range(100))


def test_a_camera_that_loses_a_tenth_is_told_of_at_once() -> None:
    """In the second in which it shows."""
    misses = Misses()
    assert told(misses, [(15, 0)] * 3 + [(15, 15)]) == ["", "", "", "began"]
    assert repr(misses) == "Misses(15 of 60, Switch(on, 0 looks for the other))"


def test_a_camera_recovers_when_the_misses_are_half_a_minute_old() -> None:
    """It is told once, and so is the next time that a tenth is lost."""
    misses = Misses()
    words = told(misses, [(15, 15)] + [(15, 0)] * 40 + [(15, 15)] * 3)
    assert [(second, word) for second, word in enumerate(words) if word] == [(0, "began"), (30, "ended"), (43, "began")]


def test_one_lost_frame_is_no_state() -> None:
    """Nor are two, of a camera with few frames."""
    assert set(told(Misses(), [(1, 1), (0, 0), (1, 1)] + [(1, 0)] * 20)) == {""}


def test_a_slow_camera_is_watched_too() -> None:
    """Three frames in half a minute suffice."""
    words = told(Misses(), ([(1, 1)] + [(0, 0)] * 9) * 3)
    assert [second for second, word in enumerate(words) if word == "began"] == [20]


def test_silence_is_no_recovery() -> None:
    """A camera that sends nothing any more meets no deadline."""
    assert set(told(Misses(), [(15, 15)] + [(0, 0)] * 100)[1:]) == {""}
