"""framebatch.scheduling.arrivals: what is expected of cameras that run free, are triggered, or follow no rule."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framebatch.scheduling.arrivals import MOST_CAMERAS, Arrivals

MS = 1_000_000
GRAIN = MS // 4


def heard(frames: list[tuple[float, str]], *, budget_ms: int = 50) -> Arrivals:
    """Answer what was learned from frames at these times, in ms."""
    arrivals = Arrivals(GRAIN)
    for time_ms, camera in sorted(frames):
        arrivals.heard(camera, round(time_ms * MS), budget_ms * MS)
    return arrivals


def expected_ms(arrivals: Arrivals, now_ms: float, until_ms: float) -> list[tuple[int, str]]:
    """Answer whole milliseconds and cameras of what is expected."""
    found = arrivals.expected(round(now_ms * MS), round(until_ms * MS), 100)
    return [(round(each.time_ns / MS), each.camera) for each in found]


def bursts(times_ms: list[float], cameras: str = "abc") -> list[tuple[float, str]]:
    """Answer the frames of cameras that are triggered at these times, three frames each, 10 ms apart."""
    return [
        (time_ms + 10 * frame + 0.1 * at, camera)
        for time_ms in times_ms
        for frame in range(3)
        for at, camera in enumerate(cameras)
    ]


def test_a_camera_that_runs_free_is_expected_again_and_again() -> None:
    """Its next frames, as far as one looks ahead."""
    arrivals = heard([(1000 + 40 * frame, "a") for frame in range(10)])
    assert expected_ms(arrivals, 1360, 1490) == [(1400, "a"), (1440, "a"), (1480, "a")]


def test_a_burst_is_expected_to_its_end_and_not_beyond() -> None:
    """After enough triggers it is known that three frames make a burst."""
    past = bursts([1000, 1700, 2100, 3000, 3300])
    arrivals = heard([*past, *((4000 + 0.1 * at, camera) for at, camera in enumerate("abc"))])
    assert expected_ms(arrivals, 4001, 4200) == [(time_ms, camera) for time_ms in (4010, 4020) for camera in "abc"]


def test_companions_of_a_triggered_camera_are_expected_at_once() -> None:
    """One of three that always begin together has come, so the other two are about to, and their bursts with them."""
    arrivals = heard([*bursts([1000, 1700, 2100, 3000, 3300]), (4000, "a")])
    cameras = [camera for time_ms, camera in expected_ms(arrivals, 4000.1, 4005)]
    assert sorted(cameras) == ["b", "c"]


def test_a_hint_lets_the_second_frame_be_expected() -> None:
    """From the first frame on; a hint that lies before now says that the next frame is due at any moment."""
    arrivals = Arrivals(GRAIN)
    arrivals.heard("a", 1000 * MS, MS, 1, 1040 * MS)
    arrivals.heard("b", 1000 * MS, MS, 1, 999 * MS)
    assert (1040, "a") in expected_ms(arrivals, 1005, 1100)
    assert "b" in [each.camera for each in arrivals.expected(1000 * MS, 1001 * MS, 9)]


def test_the_end_of_a_burst_is_believed_at_once() -> None:
    """The sender gave hints in the burst, and none with its last frame: no frame is expected after that."""
    arrivals = Arrivals(GRAIN)
    for time_ms, next_ms in ((1000, 1010), (1010, 1020), (1020, 0)):
        arrivals.heard("a", time_ms * MS, MS, 1, next_ms * MS)
    assert expected_ms(arrivals, 1021, 1100) == []


def test_hints_against_the_clock_do_not_make_frames_foreseen() -> None:
    """Of a camera at random only the next frame is known: too little to plan with."""
    arrivals, now = Arrivals(GRAIN), 1000
    for frame in range(200):
        later = now + 3 + frame * frame * 7919 % 1997
        arrivals.heard("a", now * MS, MS, 1, later * MS)
        now = later
    assert arrivals.foreseen < 0.5


def test_random_arrivals_are_not_foreseen() -> None:
    """Few of the frames of a camera without a rhythm seem expected; of one that runs free, all."""
    time_ms, frames = 0.0, []
    for frame in range(1, 300):
        time_ms += 1 + frame * 7919 % 193
        frames.append((time_ms, "a"))
    assert heard(frames).foreseen < 0.5
    assert heard([(10 * frame, "a") for frame in range(1, 100)]).foreseen > 0.99


def test_a_late_frame_is_still_expected_for_a_moment_and_then_given_up() -> None:
    """A camera that was switched off is not waited for."""
    arrivals = heard([(1000 + 40 * frame, "a") for frame in range(10)])
    assert expected_ms(arrivals, 1400.1, 1420) == [(1400, "a")]
    assert expected_ms(arrivals, 1415, 1420) == []
    arrivals.heard("b", 2000 * MS, MS)
    assert expected_ms(arrivals, 2000, 2100) == []


def test_rows_and_budgets_are_as_last_time() -> None:
    """A frame of two rows is expected as two rows."""
    arrivals = Arrivals(GRAIN)
    for frame in range(5):
        arrivals.heard("a", (1000 + 40 * frame) * MS, 30 * MS, rows=2)
    found = arrivals.expected(1170 * MS, 1220 * MS, 10)
    assert [each.budget_ns for each in found] == [30 * MS, 30 * MS]


def test_no_number_of_names_fills_the_memory() -> None:
    """Of very many cameras the ones heard last are remembered."""
    arrivals = Arrivals(GRAIN)
    for number in range(2 * MOST_CAMERAS):
        arrivals.heard(str(number), number * MS, MS)
    assert len(arrivals._rhythms) == MOST_CAMERAS


@given(
    st.lists(st.tuples(st.integers(0, 5 * MS), st.sampled_from("abcd"), st.integers(1, 3)), max_size=60),
    st.integers(0, 30 * MS),
    st.integers(1, 20),
)
def test_nothing_is_expected_in_the_past(frames: list[tuple[int, str, int]], later: int, limit: int) -> None:
    """What is expected comes in order, after a grain, within the time asked for, and is no more than asked for."""
    arrivals, now = Arrivals(GRAIN), 0
    for gap, camera, rows in frames:
        now += gap
        arrivals.heard(camera, now, MS, rows)
    now += later
    times = [each.time_ns for each in arrivals.expected(now, now + 50 * MS, limit)]
    assert len(times) <= limit
    assert times == sorted(times)
    assert all(now + GRAIN <= time_ns <= now + 50 * MS for time_ns in times)


def test_it_shows_its_state() -> None:
    """The repr counts cameras and what is due."""
    assert repr(heard([(1000, "a"), (1040, "a"), (1050, "b")])) == "Arrivals(2 cameras, 1 expected)"
