"""framebatch.app.live.cameras: figures of as many cameras as a page can show, and no more."""

from __future__ import annotations

from framebatch.app.live.cameras import LATENCIES, MAX_LEFT_OUT, Camera, Cameras
from framebatch.clock import MILLISECOND_NS, SECOND_NS
from framebatch.frame import Frame, Outcome


def ended(outcome: Outcome, *, latency_ms: int = 10, arrival_ns: int = 0, reason: str = "") -> Frame:
    """Answer a frame that has its outcome."""
    frame = Frame(
        camera="a",
        sequence=1,
        live=True,
        picture=None,
        arrival_ns=arrival_ns,
        deadline_ns=arrival_ns + 100 * MILLISECOND_NS,
        reply=lambda _: None,
    )
    frame.outcome, frame.reason = outcome, reason
    frame.answered_ns = arrival_ns + latency_ms * MILLISECOND_NS
    return frame


def test_a_camera_tells_of_its_last_frame() -> None:
    """The latency and what was found are of the last OK answer, the rest of the last one at all."""
    camera = Camera("conveyor", 0)
    camera.answered(ended(Outcome.OK, latency_ms=7), Outcome.OK)
    camera.answered(ended(Outcome.REJECTED, arrival_ns=SECOND_NS, reason="overload"), Outcome.REJECTED)
    assert (camera.latency_ns, camera.found) == (7 * MILLISECOND_NS, 0)
    assert (camera.outcome, camera.reason, camera.arrival_ns) == (Outcome.REJECTED, "overload", SECOND_NS)
    assert (camera.budget_ns, camera.live) == (100 * MILLISECOND_NS, True)
    assert sum(camera.ended.values()) == 2
    assert repr(camera) == "Camera('conveyor', ended=2, last=REJECTED)"


def test_the_p95_is_of_the_answers_asked_for() -> None:
    """Of none there is none; of a slow minute ago it tells nothing; what is kept is bounded."""
    camera = Camera("conveyor", 0)
    assert camera.p95_ns(10) is None
    for _ in range(1000):
        camera.answered(ended(Outcome.OK, latency_ms=900), Outcome.OK)
    for latency_ms in range(1, 101):
        camera.answered(ended(Outcome.OK, latency_ms=latency_ms), Outcome.OK)
    assert camera.p95_ns(100) == 95 * MILLISECOND_NS
    assert camera.p95_ns(0) is None
    assert len(camera.latencies_ns) == LATENCIES


def test_further_cameras_are_counted_and_not_shown() -> None:
    """While they send."""
    cameras = Cameras(most=2)
    for name in "abcdc":
        cameras.admit(name, "conveyor", 0)
    assert (sorted(cameras.shown), cameras.left_out) == (["a", "b"], 2)
    assert cameras.tidy(59 * SECOND_NS) == []
    assert cameras.left_out == 2
    cameras.tidy(60 * SECOND_NS)
    assert (sorted(cameras.shown), cameras.left_out) == (["a", "b"], 0)


def test_silent_cameras_give_their_place_to_others() -> None:
    """To those that wait for one, those that were silent for longest first, and only after a minute."""
    cameras = Cameras(most=3)
    for at, name in enumerate("abc"):
        cameras.admit(name, "conveyor", at)
    cameras.shown["b"].arrival_ns = 50 * SECOND_NS
    cameras.admit("d", "conveyor", 61 * SECOND_NS)
    assert cameras.tidy(62 * SECOND_NS) == ["a"]
    assert cameras.admit("d", "conveyor", 62 * SECOND_NS) is not None
    assert (sorted(cameras.shown), cameras.left_out) == (["b", "c", "d"], 0)


def test_names_without_end_are_not_remembered() -> None:
    """A sender that makes up names costs bounded memory."""
    cameras = Cameras(most=1)
    for number in range(2 * MAX_LEFT_OUT):
        cameras.admit(str(number), "conveyor", 0)
    assert repr(cameras) == f"Cameras(1 shown, {MAX_LEFT_OUT} left out)"
