"""framebatch.edge.paced: who sends too much is refused, with the limit and what to do."""

from __future__ import annotations

from framebatch.edge.paced import Paced
from framebatch.frame import Frame, Outcome
from framebatch.scheduling.rate import CameraRate
from framebatch.testing import Replies


class Taker:
    """Takes frames, and writes down what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def __repr__(self) -> str:
        return "Taker()"

    def submit(self, frame: Frame) -> None:
        """Write it down."""
        self.told.append(("submit", frame.camera, ""))

    def refuse(self, frame: Frame, outcome: Outcome, reason: str) -> None:
        """Write it down."""
        self.told.append((outcome, frame.camera, reason))

    def withdraw(self, frame: Frame, reason: str) -> None:
        """Write it down."""
        self.told.append(("withdraw", frame.camera, reason))


def make() -> tuple[Taker, Paced]:
    """Answer somebody who takes frames, and the same at a frame a second for each camera."""
    taker = Taker()
    return taker, Paced(taker, CameraRate(1))


async def test_a_camera_above_its_rate_is_refused_and_another_is_not() -> None:
    """The reason names the limit and the remedy."""
    taker, paced = make()
    for camera in ("press", "press", "belt"):
        paced.submit(Replies().frame(camera=camera))
    reason = (
        "its camera sent more than 1 frames a second over all of its streams; "
        "send fewer, or raise max_camera_fps on the server"
    )
    assert taker.told == [("submit", "press", ""), ("REJECTED", "press", reason), ("submit", "belt", "")]


async def test_frames_without_a_camera_are_not_counted() -> None:
    """They are of many senders."""
    taker, paced = make()
    for _ in range(3):
        paced.submit(Replies().frame(camera=""))
    assert taker.told == [("submit", "", "")] * 3


async def test_everything_else_is_handed_over() -> None:
    """Refusals of others, and frames that nobody waits for."""
    taker, paced = make()
    frame = Replies().frame(camera="press")
    paced.refuse(frame, Outcome.INVALID, "broken")
    paced.withdraw(frame, "gone")
    assert taker.told == [("INVALID", "press", "broken"), ("withdraw", "press", "gone")]
    assert repr(paced) == "Paced(Taker(), CameraRate(1 frames/s, cameras=0))"
