"""framebatch.scheduling.rhythm: gaps, clocks and chains of one camera."""

from __future__ import annotations

import pytest

from framebatch.scheduling.rhythm import LONGEST, Chances, Rhythm

MS = 1_000_000


def heard(*times_ms: float) -> Rhythm:
    """Answer the rhythm of a camera that sent at these times."""
    rhythm = Rhythm("press-3")
    for time_ms in times_ms:
        now = round(time_ms * MS)
        if rhythm.on_time(now):
            rhythm.go_on(now)
        else:
            rhythm.begin(now)
    return rhythm


def test_the_first_gap_is_believed() -> None:
    """Two frames are enough for a guess."""
    assert heard(1000, 1100).due_ns == 1200 * MS


def test_one_frame_says_nothing() -> None:
    """Nothing is due after a camera's first frame."""
    assert heard(1000).due_ns == 0


def test_jitter_is_averaged_out() -> None:
    """The clock stays within a fraction of the jitter, whose mean is learned."""
    rhythm = heard(*(1000 + 100 * frame + (3 if frame % 2 else -3) for frame in range(40)))
    assert rhythm.due_ns == pytest.approx((1000 + 100 * 40) * MS, abs=1 * MS)
    assert rhythm.jitter_ns == pytest.approx(3 * MS, rel=0.2)


def test_a_chain_begins_anew_after_a_pause() -> None:
    """The gap is kept, the position starts over."""
    rhythm = heard(1000, 1010, 1020, 1900)
    assert rhythm.position == 0
    assert rhythm.due_ns == pytest.approx(1910 * MS, abs=1)


def test_a_new_gap_is_taken_up_when_it_is_seen_twice() -> None:
    """A camera that was set to another rate is followed after two frames."""
    assert heard(1000, 1100, 1200, 1240).due_ns == pytest.approx(1340 * MS, abs=1)
    assert heard(1000, 1100, 1200, 1240, 1280).due_ns == 1320 * MS


def test_slow_drift_is_followed() -> None:
    """A clock that runs 1 % fast does not run away."""
    rhythm = heard(*(1000 + 99 * frame for frame in range(100)))
    assert rhythm.due_ns == pytest.approx((1000 + 9900) * MS, abs=MS // 10)


def hinted(*frames_ms: tuple[float, float]) -> Rhythm:
    """Answer the rhythm of a camera that sent at these times and said then when the next one comes; 0: it did not."""
    rhythm = Rhythm("press-3")
    for time_ms, next_ms in frames_ms:
        now = round(time_ms * MS)
        rhythm.judge(now)
        if rhythm.on_time(now):
            rhythm.go_on(now)
        else:
            rhythm.begin(now)
        rhythm.hint(round(next_ms * MS))
    return rhythm


def test_a_hint_makes_the_first_frame_a_rhythm() -> None:
    """Where nothing else is known, it is the gap, too."""
    rhythm = hinted((1000, 1100))
    assert (rhythm.due_ns, rhythm.gap_ns, rhythm.hinted) == (1100 * MS, 100 * MS, True)


def test_a_gap_that_was_only_said_gives_way_to_one_that_was_seen() -> None:
    """The sender says a second and sends every tenth: it is not believed again."""
    rhythm = hinted((1000, 2000), (1100, 2100), (1200, 2200))
    assert (rhythm.due_ns, rhythm.gap_ns, rhythm.hinted) == (1300 * MS, 100 * MS, False)


def test_the_clock_is_better_than_a_hint_that_agrees_with_it() -> None:
    """A hint counts from a frame that may be late; jitter is averaged out in the clock."""
    rhythm = hinted(*((1000 + 100 * at, 1100 + 100 * at) for at in range(20)), (3003, 3103))
    assert rhythm.hinted
    assert rhythm.due_ns == pytest.approx(3100 * MS, abs=MS)


def test_a_sender_that_is_right_against_the_clock_is_believed() -> None:
    """It knows of pauses between bursts that no clock can know; what follows such a frame is not known."""
    frames: list[tuple[float, float]] = []
    for begin_ms, next_ms in ((1000, 1700), (1700, 2100), (2100, 3300), (3300, 3900)):
        frames += [(begin_ms, begin_ms + 10), (begin_ms + 10, begin_ms + 20), (begin_ms + 20, next_ms)]
    rhythm = hinted(*frames)
    assert (rhythm.due_ns, rhythm.hinted, rhythm.astray) == (3900 * MS, True, True)


def test_hints_that_are_wrong_again_and_again_are_ignored() -> None:
    """And believed again when they have been right for a while, as those of others are."""
    wrong = [(1000.0 + 100 * at, 1000.0 + 100 * at + 350) for at in range(20)]
    assert not hinted(*wrong).hinted
    right = [(3000.0 + 100 * at, 3000.0 + 100 * at + 100) for at in range(40)]
    assert hinted(*wrong, *right).hinted


def test_a_sender_that_gives_no_hint_any_more_expects_no_frame() -> None:
    """The last frame of a burst has none, so nothing is due; one that never gives hints is not meant."""
    assert hinted((1000, 1010), (1010, 1020), (1020, 0)).due_ns == 0
    assert hinted((1000, 0), (1010, 0), (1020, 0)).due_ns == 1030 * MS


def test_chances_are_the_share_so_far_and_a_prior() -> None:
    """With nothing counted the prior alone speaks; positions beyond the last share its count."""
    chances = Chances()
    assert chances.goes_on(2, 0.5, 2) == 0.5
    for _ in range(6):
        chances.count(2, went_on=False)
    assert chances.goes_on(2, 0.5, 2) == pytest.approx(1 / 8)
    chances.count(LONGEST + 5, went_on=True)
    assert chances.goes_on(LONGEST, 0.5, 1) == pytest.approx(0.75)


def test_they_show_their_state() -> None:
    """The reprs name what was learned."""
    assert repr(heard(1000, 1100)) == "Rhythm(press-3, gap=100.0 ms, position=1)"
    assert repr(Chances()) == f"Chances(went_on={[0] * 9}, ended={[0] * 9})"
